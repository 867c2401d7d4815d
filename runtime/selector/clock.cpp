#include <time.h>
#include <unistd.h>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

std::int64_t clock_ns() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

unsigned core_count() noexcept {
  const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? static_cast<unsigned>(n) : 1;
}

}  // namespace eddy::inline v1::detail::system
