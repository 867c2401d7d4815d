// How much memory the program has from malloc.
#pragma once

#include <cstddef>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace eddy_tests {

// Zero where the C library cannot tell, and under the sanitizers, which have an allocator of their
// own: there a comparison says nothing.
inline std::size_t heap_in_use() noexcept {
#ifdef __GLIBC__
  const auto now = ::mallinfo2();  // glibc 2.33
  return now.uordblks + now.hblkhd;
#else
  return 0;
#endif
}

}  // namespace eddy_tests
