// What blocking code has where tasks are spawned: a fixed number of threads and a queue of calls.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

// Runs what is posted, in order, on as many threads as the machine has cores. Ends when it is
// destroyed; what was posted before that still runs.
class thread_pool {
 public:
  thread_pool() {
    const unsigned cores = std::thread::hardware_concurrency();
    for (unsigned i = 0; i < (cores ? cores : 1); ++i) threads_.emplace_back([this] { work(); });
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    posted_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

  void post(std::function<void()> call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(std::move(call));
    }
    posted_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      posted_.wait(lock, [this] { return over_ || !calls_.empty(); });
      if (calls_.empty()) return;
      const std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
    }
  }

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> calls_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};
