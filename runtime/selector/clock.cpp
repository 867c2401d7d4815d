#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

std::int64_t clock_ns() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void entropy(void* out, std::size_t size) noexcept {
  auto* at = static_cast<unsigned char*>(out);
  while (size > 0) {
    const auto n = ::getrandom(at, size, 0);
    if (n < 0 && errno == EINTR) continue;
    // Only a kernel before 3.17 lacks the call; weak keys would be worse than no program.
    if (n < 0) std::abort();
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

unsigned core_count() noexcept {
  const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? static_cast<unsigned>(n) : 1;
}

}  // namespace eddy::inline v1::detail::system
