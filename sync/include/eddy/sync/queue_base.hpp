// What the queues have in common whatever they hold: counts, lines of waiters, shutdown.
#pragma once

#include <eddy/runtime/wait_list.hpp>
#include <eddy/sync/timed.hpp>

namespace eddy::inline v1 {

// Thrown by a put into a queue that was shut down, and by a get from one that is empty as well.
// A std::exception of its own: those of <stdexcept> would triple the cost of every queue's header.
class queue_shut_down : public std::exception {
 public:
  // `what` was asked of the queue called `name`.
  queue_shut_down(const char* name, const char* what) noexcept;
  queue_shut_down(const queue_shut_down&) noexcept = default;
  queue_shut_down& operator=(const queue_shut_down&) noexcept = default;
  ~queue_shut_down() override;
  const char* what() const noexcept override { return text_; }

 private:
  static constexpr std::size_t text_room = 120;
  char text_[text_room];
};

// What becomes of the items in a queue that is shut down.
enum class queue_shutdown {
  drain,      // they can still be taken
  immediate,  // they are dropped, and count as done
};

// A queue at one moment.
struct queue_statistics {
  std::size_t size;             // items in it
  std::size_t capacity;         // the bound on size; 0 if there is none
  std::size_t high_water;       // the largest size so far
  std::size_t total_put;        // items ever put
  std::size_t unfinished;       // of those, not yet reported by task_done
  std::size_t waiting_getters;  // tasks that wait for an item
  std::size_t waiting_putters;  // tasks that wait for room
  std::size_t waiting_joiners;  // tasks that wait for unfinished to become 0
  bool shut_down;
};

namespace detail {

// What does not depend on the type of the items.
//
// A getter is woken with permission to take, not with an item: if it is cancelled before it runs,
// the permission passes on and the item has never left its place. Getters with permission run in
// the order they asked. A putter that waits is served in the other direction: its item is moved
// into the queue for it, and then it is woken; so its put has happened, and a cancellation meets
// its next suspension.
//
// Invariants:
//  1. promised_ <= size_, and nobody waits for an item unless they are equal.
//  2. Nobody waits for room unless size_ == limit_: who leaves room serves a putter at once.
//  3. Once shut down, nobody waits for room, size_ only falls, and nobody waits for an item when it
//     is 0. So a getter that is woken and finds size_ == 0 has no permission: it throws.
class queue_base {
 public:
  queue_base(const queue_base&) = delete;
  queue_base& operator=(const queue_base&) = delete;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  // The bound on size; 0 if there is none.
  std::size_t capacity() const noexcept { return capacity_; }
  bool full() const noexcept { return capacity_ != 0 && size_ >= capacity_; }
  // Items put and not yet reported by task_done.
  std::size_t unfinished() const noexcept { return put_ - done_; }
  std::size_t waiting_getters() const noexcept { return getters_.size(); }
  std::size_t waiting_putters() const noexcept { return putters_.size(); }
  // shutdown() was called.
  bool is_shut_down() const noexcept { return limit_ == 0; }
  // As given to the constructor.
  const char* name() const noexcept { return name_; }
  // Counts that are kept anyway: never waits, allocates nothing.
  queue_statistics statistics() const noexcept;

  // An item that was taken has been dealt with. Throws std::logic_error if called more often than
  // items were put.
  void task_done();

 protected:
  friend class get_base;
  friend class put_base;
  friend class queue_join_wait;

  queue_base(std::size_t capacity, const char* name) noexcept
      : limit_(capacity ? capacity : SIZE_MAX), capacity_(capacity), name_(name) {}
  ~queue_base();

  bool has_room() const noexcept { return size_ < limit_; }
  bool can_take() const noexcept { return size_ > promised_; }
  void item_added() noexcept {
    if (++size_ > high_water_) high_water_ = size_;
    ++put_;
    offer();
  }
  // One item less, and no putter waits for its place.
  void item_removed() noexcept {
    --size_;
    if (size_ == 0 && is_shut_down()) wake_all(getters_);
  }
  // One item less, and the putter who is owed its place.
  waiter& next_putter() noexcept {
    --size_;
    return putters_.pop_front();
  }
  bool putters_wait() const noexcept { return !putters_.empty(); }
  void offer() noexcept {
    if (getters_.empty() || !can_take()) return;
    getters_.pop_front().wake();
    ++promised_;
  }

  // Lets no more items in, and wakes those who wait in vain.
  void refuse_items() noexcept;
  // Counts all items as taken and done. Their memory is left to the caller.
  void forget_items() noexcept;
  void require_open() const {
    if (is_shut_down()) throw_shut_down("put");
  }
  // What try_get says of a queue that it can take nothing from.
  void require_items_to_come() const {
    if (is_shut_down() && size_ == 0) throw_shut_down("get");
  }
  [[noreturn]] void throw_shut_down(const char* what) const;

 private:
  static void wake_all(wait_list& line) noexcept;
  void wake_joiners() noexcept {
    if (put_ == done_) wake_all(joiners_);
  }

  std::size_t size_ = 0;
  std::size_t promised_ = 0;  // getters with permission that have not run yet
  std::size_t limit_;         // as capacity_, but: no bound is SIZE_MAX, shut down is 0
  std::size_t put_ = 0;
  std::size_t done_ = 0;
  std::size_t high_water_ = 0;
  wait_list getters_;
  wait_list putters_;
  wait_list joiners_;
  std::size_t capacity_;
  const char* name_;
};

}  // namespace detail
}  // namespace eddy::inline v1
