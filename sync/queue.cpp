#include <cassert>
#include <eddy/sync/queue.hpp>
#include <stdexcept>

namespace eddy::inline v1::detail {

queue_base::~queue_base() {
  assert(getters_.empty() && putters_.empty() && joiners_.empty() &&
         "a queue was destroyed while tasks wait for it");
}

void queue_base::task_done() {
  if (unfinished_ == 0) throw std::logic_error("queue: task_done called more often than put");
  if (--unfinished_ > 0) return;
  while (joiners_.wake_one()) {
  }
}

void queue_base::serve_putter() noexcept {
  if (full() || putters_.empty()) return;
  auto& putter = static_cast<put_base&>(*putters_.front());
  putters_.remove(putter);
  putter.serve();
}

// An item has just left: the ring has room, and nothing is allocated.
void put_base::serve() noexcept {
  no_memory_ = !move_in();
  wake();
}

bool get_base::start() noexcept {
  if (refused()) return true;
  if (queue_.can_take()) {
    if (++queue_.promised_ == 1) return complete_now();
    // Behind those who were promised an item before and have not run yet: it would take theirs.
    park();
    wake();
    return true;
  }
  queue_.getters_.push_back(*this);
  park();
  return true;
}

void get_base::on_cancel() noexcept {
  if (state == wait_state::waiting) {
    queue_.getters_.remove(*this);
  } else {
    --queue_.promised_;
    queue_.offer();
  }
  drop();
}

bool put_base::start() noexcept {
  if (refused()) return true;
  if (!queue_.full()) {
    no_memory_ = !move_in();
    return complete_now();
  }
  queue_.putters_.push_back(*this);
  park();
  return true;
}

// Woken means that the item is in the queue.
void put_base::on_cancel() noexcept {
  if (state != wait_state::waiting) return;
  queue_.putters_.remove(*this);
  drop();
}

void put_base::finish() {
  leave();
  if (no_memory_) throw std::bad_alloc();
}

bool queue_join_awaiter::start() noexcept {
  if (refused()) return true;
  if (queue_.unfinished_ == 0) return complete_now();
  queue_.joiners_.push_back(*this);
  park();
  return true;
}

void queue_join_awaiter::on_cancel() noexcept {
  if (state == wait_state::waiting) queue_.joiners_.remove(*this);
  drop();
}

}  // namespace eddy::inline v1::detail
