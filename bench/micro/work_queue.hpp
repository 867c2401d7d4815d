// What threads have in the place of a loop that others post to.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

// Functions in their order, run by whoever calls run(). All that came while one batch ran is taken
// at once, so that the lock is taken once for many.
class work_queue {
 public:
  void push(std::function<void()> fn) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(fn));
    }
    filled_.notify_one();
  }
  void stop() {
    push({});
  }
  // Until stop().
  void run() {
    std::deque<std::function<void()>> batch;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return !waiting_.empty(); });
        batch.swap(waiting_);
      }
      for (auto& fn : batch) {
        if (!fn) return;
        fn();
      }
      batch.clear();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> waiting_;
};
