// What threads have in the place of a queue between tasks.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <queue>

// A bounded queue of ints with a mutex and two condition variables.
class blocking_queue {
 public:
  explicit blocking_queue(std::size_t capacity) : capacity_(capacity) {}
  void put(int item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return items_.size() < capacity_; });
    items_.push(item);
    filled_.notify_one();
  }
  int get() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !items_.empty(); });
    const int item = items_.front();
    items_.pop();
    room_.notify_one();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::queue<int> items_;
  std::size_t capacity_;
};
