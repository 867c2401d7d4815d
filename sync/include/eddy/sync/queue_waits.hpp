// The waits of the queues: get, put and join.
#pragma once

#include <eddy/sync/queue_base.hpp>
#include <optional>

namespace eddy::inline v1::detail {

// The Queue of the templates below has the item_type T and
//   bool add(T&&) noexcept    false: no memory; the item is then as it was
//   T take() noexcept         the next item

class get_base : public listed_waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  explicit get_base(queue_base& q) noexcept : listed_waiter(blank()), queue_(q) {}
  ~get_base() = default;

  bool start() noexcept {
    if (refused()) return true;
    if (!take()) return stand();
    if (!complete_now()) return false;
    keep();
    return true;
  }
  bool take() const noexcept { return queue_.promised_ == 0 && queue_.size_ > 0; }
  void keep() noexcept { queue_.promised_ = 1; }
  bool stand() noexcept;
  void withdraw() noexcept { queue_.getters_.remove(*this); }
  // Throws unless it has permission. Who did not suspend needs none: nobody ran in between.
  void finish() {
    const bool promised = state != wait_state::idle;
    leave();
    if (queue_.size_ == 0) queue_.throw_shut_down("get");
    if (promised) --queue_.promised_;
  }

  queue_base& queue_;
};

template <class Queue>
class get_wait : public get_base {
 public:
  using item_type = typename Queue::item_type;
  using timed_result = std::optional<item_type>;
  explicit get_wait(Queue& q) noexcept : get_base(q) {}
  using get_base::start;
  item_type await_resume() {
    finish();
    return static_cast<Queue&>(queue_).take();
  }

 protected:
  ~get_wait() = default;
};

class put_base : public listed_waiter {
 public:
  void on_cancel() noexcept override;
  // For one who waits: there will be no room. It throws when it runs.
  void refuse() noexcept {
    outcome_ = outcome::shut_down;
    wake();
  }

 protected:
  enum class outcome : unsigned char { put, no_memory, shut_down };

  explicit put_base(queue_base& q) noexcept : listed_waiter(blank()), queue_(q) {}
  ~put_base() = default;

  bool has_room() const noexcept { return queue_.has_room(); }
  // There is no room, or there never will be.
  bool stand() noexcept;
  void withdraw() noexcept { queue_.putters_.remove(*this); }
  void finish() {
    leave();
    if (outcome_ != outcome::put) throw_failure();
  }

  queue_base& queue_;
  outcome outcome_ = outcome::put;

 private:
  [[noreturn]] void throw_failure() const;
};

template <class Queue>
class put_wait : public put_base {
 public:
  using item_type = typename Queue::item_type;
  using timed_result = bool;
  put_wait(Queue& q, item_type&& item) noexcept : put_base(q), item_(std::move(item)) {}

  bool start() noexcept {
    if (refused()) return true;
    return take() ? complete_now() : stand();
  }
  // The item is put for a putter that waits; it hears of it when it runs.
  void serve() noexcept {
    move_in();
    wake();
  }
  void await_resume() { finish(); }

 protected:
  ~put_wait() = default;
  bool take() noexcept {
    if (!has_room()) return false;
    move_in();
    return true;
  }
  void keep() noexcept {}

 private:
  void move_in() noexcept {
    if (!static_cast<Queue&>(queue_).add(std::move(item_))) outcome_ = outcome::no_memory;
  }

  item_type item_;
};

class queue_join_wait : public listed_waiter {
 public:
  using timed_result = bool;
  explicit queue_join_wait(queue_base& q) noexcept : queue_(q) {}
  bool start() noexcept;
  void await_resume() { leave(); }
  void on_cancel() noexcept override;

 protected:
  ~queue_join_wait() = default;
  void withdraw() noexcept { queue_.joiners_.remove(*this); }

 private:
  queue_base& queue_;
};

}  // namespace eddy::inline v1::detail
