// CONTRACT 3, too: how a thread that runs no loop waits for another one.
#pragma once

#include <cstdint>
#ifdef __linux__
#include <atomic>
#else
#include <condition_variable>
#include <mutex>
#endif

namespace eddy::inline v1::detail {

// Where one thread sleeps until another one has called unpark(), once. It lives on the stack of the
// thread that sleeps: unpark() does not look at it any more once that may have gone on.
class parking_spot {
 public:
  parking_spot() noexcept {}
  parking_spot(const parking_spot&) = delete;
  parking_spot& operator=(const parking_spot&) = delete;

  // Waits for unpark(), which may have been called already, until `deadline_ns` of steady_clock;
  // INT64_MAX is for ever. False: the deadline came first, and unpark() may still come.
  bool park_until(std::int64_t deadline_ns) noexcept;
  // Any thread, once.
  void unpark() noexcept;

 private:
#ifdef __linux__
  std::atomic<std::uint32_t> state_ = 0;
#else
  std::mutex mutex_;
  std::condition_variable came_;
  bool unparked_ = false;
#endif
};

}  // namespace eddy::inline v1::detail
