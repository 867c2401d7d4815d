// barrier: nobody goes on before all have arrived.
#pragma once

#include <eddy/sync/line.hpp>
#include <eddy/sync/timed.hpp>
#include <optional>
#include <stdexcept>

namespace eddy::inline v1 {

class barrier;

// Thrown to those who wait at a barrier that is aborted or reset, and by arriving at a broken one.
class broken_barrier : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

class barrier_wait : public listed_waiter {
 public:
  using timed_result = std::optional<std::size_t>;
  explicit barrier_wait(barrier& b) noexcept : barrier_(b) {}
  bool start() noexcept;
  std::size_t await_resume();
  void on_cancel() noexcept override;

  enum class outcome : std::uint8_t { none, tripped, aborted, reset };
  // It has left the line, in this place of it.
  void end(outcome how, std::size_t index) noexcept;

 protected:
  ~barrier_wait() = default;
  void withdraw() noexcept;

 private:

  barrier& barrier_;
  std::size_t index_ = 0;
  outcome outcome_ = outcome::none;
};

}  // namespace detail

// What statistics() of a barrier tells.
struct barrier_statistics {
  std::size_t waiting;       // tasks that have arrived and wait
  std::size_t most_waiting;  // the most that ever did
  std::size_t trips;         // how often all had arrived
};

// asyncio.Barrier: the last of `parties` to arrive lets all go on, in the order of arrival, and the
// barrier is as new. It must outlive its waiters. Thread: one loop's.
//
//   barrier all_ready(3);
//   const std::size_t index = co_await all_ready.arrive_and_wait();
//   if (index == 0) ...   // exactly one of the three
//
// Cancelled means that it has not arrived: the barrier waits for one more. Once all have arrived
// that cannot be undone: whoever is cancelled then, before it goes on, has arrived, gets its index,
// and the cancellation meets its next suspension.
class barrier {
 public:
  // Throws std::invalid_argument if parties is 0.
  explicit barrier(std::size_t parties);
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;
  ~barrier();

  // Arrives and waits for the others. Returns in which place it arrived: 0 to parties() - 1.
  // Throws broken_barrier if the barrier is broken, or while it waits is aborted or reset.
  // Cancellation point.
  [[nodiscard]] detail::untimed<detail::barrier_wait> arrive_and_wait() noexcept {
    return detail::untimed<detail::barrier_wait>(*this);
  }
  // The same, for at most a duration, or until a time_point of steady_clock. Nothing: the limit
  // came, and it has not arrived. That does not break the barrier.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed<detail::barrier_wait> arrive_and_wait_for(const D& d) noexcept {
    return detail::timed<detail::barrier_wait>(detail::limit::after(d), *this);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed<detail::barrier_wait> arrive_and_wait_until(const P& t) noexcept {
    return detail::timed<detail::barrier_wait>(detail::limit::at(t), *this);
  }

  // Breaks the barrier: those who wait, and those who arrive until it is reset, get broken_barrier.
  void abort() noexcept;
  // Makes the barrier as new. Those who wait get broken_barrier.
  void reset() noexcept;

  bool broken() const noexcept { return broken_; }
  std::size_t parties() const noexcept { return parties_; }
  std::size_t waiting() const noexcept { return waiters_.size(); }
  barrier_statistics statistics() const noexcept {
    return {waiters_.size(), waiters_.most(), trips_};
  }

 private:
  friend class detail::barrier_wait;
  using outcome = detail::barrier_wait::outcome;
  void end_all(outcome how) noexcept;

  detail::line waiters_;
  std::size_t parties_;
  std::size_t trips_ = 0;
  bool broken_ = false;
};

}  // namespace eddy::inline v1
