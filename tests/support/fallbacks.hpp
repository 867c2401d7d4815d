// Which of the two io_urings a program of the tests is linked with, if any.
#pragma once

#ifdef __linux__
namespace eddy::inline v1::detail {
// Only io_uring has it; see runtime/selector/io_uring_plain.hpp.
[[gnu::weak]] bool io_uring_plain() noexcept;
}  // namespace eddy::inline v1::detail
#endif

namespace eddy_tests {

// Whether this is the engine for old kernels, whose leases are of blocks from the heap. A weak
// reference to what nobody defines is an error to the linker of macOS.
inline bool over_fallbacks() {
#ifdef __linux__
  return eddy::detail::io_uring_plain != nullptr && eddy::detail::io_uring_plain();
#else
  return false;
#endif
}

}  // namespace eddy_tests
