// Deadlines below <chrono>, which costs 31,000 lines: arming the timer that every waiter is, and
// durations of std::chrono taken by their shape.
#pragma once

#include <eddy/runtime/core.hpp>
#include <ratio>
#include <type_traits>

namespace eddy::inline v1::detail {

// False if there is no memory for one more live timer.
bool arm(loop_core& loop, timer& t, std::int64_t deadline_ns) noexcept;
void disarm(loop_core& loop, timer& t) noexcept;
// The clock of the loop's engine, in nanoseconds of steady_clock.
std::int64_t now_ns(loop_core& loop) noexcept;
[[noreturn]] void throw_no_memory();

// A std::chrono::duration.
template <class D>
concept duration_like = requires(const D& d) {
  typename D::rep;
  D::period::num;
  d.count();
};

// A time_point of std::chrono::steady_clock, as far as its shape tells.
template <class P>
concept time_point_like = requires(const P& p) {
  requires P::clock::is_steady;
  { p.time_since_epoch() } -> duration_like;
};

// Any duration in nanoseconds: rounded up, saturated at both ends, NaN is zero.
template <duration_like D>
constexpr std::int64_t nanoseconds_of(const D& d) noexcept {
  using factor = std::ratio_divide<std::ratio<D::period::num, D::period::den>, std::nano>;
  const auto count = d.count();
  // Whole nanoseconds, which is nearly all there is: the general way below takes 3 ns longer.
  if constexpr (std::is_integral_v<typename D::rep> && factor::den == 1) {
    constexpr std::int64_t most = never_ns / factor::num;
    if constexpr (std::is_signed_v<typename D::rep>) {
      if (count > most) return never_ns;
      if (count < -most) return -never_ns;
    } else if (count > static_cast<std::uint64_t>(most)) {
      return never_ns;
    }
    return static_cast<std::int64_t>(count) * factor::num;
  }
  const long double ns = static_cast<long double>(count) * static_cast<long double>(factor::num) /
                         static_cast<long double>(factor::den);
  if (ns != ns) return 0;
  if (ns >= static_cast<long double>(never_ns)) return never_ns;
  if (ns <= static_cast<long double>(-never_ns)) return -never_ns;
  // Whole numbers only where the conversion has no factor on both sides of the fraction: thirds of
  // a second overflow after 97 years, 44,100ths after 242 days.
  if constexpr (std::is_integral_v<typename D::rep> && factor::num == 1) {
    const auto whole = static_cast<std::int64_t>(count) / factor::den;
    return whole * factor::den < static_cast<std::int64_t>(count) ? whole + 1 : whole;
  }
  const auto whole = static_cast<std::int64_t>(ns);
  return static_cast<long double>(whole) < ns ? whole + 1 : whole;
}

// The same, and what is negative is zero.
template <duration_like D>
constexpr std::int64_t saturated_ns(const D& d) noexcept {
  const std::int64_t ns = nanoseconds_of(d);
  return ns > 0 ? ns : 0;
}

constexpr std::int64_t deadline_after(std::int64_t now, std::int64_t delay) noexcept {
  return delay > never_ns - now ? never_ns : now + delay;
}

// When a wait with a limit ends: after a duration, whose clock is read when it is armed, or at a
// point in time.
class limit {
 public:
  template <duration_like D>
  static constexpr limit after(const D& d) noexcept {
    return limit(saturated_ns(d), true);
  }
  template <time_point_like P>
  static constexpr limit at(const P& p) noexcept {
    return limit(nanoseconds_of(p.time_since_epoch()), false);
  }

  static constexpr limit after_ns(std::int64_t ns) noexcept { return limit(ns, true); }
  // What ns() and relative() have told.
  static constexpr limit of(std::int64_t ns, bool relative) noexcept { return limit(ns, relative); }
  static constexpr limit now() noexcept { return limit(0, true); }
  static constexpr limit never() noexcept { return limit(never_ns, true); }

  // The same limit for several waits in a row: a duration is counted from now.
  limit fixed(loop_core& loop) const noexcept {
    if (!relative_ || immediate()) return *this;
    return limit(deadline_after(now_ns(loop), ns_), false);
  }

  // Arms `t`; false if there is no memory. A limit that never comes arms nothing.
  bool arm(loop_core& loop, timer& t) const noexcept;
  // Whether nothing can be waited for: zero or less from now.
  constexpr bool immediate() const noexcept { return relative_ && ns_ == 0; }
  constexpr bool relative() const noexcept { return relative_; }
  constexpr std::int64_t ns() const noexcept { return ns_; }

 private:
  constexpr limit(std::int64_t ns, bool relative) noexcept : ns_(ns), relative_(relative) {}

  std::int64_t ns_;
  bool relative_;
};

// Throws timeout_error that says how long.
[[noreturn]] void throw_timed_out(limit until);

}  // namespace eddy::inline v1::detail
