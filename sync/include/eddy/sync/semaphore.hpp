// semaphore: at most N at a time.
#pragma once

#include <eddy/sync/permits.hpp>

namespace eddy::inline v1 {

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
  // A permit, or an empty one if none is free. Never waits.
  [[nodiscard]] permit try_acquire() noexcept {
    return line_.try_take() ? permit(line_) : permit();
  }
  // Adds a permit, or hands it to the first waiter. Permits release themselves; this is for those
  // who count in other ways.
  void release() noexcept { line_.release(); }

  // Permits that are free now, and tasks that wait.
  std::size_t available() const noexcept { return line_.free(); }
  std::size_t waiting() const noexcept { return line_.waiting(); }

 private:
  detail::permit_line line_;
};

}  // namespace eddy::inline v1
