// semaphore and bounded_semaphore: at most N at a time.
#pragma once

#include <eddy/sync/permits.hpp>

namespace eddy::inline v1 {

// What statistics() of a semaphore tells. Plain counts, as of the call.
struct semaphore_statistics {
  std::size_t available;     // permits that are free
  std::size_t waiting;       // tasks in the line
  std::size_t most_waiting;  // the most that were ever in it
};

// A fair counting semaphore. Waiters are served in the order they came; a release hands the permit
// to the first of them. The semaphore must outlive its permits and waiters. Thread: one loop's.
//
//   semaphore slots(10);
//   auto permit = co_await slots.acquire();   // released at the end of the scope
class semaphore {
 public:
  using permit = detail::held_permit;

  explicit semaphore(std::size_t permits) noexcept : line_(permits) {}

  // Waits for a permit. Cancellation point; cancelled means that no permit was taken.
  [[nodiscard]] detail::acquire_awaiter acquire() noexcept {
    return detail::acquire_awaiter(line_);
  }
  // The same, for at most a duration, or until a time_point of steady_clock. The permit is empty if
  // that came first; a permit granted in the same turn is kept. Throws std::bad_alloc if there is
  // no memory for the timer.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed_acquire_awaiter acquire_for(const D& d) noexcept {
    return detail::timed_acquire_awaiter(detail::limit::after(d), line_);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed_acquire_awaiter acquire_until(const P& t) noexcept {
    return detail::timed_acquire_awaiter(detail::limit::at(t), line_);
  }
  // A permit, or an empty one if none is free. Never waits.
  [[nodiscard]] permit try_acquire() noexcept {
    return line_.try_take() ? permit(line_) : permit();
  }
  // Adds a permit, or hands it to the first waiter. Permits release themselves; this is for those
  // that were forgotten, and for who counts in other ways.
  void release() noexcept { line_.release(); }

  // Permits that are free now, and tasks that wait.
  std::size_t available() const noexcept { return line_.free(); }
  std::size_t waiting() const noexcept { return line_.waiting(); }
  semaphore_statistics statistics() const noexcept {
    return {line_.free(), line_.waiting(), line_.most_waiting()};
  }

 private:
  detail::permit_line line_;
};

// A semaphore that never has more permits than at first. Its permits release themselves; release()
// is for one that was forgotten, and anything beyond that throws.
//
//   bounded_semaphore slots(10);
//   auto permit = co_await slots.acquire();
//   permit.forget();
//   slots.release();
class bounded_semaphore {
 public:
  using permit = detail::held_permit;

  explicit bounded_semaphore(std::size_t permits) noexcept : line_(permits), limit_(permits) {}

  // As those of semaphore.
  [[nodiscard]] detail::acquire_awaiter acquire() noexcept {
    return detail::acquire_awaiter(line_);
  }
  template <detail::duration_like D>
  [[nodiscard]] detail::timed_acquire_awaiter acquire_for(const D& d) noexcept {
    return detail::timed_acquire_awaiter(detail::limit::after(d), line_);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed_acquire_awaiter acquire_until(const P& t) noexcept {
    return detail::timed_acquire_awaiter(detail::limit::at(t), line_);
  }
  [[nodiscard]] permit try_acquire() noexcept {
    return line_.try_take() ? permit(line_) : permit();
  }
  // Gives a forgotten permit back. Throws std::logic_error if there is none: all are free, or held
  // by permits that release themselves, which would then make more of them than limit().
  void release();

  std::size_t available() const noexcept { return line_.free(); }
  std::size_t limit() const noexcept { return limit_; }
  std::size_t waiting() const noexcept { return line_.waiting(); }
  semaphore_statistics statistics() const noexcept {
    return {line_.free(), line_.waiting(), line_.most_waiting()};
  }

 private:
  detail::permit_line line_;
  std::size_t limit_;
};

}  // namespace eddy::inline v1
