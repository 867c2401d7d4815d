// Where waiters stand in line.
#pragma once

#include <eddy/runtime/core.hpp>

namespace eddy::inline v1::detail {

// A waiter that stands in a wait_list while it waits.
class listed_waiter : public waiter {
 public:
  ready_node** link;  // what points to it; of the first in a list it may be stale

 protected:
  using waiter::waiter;
  ~listed_waiter() = default;
};

// An intrusive FIFO of waiters in state waiting. Owns nothing. Who leaves from the front touches
// nobody but itself: its successor's link is then stale, and not looked at while it is the first.
class wait_list {
 public:
  wait_list() noexcept {}
  wait_list(const wait_list&) = delete;
  wait_list& operator=(const wait_list&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  // Null if there is none.
  listed_waiter* front() const noexcept {
    return empty() ? nullptr : static_cast<listed_waiter*>(first_);
  }
  listed_waiter* after(const listed_waiter& w) const noexcept {
    return end_ == &w.next ? nullptr : static_cast<listed_waiter*>(w.next);
  }

  void push_back(listed_waiter& w) noexcept {
    w.link = end_;
    *end_ = &w;
    end_ = &w.next;
    ++size_;
  }

  void remove(listed_waiter& w) noexcept {
    ready_node** const link = first_ == &w ? &first_ : w.link;
    if (end_ == &w.next) {
      end_ = link;
    } else {
      *link = w.next;
      static_cast<listed_waiter*>(w.next)->link = link;
    }
    --size_;
  }

  // Takes the one that has waited longest, of a list that is not empty.
  listed_waiter& pop_front() noexcept {
    auto& w = static_cast<listed_waiter&>(*first_);
    if (--size_ > 0) [[likely]] {
      first_ = w.next;
    } else {
      end_ = &first_;
    }
    return w;
  }

  // Wakes the one that has waited longest; false if nobody waits.
  bool wake_one() noexcept {
    if (empty()) return false;
    pop_front().wake();
    return true;
  }

 private:
  ready_node* first_ = nullptr;  // of no meaning while it is empty
  ready_node** end_ = &first_;   // what will point to who comes next; not written before
  std::size_t size_ = 0;
};

}  // namespace eddy::inline v1::detail
