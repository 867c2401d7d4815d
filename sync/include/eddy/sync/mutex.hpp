// mutex: one at a time, across awaits.
#pragma once

#include <eddy/sync/permits.hpp>

namespace eddy::inline v1 {

// What statistics() of a mutex tells.
struct mutex_statistics {
  bool locked;
  std::size_t waiting;       // tasks in the line
  std::size_t most_waiting;  // the most that were ever in it
};

// A fair mutex for coroutines of one loop: asyncio.Lock. Only needed where a coroutine awaits
// inside the critical section. Waiters get it in the order they came; it must outlive them and its
// guards. Not recursive: a task that locks it twice waits for itself.
//
//   auto guard = co_await m.lock();   // unlocked at the end of the scope
class mutex {
 public:
  using guard = detail::held_permit;

  mutex() noexcept : line_(1) {}

  // Waits for the lock. Cancellation point; cancelled means that it was not taken.
  [[nodiscard]] detail::acquire_awaiter lock() noexcept { return detail::acquire_awaiter(line_); }
  // The same, for at most a duration, or until a time_point of steady_clock. The guard is empty if
  // that came first; a lock granted in the same turn is kept. Throws std::bad_alloc if there is no
  // memory for the timer.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed_acquire_awaiter lock_for(const D& d) noexcept {
    return detail::timed_acquire_awaiter(detail::limit::after(d), line_);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed_acquire_awaiter lock_until(const P& t) noexcept {
    return detail::timed_acquire_awaiter(detail::limit::at(t), line_);
  }
  // The lock, or an empty guard if another holds it. Never waits.
  [[nodiscard]] guard try_lock() noexcept { return line_.try_take() ? guard(line_) : guard(); }

  // Unlocks what a forgotten guard held, for a lock that ends elsewhere than it began. Throws
  // std::logic_error if nobody has locked it, or if a guard holds it, which will unlock it itself.
  void unlock();

  bool locked() const noexcept { return line_.free() == 0; }
  std::size_t waiting() const noexcept { return line_.waiting(); }
  mutex_statistics statistics() const noexcept {
    return {locked(), line_.waiting(), line_.most_waiting()};
  }

 private:
  detail::permit_line line_;
};

}  // namespace eddy::inline v1
