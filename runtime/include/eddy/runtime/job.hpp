// What the threads of `offload` work on.
#pragma once

#include <cstdint>

namespace eddy::inline v1::detail {

// Work for a lane of threads. Its memory belongs to whoever submitted it, until it has run or was
// withdrawn.
class job {
 public:
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  // On a thread of the lane. The job is not touched after this returns.
  virtual void run() noexcept = 0;

  // The lane's, under its lock.
  job* next_job = nullptr;
  job* prev_job = nullptr;
  bool queued = false;

  // How long it takes in a simulated world; 0: whatever that thinks.
  std::int64_t simulated_ns = 0;

 protected:
  job() noexcept {}
  ~job() = default;
};

}  // namespace eddy::inline v1::detail
