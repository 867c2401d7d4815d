// Who is to be resumed next. Thread: of the loop.
#pragma once

#include <coroutine>
#include <cstdint>

namespace eddy::inline v1::detail {

enum class wait_state : std::uint8_t { idle, start, waiting, ready, cancelled };

// What the ready queue holds: a scope whose body is to start, or a suspension whose coroutine goes
// on. A link is written when the node is put into a list, and the frame when it is awaited; to
// clear them before that is a fifth of the price of an await that need not wait.
struct ready_node {
  ready_node() noexcept : state(wait_state::idle) {}
  // For one that writes what is read of it when it is awaited.
  struct blank {};
  explicit ready_node(blank) noexcept {}

  union {
    ready_node* next;
    std::int64_t kept_ns;  // an awaiter's own, as long as it is in no list
    std::uint64_t serial;  // the same, a timer's
  };
  union {  // so that nothing is written before it is awaited
    std::coroutine_handle<> frame;
  };
  wait_state state;
};

// First in, first out. The loop reads it from the first() on, link by link, and writes down where
// it is at the end of a turn only: a beginning of the list that every resumption stores and the
// next one loads is what short steps would wait for.
class ready_queue {
 public:
  ready_queue() noexcept {}
  ready_queue(const ready_queue&) = delete;
  ready_queue& operator=(const ready_queue&) = delete;

  bool empty() const noexcept { return last_ == &before_; }
  void push(ready_node& node) noexcept {
    last_->next = &node;
    last_ = &node;
  }
  // A row of them, linked.
  void push(ready_node& first, ready_node& last) noexcept {
    last_->next = &first;
    last_ = &last;
  }

  // Of one that is not empty.
  ready_node& first() const noexcept { return *before_.next; }
  ready_node& last() const noexcept { return *last_; }
  // All were taken.
  void clear() noexcept { last_ = &before_; }
  // Those before `node` were taken.
  void begin_at(ready_node& node) noexcept { before_.next = &node; }

 private:
  ready_node before_;            // its link is to the first
  ready_node* last_ = &before_;  // its link is not written
};

}  // namespace eddy::inline v1::detail
