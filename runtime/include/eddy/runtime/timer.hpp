// Sleeping and yielding. Time is std::chrono::steady_clock.
#pragma once

#include <chrono>
#include <eddy/runtime/core.hpp>
#include <ratio>

namespace eddy::inline v1 {

using time_point = std::chrono::steady_clock::time_point;

namespace detail {

// A deadline in the loop's timer heap. Ordered by deadline, ties by arming order.
class timer {
 public:
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  virtual void fire() noexcept = 0;

  static constexpr std::size_t not_armed = static_cast<std::size_t>(-1);
  std::size_t index = not_armed;

 protected:
  timer() noexcept {}
  ~timer() = default;
};

// False if there is no memory for one more live timer.
bool arm(loop_core& loop, timer& t, std::int64_t deadline_ns) noexcept;
void disarm(loop_core& loop, timer& t) noexcept;
// The clock of the loop's engine, in nanoseconds of steady_clock.
std::int64_t now_ns(loop_core& loop) noexcept;
[[noreturn]] void throw_no_memory();

// Any duration in nanoseconds: rounded up, saturated, NaN is zero.
template <class Rep, class Period>
constexpr std::int64_t saturated_ns(std::chrono::duration<Rep, Period> d) noexcept {
  using wide = std::chrono::duration<long double, std::nano>;
  const long double ns = wide(d).count();
  if (!(ns > 0)) return 0;
  if (ns >= static_cast<long double>(never_ns)) return never_ns;
  // Whole numbers only where the conversion has no factor on both sides of the fraction: thirds of
  // a second overflow after 97 years, 44,100ths after 242 days.
  using factor = std::ratio_divide<Period, std::nano>;
  if constexpr (!std::chrono::treat_as_floating_point_v<Rep> &&
                (factor::num == 1 || factor::den == 1)) {
    return std::chrono::ceil<std::chrono::nanoseconds>(d).count();
  } else {
    const auto whole = static_cast<std::int64_t>(ns);
    return static_cast<long double>(whole) < ns ? whole + 1 : whole;
  }
}

constexpr std::int64_t deadline_after(std::int64_t now, std::int64_t delay) noexcept {
  return delay > never_ns - now ? never_ns : now + delay;
}

class sleep_awaiter final : public waiter, public timer {
 public:
  enum class kind : std::uint8_t { relative, absolute };
  sleep_awaiter(kind k, std::int64_t ns) noexcept : ns_(ns), kind_(k) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  void await_resume() {
    leave();
    if (no_memory_) throw_no_memory();
  }

  void on_cancel() noexcept override;
  void fire() noexcept override { wake(); }

 private:
  bool start() noexcept;

  std::int64_t ns_;
  kind kind_;
  bool no_memory_ = false;
};

}  // namespace detail

// Waits for at least `d` from now. Zero or less lets what is ready run first, as yield() does.
// Cancellation point.
template <class Rep, class Period>
[[nodiscard]] detail::sleep_awaiter sleep(std::chrono::duration<Rep, Period> d) noexcept {
  return {detail::sleep_awaiter::kind::relative, detail::saturated_ns(d)};
}

// Waits until `t` or later. Cancellation point.
[[nodiscard]] inline detail::sleep_awaiter sleep_until(time_point t) noexcept {
  return {detail::sleep_awaiter::kind::absolute,
          std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count()};
}

// Goes to the end of the ready queue: all that is ready now runs first. asyncio.sleep(0), except
// that the selector is asked once a turn (runtime/README.md), not at each yield. Cancellation
// point.
[[nodiscard]] inline detail::sleep_awaiter yield() noexcept {
  return {detail::sleep_awaiter::kind::relative, 0};
}

// The loop's clock: steady_clock, or the simulator's. Outside a loop it throws std::logic_error.
time_point now();

}  // namespace eddy::inline v1
