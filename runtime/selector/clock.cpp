#include <time.h>
#include <unistd.h>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

namespace {

// The clock of std::chrono::steady_clock, whose time points callers pass in. libc++ takes another
// one on Apple's systems, where CLOCK_MONOTONIC is slewed and may even go back.
#ifdef __APPLE__
constexpr clockid_t steady = CLOCK_MONOTONIC_RAW;
#else
constexpr clockid_t steady = CLOCK_MONOTONIC;
#endif

}  // namespace

std::int64_t clock_ns() noexcept {
  timespec t;
  ::clock_gettime(steady, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::int64_t wall_seconds() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  return std::int64_t{t.tv_sec};
}

unsigned core_count() noexcept {
  const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? static_cast<unsigned>(n) : 1;
}

}  // namespace eddy::inline v1::detail::system
