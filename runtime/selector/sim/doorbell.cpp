#include "doorbell.hpp"

#include <chrono>
#include <utility>

namespace eddy::inline v1::detail::simulation {

void doorbell::ring() noexcept {
  {
    const std::lock_guard lock(mutex_);
    rung_ = true;
  }
  bell_.notify_one();
}

bool doorbell::rung() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(rung_, false);
}

bool doorbell::await(std::int64_t limit_ns) noexcept {
  std::unique_lock lock(mutex_);
  bell_.wait_for(lock, std::chrono::nanoseconds(limit_ns), [this] { return rung_; });
  return std::exchange(rung_, false);
}

}  // namespace eddy::inline v1::detail::simulation
