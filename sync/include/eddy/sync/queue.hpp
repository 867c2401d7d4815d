// queue<T>, lifo_queue<T>, priority_queue<T>: producers and consumers, as asyncio's three queues.
#pragma once

#include <eddy/sync/item_heap.hpp>
#include <eddy/sync/item_ring.hpp>
#include <eddy/sync/queue_waits.hpp>

namespace eddy::inline v1 {

namespace detail {

// What the three queues can do; Store says which item is next. Which one a getter takes is decided
// when it runs, so what comes before the others and was put meanwhile goes first.
template <class T, class Store>
class item_queue : public queue_base {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a queue's items move without throwing");
  static_assert(std::is_nothrow_destructible_v<T>, "a queue's items end without throwing");
  using get_wait = detail::get_wait<item_queue>;
  using put_wait = detail::put_wait<item_queue>;
  using join_wait = queue_join_wait;

 public:
  using item_type = T;

  // Waits for room and puts the item. Throws queue_shut_down, also if the queue is shut down while
  // this waits, and std::bad_alloc: the item is then dropped. Cancellation point; cancelled means
  // that it was not put.
  [[nodiscard]] untimed<put_wait> put(T item) noexcept {
    return untimed<put_wait>(*this, std::move(item));
  }
  template <class... Args>
  [[nodiscard]] untimed<put_wait> emplace(Args&&... args) {
    return untimed<put_wait>(*this, T(std::forward<Args>(args)...));
  }
  // The same, for at most a duration, or until a time_point of steady_clock. False: there was no
  // room in time, and the item is dropped.
  template <duration_like D>
  [[nodiscard]] timed<put_wait> put_for(T item, const D& d) noexcept {
    return timed<put_wait>(limit::after(d), *this, std::move(item));
  }
  template <time_point_like P>
  [[nodiscard]] timed<put_wait> put_until(T item, const P& t) noexcept {
    return timed<put_wait>(limit::at(t), *this, std::move(item));
  }

  // Waits for an item and takes it. Throws queue_shut_down if the queue is shut down and empty.
  // Cancellation point; cancelled means that none was taken.
  [[nodiscard]] untimed<get_wait> get() noexcept { return untimed<get_wait>(*this); }
  // The same with a limit, as std::optional<T>. Nothing: there was no item in time.
  template <duration_like D>
  [[nodiscard]] timed<get_wait> get_for(const D& d) noexcept {
    return timed<get_wait>(limit::after(d), *this);
  }
  template <time_point_like P>
  [[nodiscard]] timed<get_wait> get_until(const P& t) noexcept {
    return timed<get_wait>(limit::at(t), *this);
  }

  // False if the queue is full; the item is then as it was, as it is if this throws
  // queue_shut_down or std::bad_alloc. Never waits.
  [[nodiscard]] bool try_put(T&& item) {
    if (!has_room()) {
      require_open();
      return false;
    }
    if (!add(std::move(item))) throw_no_memory();
    return true;
  }
  [[nodiscard]] bool try_put(const T& item) { return try_put(T(item)); }
  // Nothing if the queue is empty, or if all that is there has been promised to waiting getters.
  // Throws queue_shut_down if it is shut down and empty. Never waits.
  [[nodiscard]] std::optional<T> try_get() {
    if (!can_take()) {
      require_items_to_come();
      return std::nullopt;
    }
    return std::optional<T>(take());
  }

  // Waits until every item that was put has been reported by task_done. Cancellation point.
  [[nodiscard]] untimed<join_wait> join() noexcept { return untimed<join_wait>(*this); }
  // The same with a limit. False: it came first.
  template <duration_like D>
  [[nodiscard]] timed<join_wait> join_for(const D& d) noexcept {
    return timed<join_wait>(limit::after(d), *this);
  }
  template <time_point_like P>
  [[nodiscard]] timed<join_wait> join_until(const P& t) noexcept {
    return timed<join_wait>(limit::at(t), *this);
  }

  // Ends the queue: each further put, and those that wait, throw queue_shut_down; gets go on until
  // it is empty, and then throw it too. immediate: what is in the queue is dropped, counts as done,
  // and nobody gets it, also not who was woken for it and has not run. It can follow a drain.
  void shutdown(queue_shutdown how = queue_shutdown::drain) noexcept {
    if (how == queue_shutdown::immediate) forget_items();
    refuse_items();
    if (how == queue_shutdown::immediate) items_.clear();
  }

 protected:
  template <class... Args>
  item_queue(std::size_t capacity, const char* name, Args&&... store) noexcept
      : queue_base(capacity, name), items_(std::forward<Args>(store)...) {}
  ~item_queue() = default;

 private:
  friend get_wait;
  friend put_wait;

  bool add(T&& item) noexcept {
    if (!items_.push(std::move(item))) return false;
    item_added();
    return true;
  }
  T take() noexcept {
    T item = items_.pop();
    if (putters_wait()) {
      static_cast<put_wait&>(next_putter()).serve();
    } else {
      item_removed();
    }
    return item;
  }

  Store items_;
};

struct less {
  template <class A>
  bool operator()(const A& a, const A& b) const {
    return a < b;
  }
};

}  // namespace detail

// A first-in first-out queue between tasks of one loop, bounded or not. Getters and putters are
// served in the order they came. It must outlive those who wait for it. T moves without throwing.
//
//   queue<int> q(10);
//   co_await q.put(1);
//   int n = co_await q.get();   q.task_done();
//   co_await q.join();
template <class T>
class queue : public detail::item_queue<T, detail::item_ring<T>> {
 public:
  // At most `capacity` items; 0: no bound. `name` is for messages and outlives the queue.
  explicit queue(std::size_t capacity = 0, const char* name = "queue") noexcept
      : detail::item_queue<T, detail::item_ring<T>>(capacity, name) {}
};

// The same, but the item put last comes out first. A putter that waits for room is served in its
// turn, so its item counts as put when it gets in.
template <class T>
class lifo_queue : public detail::item_queue<T, detail::item_stack<T>> {
 public:
  explicit lifo_queue(std::size_t capacity = 0, const char* name = "lifo_queue") noexcept
      : detail::item_queue<T, detail::item_stack<T>>(capacity, name) {}
};

// The same, but the least item comes out first (as in asyncio; std::priority_queue gives the
// greatest), and of equals the one put first. Compare(a, b) says whether a comes out before b, is
// a strict weak ordering, and must not throw: std::terminate. The items of putters that wait for
// room are not compared yet.
//
//   priority_queue<int> least_first;
//   priority_queue<int, std::greater<>> greatest_first;
template <class T, class Compare = detail::less>
class priority_queue : public detail::item_queue<T, detail::item_heap<T, Compare>> {
 public:
  explicit priority_queue(std::size_t capacity = 0, const char* name = "priority_queue",
                          Compare compare = Compare()) noexcept
      : detail::item_queue<T, detail::item_heap<T, Compare>>(capacity, name, std::move(compare)) {}
};

}  // namespace eddy::inline v1
