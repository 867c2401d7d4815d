// CONTRACT 3, too: how a thread that runs no loop waits for another one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace eddy::inline v1::detail {

// Where one thread waits until another one has called unpark(), once. It lives on the stack of the
// thread that waits: unpark() does not look at it any more once that may have gone on.
class parking_spot {
 public:
  parking_spot() noexcept {}
  parking_spot(const parking_spot&) = delete;
  parking_spot& operator=(const parking_spot&) = delete;

  // Waits for unpark(), which may have been called already, until `deadline_ns` of steady_clock;
  // never_ns is for ever. False: the deadline came first, and unpark() may still come; it is to be
  // waited for by another call then.
  bool park_until(std::int64_t deadline_ns) noexcept;
  // Any thread, once.
  void unpark() noexcept;

 private:
  enum class state : std::uint8_t { awake, asleep, unparked };

  bool look_around() const noexcept;

  std::atomic<state> state_ = state::awake;
  std::mutex mutex_;
  std::condition_variable news_;
  bool notified_ = false;
};

}  // namespace eddy::inline v1::detail
