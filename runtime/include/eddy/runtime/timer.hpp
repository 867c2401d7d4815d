// Sleeping and yielding. Time is std::chrono::steady_clock.
#pragma once

#include <chrono>
#include <eddy/runtime/deadline.hpp>

namespace eddy::inline v1 {

using time_point = std::chrono::steady_clock::time_point;

namespace detail {

// Until it is armed, its limit stands where the link will.
class sleep_awaiter final : public awaited<sleep_awaiter> {
 public:
  explicit sleep_awaiter(limit until) noexcept {
    kept_ns = until.ns();
    relative = until.relative();
  }

  bool start() noexcept;
  void await_resume() {
    leave();
    if (out_of_memory) throw_no_memory();
  }

  void on_cancel() noexcept override;
  void fire() noexcept override { wake(); }
};

// No waiter: it is never parked, so a cancellation has nothing to tell it, and it is no leaf.
class yield_awaiter final : public suspension {
 public:
  yield_awaiter() noexcept : suspension(blank()) {}
  yield_awaiter(const yield_awaiter&) = delete;
  yield_awaiter& operator=(const yield_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    h.promise().at = at;
    scope& s = *h.promise().where;
    frame = h;
    state = wait_state::ready;
    if (s.cancelled) [[unlikely]] return refuse();
    s.loop->push(*this);
  }
  void await_resume() const {
    if (state == wait_state::cancelled) throw_cancelled();
  }

 private:
  void refuse() noexcept;
};

}  // namespace detail

// Waits for at least `d` from now. Zero or less lets what is ready run first, as yield() does.
// Cancellation point.
template <class Rep, class Period>
[[nodiscard]] detail::sleep_awaiter sleep(std::chrono::duration<Rep, Period> d) noexcept {
  return detail::sleep_awaiter(detail::limit::after(d));
}

// Waits until `t` or later. Cancellation point.
[[nodiscard]] inline detail::sleep_awaiter sleep_until(time_point t) noexcept {
  return detail::sleep_awaiter(detail::limit::at(t));
}

// Goes to the end of the ready queue: all that is ready now runs first. asyncio.sleep(0), except
// that the selector is asked once a turn (runtime/README.md), not at each yield. Cancellation
// point.
[[nodiscard]] inline detail::yield_awaiter yield() noexcept { return {}; }

// The loop's clock: steady_clock, or the simulator's. Outside a loop it throws std::logic_error.
time_point now();

}  // namespace eddy::inline v1
