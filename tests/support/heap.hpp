// How much memory the program has from malloc.
#pragma once

#include <cstddef>
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace eddy_tests {

// Zero where the C library cannot tell, and under the sanitizers, which have an allocator of their
// own: there a comparison says nothing.
inline std::size_t heap_in_use() noexcept {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  const auto now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
#else
  return 0;
#endif
}

}  // namespace eddy_tests
