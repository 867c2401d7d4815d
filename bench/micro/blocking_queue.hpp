// What threads have in the place of a queue between tasks.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

// A bounded queue of ints with a mutex and two condition variables, as one writes it by hand where
// nothing else is to be had. Whoever is woken does not run into the lock.
class blocking_queue {
 public:
  explicit blocking_queue(std::size_t capacity) : capacity_(capacity) {}

  void put(int item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return items_.size() < capacity_; });
    items_.push_back(item);
    lock.unlock();
    filled_.notify_one();
  }
  int get() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !items_.empty(); });
    const int item = items_.front();
    items_.pop_front();
    lock.unlock();
    room_.notify_one();
    return item;
  }
  void put_many(const std::vector<int>& items) {
    for (std::size_t at = 0; at < items.size();) {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return items_.size() < capacity_; });
      while (at < items.size() && items_.size() < capacity_) items_.push_back(items[at++]);
      lock.unlock();
      filled_.notify_one();
    }
  }
  std::size_t get_many(std::vector<int>& into) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !items_.empty(); });
    const std::size_t count = std::min(items_.size(), into.size());
    std::copy_n(items_.begin(), count, into.begin());
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count));
    lock.unlock();
    room_.notify_one();
    return count;
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<int> items_;
  std::size_t capacity_;
};
