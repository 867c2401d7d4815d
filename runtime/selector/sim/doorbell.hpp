// How the loop's thread is woken: by itself, or by the other threads of a process that has some.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace eddy::inline v1::detail::simulation {

class doorbell {
 public:
  // Any thread.
  void ring() noexcept;
  // Whether it was rung since the last call that said so.
  bool rung() noexcept;
  // Blocks, in real time, until it rings; false if it does not within the limit.
  bool await(std::int64_t limit_ns) noexcept;

 private:
  std::mutex mutex_;
  std::condition_variable bell_;
  bool rung_ = false;
};

}  // namespace eddy::inline v1::detail::simulation
