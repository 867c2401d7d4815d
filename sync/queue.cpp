#include <cassert>
#include <cstdio>
#include <eddy/sync/queue_waits.hpp>
#include <stdexcept>
#include <string>

namespace eddy::inline v1 {

queue_shut_down::queue_shut_down(const char* name, const char* what) noexcept {
  std::snprintf(text_, text_room, "%s: %s after shutdown", name, what);
}
queue_shut_down::~queue_shut_down() = default;

namespace detail {

queue_base::~queue_base() {
  assert(getters_.empty() && putters_.empty() && joiners_.empty() &&
         "a queue was destroyed while tasks wait for it");
  assert(promised_ == 0 && "a queue was destroyed before a task that it woke has run");
}

queue_statistics queue_base::statistics() const noexcept {
  return {size_,           capacity_,       high_water_,     put_,           unfinished(),
          getters_.size(), putters_.size(), joiners_.size(), is_shut_down()};
}

void queue_base::task_done() {
  if (put_ == done_) {
    throw std::logic_error(std::string(name_) +
                           ": task_done called more often than put (total put: " +
                           std::to_string(put_) + ")");
  }
  ++done_;
  wake_joiners();
}

void queue_base::wake_all(wait_list& line) noexcept {
  while (line.wake_one()) {
  }
}

void queue_base::refuse_items() noexcept {
  limit_ = 0;
  if (size_ == 0) wake_all(getters_);
  while (!putters_.empty()) {
    auto& putter = static_cast<put_base&>(*putters_.front());
    putters_.remove(putter);
    putter.refuse();
  }
}

// task_done may have been called before the item was taken: then it is done already.
void queue_base::forget_items() noexcept {
  done_ += size_ < unfinished() ? size_ : unfinished();
  size_ = 0;
  promised_ = 0;
  wake_joiners();
}

void queue_base::throw_shut_down(const char* what) const { throw queue_shut_down(name_, what); }

bool get_base::stand() noexcept {
  if (queue_.can_take()) {
    // Behind those who were promised an item before and have not run yet: it would take theirs.
    ++queue_.promised_;
    park();
    wake();
    return true;
  }
  if (queue_.size_ == 0 && queue_.is_shut_down()) return complete_now();
  queue_.getters_.push_back(*this);
  park();
  return true;
}

// Woken for an item that is still there, it hands its permission on.
void get_base::on_cancel() noexcept {
  if (state == wait_state::waiting) {
    withdraw();
  } else if (queue_.size_ > 0) {
    --queue_.promised_;
    queue_.offer();
  }
  drop();
}

bool put_base::stand() noexcept {
  if (queue_.is_shut_down()) {
    outcome_ = outcome::shut_down;
    return complete_now();
  }
  queue_.putters_.push_back(*this);
  park();
  return true;
}

// Woken means that the item is in the queue, or never will be.
void put_base::on_cancel() noexcept {
  if (state != wait_state::waiting) return;
  withdraw();
  drop();
}

void put_base::throw_failure() const {
  if (outcome_ == outcome::no_memory) throw_no_memory();
  queue_.throw_shut_down("put");
}

bool queue_join_wait::start() noexcept {
  if (refused()) return true;
  if (queue_.unfinished() == 0) return complete_now();
  queue_.joiners_.push_back(*this);
  park();
  return true;
}

void queue_join_wait::on_cancel() noexcept {
  if (state == wait_state::waiting) withdraw();
  drop();
}

}  // namespace detail
}  // namespace eddy::inline v1
