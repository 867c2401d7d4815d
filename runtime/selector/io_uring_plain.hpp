// Which of the two io_urings a library has.
#pragma once

namespace eddy::inline v1::detail {

// Whether to use only what Linux 5.15 has, whatever the kernel offers: no single issuer, no deferred
// completions, no rings of buffers, nothing multishot. It is defined by the file that the build
// links, as the engine is: false in io_uring_best.cpp; true where the tests run everything a second
// time over the fallbacks.
bool io_uring_plain() noexcept;

}  // namespace eddy::inline v1::detail
