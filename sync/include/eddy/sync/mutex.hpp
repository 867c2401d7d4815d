// mutex: one at a time, across awaits.
#pragma once

#include <eddy/sync/permits.hpp>

namespace eddy::inline v1 {

// A fair mutex for coroutines of one loop: asyncio.Lock. Only needed where a coroutine awaits
// inside the critical section. Not recursive: a task that locks it twice waits for itself.
//
//   auto guard = co_await m.lock();   // unlocked at the end of the scope
class mutex {
 public:
  using guard = detail::held_permit;

  mutex() noexcept : line_(1) {}

  // Waits for the lock. Cancellation point; cancelled means that it was not taken.
  [[nodiscard]] detail::acquire_awaiter lock() noexcept { return detail::acquire_awaiter(line_); }
  // The lock, or an empty guard if another holds it. Never waits.
  [[nodiscard]] guard try_lock() noexcept { return line_.try_take() ? guard(line_) : guard(); }

  bool locked() const noexcept { return line_.free() == 0; }
  std::size_t waiting() const noexcept { return line_.waiting(); }

 private:
  detail::permit_line line_;
};

}  // namespace eddy::inline v1
