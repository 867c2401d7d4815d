// Where waiters stand in line.
#pragma once

#include <eddy/runtime/core.hpp>

namespace eddy::inline v1::detail {

// A waiter that stands in a wait_list while it waits.
class listed_waiter : public waiter {
 public:
  listed_waiter* prev;  // with `next`

 protected:
  listed_waiter() noexcept {}
  ~listed_waiter() = default;
};

// An intrusive FIFO of waiters in state waiting. Owns nothing.
class wait_list {
 public:
  wait_list() noexcept {}
  wait_list(const wait_list&) = delete;
  wait_list& operator=(const wait_list&) = delete;

  bool empty() const noexcept { return !first_; }
  std::size_t size() const noexcept { return size_; }
  listed_waiter* front() const noexcept { return first_; }

  void push_back(listed_waiter& w) noexcept {
    w.next = nullptr;
    w.prev = last_;
    if (last_) {
      last_->next = &w;
    } else {
      first_ = &w;
    }
    last_ = &w;
    ++size_;
  }

  void remove(listed_waiter& w) noexcept {
    auto* after = static_cast<listed_waiter*>(w.next);
    if (w.prev) {
      w.prev->next = after;
    } else {
      first_ = after;
    }
    if (after) {
      after->prev = w.prev;
    } else {
      last_ = w.prev;
    }
    --size_;
  }

  // Takes the one that has waited longest, of a list that is not empty.
  listed_waiter& pop_front() noexcept {
    listed_waiter& w = *first_;
    first_ = static_cast<listed_waiter*>(w.next);
    (first_ ? first_->prev : last_) = nullptr;
    --size_;
    return w;
  }

  // Wakes the one that has waited longest; false if nobody waits.
  bool wake_one() noexcept {
    if (!first_) return false;
    pop_front().wake();
    return true;
  }

 private:
  listed_waiter* first_ = nullptr;
  listed_waiter* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace eddy::inline v1::detail
