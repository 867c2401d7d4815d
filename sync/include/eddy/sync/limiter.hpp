// limiter: at most N in any interval of a given length.
#pragma once

#include <eddy/sync/line.hpp>
#include <eddy/sync/timed.hpp>

namespace eddy::inline v1 {

class limiter;

namespace detail {

class limiter_wait : public listed_waiter {
 public:
  using timed_result = bool;
  limiter_wait(limiter& of, std::size_t n) noexcept : limiter_(of), n_(n) {}
  bool start() noexcept;
  void await_resume();
  void on_cancel() noexcept override;

  std::size_t units() const noexcept { return n_; }
  // There was no memory for the timer that it needs.
  void set_no_memory() noexcept { out_of_memory = true; }

 protected:
  ~limiter_wait() = default;
  void withdraw() noexcept;

 private:
  limiter& limiter_;
  std::size_t n_;
};

}  // namespace detail

// What statistics() of a limiter tells.
struct limiter_statistics {
  std::size_t waiting;       // tasks in the line
  std::size_t most_waiting;  // the most that were ever in it
  std::uint64_t acquired;    // units that were ever acquired
};

// Lets at most `most` units through in any interval of length `interval`: an exact sliding window,
// and no average; of any most + 1 acquisitions in a row, the last comes at least `interval` after
// the first. (A token bucket lets up to twice as many through in the interval after a pause.) The
// time of an acquisition is that at which its coroutine goes on, by the loop's clock; what it
// does then is its own. Up to `most` may come at once.
//
//   limiter ten_a_second(10, 1s);
//   co_await ten_a_second.acquire();
//
// Waiters are served in the order they came, also those who ask for several units; never early.
// Cancelled means that nothing was used, also if the units were granted in the same turn. It must
// outlive its waiters. Costs 8 bytes for each of `most`. Thread: one loop's.
class limiter final : detail::timer {
 public:
  // Throws std::invalid_argument if `most` is 0 or `interval` not above zero; std::bad_alloc.
  template <detail::duration_like D>
  limiter(std::size_t most, const D& interval) : limiter(most, detail::saturated_ns(interval), 0) {}
  limiter(const limiter&) = delete;
  limiter& operator=(const limiter&) = delete;
  ~limiter();

  // Waits for `n` units, all at once. Cancellation point. Throws std::invalid_argument unless n is
  // 1 to most(), std::bad_alloc if there is no memory for a timer.
  [[nodiscard]] detail::untimed<detail::limiter_wait> acquire(std::size_t n = 1) {
    return detail::untimed<detail::limiter_wait>(*this, checked(n));
  }
  // The same, for at most a duration, or until a time_point of steady_clock. False: the limit came
  // first, and nothing was used.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed<detail::limiter_wait> acquire_for(const D& d, std::size_t n = 1) {
    return detail::timed<detail::limiter_wait>(detail::limit::after(d), *this, checked(n));
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed<detail::limiter_wait> acquire_until(const P& t, std::size_t n = 1) {
    return detail::timed<detail::limiter_wait>(detail::limit::at(t), *this, checked(n));
  }
  // True if it got the units. Never waits, and passes nobody who does. Throws std::logic_error
  // outside a loop, whose clock it reads; std::invalid_argument as acquire.
  [[nodiscard]] bool try_acquire(std::size_t n = 1);

  std::size_t most() const noexcept { return most_; }
  std::size_t waiting() const noexcept { return waiters_.size(); }
  limiter_statistics statistics() const noexcept {
    return {waiters_.size(), waiters_.most(), acquired_};
  }

 private:
  friend class detail::limiter_wait;

  limiter(std::size_t most, std::int64_t interval_ns, int);
  std::size_t checked(std::size_t n) const;
  void fire() noexcept override { serve(); }

  std::size_t available() const noexcept { return most_ - used_ - granted_; }
  // Makes units available that were used an interval ago.
  void forget_old(std::int64_t now) noexcept;
  bool is_available(std::size_t n) noexcept;
  // The time of the i-th unit, counted from the one that was used first.
  std::int64_t& time_of(std::size_t i) const noexcept;
  // Takes granted units.
  void use(std::size_t n) noexcept;
  // Grants to those in front what there is, and waits for what the next one lacks.
  void serve() noexcept;

  detail::line waiters_;
  detail::loop_core* loop_ = nullptr;  // known when somebody has asked
  std::int64_t interval_;
  std::int64_t* times_;
  std::size_t most_;
  std::size_t first_ = 0;    // of the ring of times
  std::size_t used_ = 0;     // units of the last interval, whose times are kept
  std::size_t granted_ = 0;  // units of waiters that have not gone on yet
  std::uint64_t acquired_ = 0;
};

}  // namespace eddy::inline v1
