#include "parking.hpp"

#ifdef __linux__
#include <cerrno>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#else
#include <chrono>
#endif

// Neither spins before it sleeps: where other programs want the cores, that and yielding made a
// channel slower than one without, up to three times.

namespace eddy::inline v1::detail {

#ifdef __linux__

namespace {

constexpr std::uint32_t awake = 0;
constexpr std::uint32_t asleep = 1;
constexpr std::uint32_t unparked = 2;

// futex(2): FUTEX_WAIT_BITSET takes a point in time of CLOCK_MONOTONIC, FUTEX_WAIT a duration.
constexpr int wait_until = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
constexpr int wake = FUTEX_WAKE | FUTEX_PRIVATE_FLAG;

}  // namespace

bool parking_spot::park_until(std::int64_t deadline_ns) noexcept {
  std::uint32_t seen = awake;
  state_.compare_exchange_strong(seen, asleep, std::memory_order_acquire);
  if (deadline_ns < 0) deadline_ns = 0;
  const timespec deadline{deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
  const timespec* const limit = deadline_ns == INT64_MAX ? nullptr : &deadline;
  while (state_.load(std::memory_order_acquire) != unparked) {
    const long done = ::syscall(SYS_futex, &state_, wait_until, asleep, limit, nullptr,
                                FUTEX_BITSET_MATCH_ANY);
    if (done < 0 && errno == ETIMEDOUT) {
      return state_.load(std::memory_order_acquire) == unparked;
    }
  }
  return true;
}

// The sleeper goes on at the exchange, if it looks, and the spot may be gone then. The kernel takes
// its address only as a name: at worst it wakes who will look and sleep again.
void parking_spot::unpark() noexcept {
  if (state_.exchange(unparked, std::memory_order_release) != asleep) return;
  ::syscall(SYS_futex, &state_, wake, 1, nullptr, nullptr, 0);
}

#else

bool parking_spot::park_until(std::int64_t deadline_ns) noexcept {
  const auto unparked = [this] { return unparked_; };
  std::unique_lock lock(mutex_);
  if (deadline_ns == INT64_MAX) {
    came_.wait(lock, unparked);
    return true;
  }
  const std::chrono::steady_clock::time_point deadline{
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::nanoseconds(deadline_ns))};
  return came_.wait_until(lock, deadline, unparked);
}

// Under the lock: without it, the sleeper could be gone before it is notified.
void parking_spot::unpark() noexcept {
  const std::lock_guard lock(mutex_);
  unparked_ = true;
  came_.notify_one();
}

#endif

}  // namespace eddy::inline v1::detail
