#include "parking.hpp"

#include <chrono>

namespace eddy::inline v1::detail {

// It does not spin before it sleeps: where other programs want the cores, that and yielding made a
// channel slower than one without, up to three times.
bool parking_spot::park_until(std::int64_t deadline_ns) noexcept {
  const auto unparked = [this] { return unparked_; };
  std::unique_lock lock(mutex_);
  if (deadline_ns == INT64_MAX) {
    came_.wait(lock, unparked);
    return true;
  }
  const std::chrono::steady_clock::time_point deadline{std::chrono::nanoseconds(deadline_ns)};
  return came_.wait_until(lock, deadline, unparked);
}

// Under the lock: without it, the sleeper could be gone before it is notified.
void parking_spot::unpark() noexcept {
  const std::lock_guard lock(mutex_);
  unparked_ = true;
  came_.notify_one();
}

}  // namespace eddy::inline v1::detail
