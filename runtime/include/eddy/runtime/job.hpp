// What the threads of `offload` work on.
#pragma once

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

 protected:
  job() noexcept {}
  ~job() = default;
};

}  // namespace eddy::inline v1::detail
