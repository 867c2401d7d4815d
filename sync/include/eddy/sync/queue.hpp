// queue<T>: producers and consumers, as asyncio.Queue.
#pragma once

#include <eddy/runtime/core.hpp>
#include <new>
#include <optional>
#include <type_traits>

namespace eddy::inline v1 {

template <class T>
class queue;

namespace detail {

class put_base;

// What does not depend on the type of the items: counts and waiters.
//
// A getter is woken with permission to take, not with an item: if it is cancelled before it runs,
// the permission passes on and the item has never left its place. Getters with permission run in
// the order they asked. A putter that waits is served in the other direction: its item is moved
// into the queue for it, and then it is woken; so its put has happened, and a cancellation meets
// its next suspension.
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
  std::size_t unfinished() const noexcept { return unfinished_; }
  std::size_t waiting_getters() const noexcept { return getters_.size(); }
  std::size_t waiting_putters() const noexcept { return putters_.size(); }

  // An item that was taken has been dealt with. Throws std::logic_error if called more often than
  // items were put.
  void task_done();

 protected:
  friend class get_base;
  friend class put_base;
  friend class queue_join_awaiter;

  explicit queue_base(std::size_t capacity) noexcept : capacity_(capacity) {}
  ~queue_base();

  bool can_take() const noexcept { return size_ > promised_; }
  void item_added() noexcept {
    ++size_;
    ++unfinished_;
    offer();
  }
  void item_removed() noexcept { --size_; }
  void offer() noexcept {
    if (can_take() && getters_.wake_one()) ++promised_;
  }
  // There is room: moves the first waiting putter's item in.
  void serve_putter() noexcept;

 private:
  std::size_t size_ = 0;
  std::size_t promised_ = 0;  // getters with permission that have not run yet
  std::size_t capacity_;
  std::size_t unfinished_ = 0;
  wait_list getters_;
  wait_list putters_;
  wait_list joiners_;
};

class get_base : public waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  explicit get_base(queue_base& q) noexcept : queue_(q) {}
  ~get_base() = default;
  bool start() noexcept;
  void finish() {
    leave();
    --queue_.promised_;
  }

 private:
  queue_base& queue_;
};

class put_base : public waiter {
 public:
  void on_cancel() noexcept override;
  // There is room for the item: moves it in and wakes its putter.
  void serve() noexcept;

 protected:
  explicit put_base(queue_base& q) noexcept : queue_(q) {}
  ~put_base() = default;
  // Moves the item into the queue; false if there is no memory for it.
  virtual bool move_in() noexcept = 0;
  bool start() noexcept;
  void finish();

 private:
  queue_base& queue_;
  bool no_memory_ = false;
};

class queue_join_awaiter final : public waiter {
 public:
  explicit queue_join_awaiter(queue_base& q) noexcept : queue_(q) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  void await_resume() { leave(); }
  void on_cancel() noexcept override;

 private:
  bool start() noexcept;
  queue_base& queue_;
};

// A growing ring of items, by powers of two. std::deque costs its header and a block an object.
template <class T>
class ring {
 public:
  ring() noexcept {}
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    while (size_ > 0) (void)pop();
    ::operator delete(items_, std::align_val_t(alignof(T)));
  }

  bool push(T&& item) noexcept {
    if (size_ == room_ && !grow()) return false;
    ::new (static_cast<void*>(items_ + ((first_ + size_) & (room_ - 1)))) T(std::move(item));
    ++size_;
    return true;
  }
  T pop() noexcept {
    T* at = items_ + first_;
    T item(std::move(*at));
    at->~T();
    first_ = (first_ + 1) & (room_ - 1);
    --size_;
    return item;
  }

 private:
  static constexpr std::size_t first_room = 8;

  bool grow() noexcept {
    const std::size_t more = room_ ? room_ * 2 : first_room;
    auto* items = static_cast<T*>(
        ::operator new(more * sizeof(T), std::align_val_t(alignof(T)), std::nothrow));
    if (!items) return false;
    for (std::size_t i = 0; i < size_; ++i) {
      T* from = items_ + ((first_ + i) & (room_ - 1));
      ::new (static_cast<void*>(items + i)) T(std::move(*from));
      from->~T();
    }
    ::operator delete(items_, std::align_val_t(alignof(T)));
    items_ = items;
    room_ = more;
    first_ = 0;
    return true;
  }

  T* items_ = nullptr;
  std::size_t room_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

template <class T>
class get_awaiter final : public get_base {
 public:
  explicit get_awaiter(queue<T>& q) noexcept : get_base(q), items_(q) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  T await_resume() {
    finish();
    return items_.take();
  }

 private:
  queue<T>& items_;
};

template <class T>
class put_awaiter final : public put_base {
 public:
  put_awaiter(queue<T>& q, T&& item) noexcept : put_base(q), items_(q), item_(std::move(item)) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  void await_resume() { finish(); }

 private:
  bool move_in() noexcept override { return items_.add(std::move(item_)); }

  queue<T>& items_;
  T item_;
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
class queue : public detail::queue_base {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a queue's items move without throwing");

 public:
  // At most `capacity` items; 0: no bound.
  explicit queue(std::size_t capacity = 0) noexcept : queue_base(capacity) {}

  // Waits for room and puts the item. Cancellation point; cancelled means that it was not put.
  [[nodiscard]] detail::put_awaiter<T> put(T item) noexcept { return {*this, std::move(item)}; }
  template <class... Args>
  [[nodiscard]] detail::put_awaiter<T> emplace(Args&&... args) {
    return {*this, T(std::forward<Args>(args)...)};
  }
  // Waits for an item and takes it. Cancellation point; cancelled means that none was taken.
  [[nodiscard]] detail::get_awaiter<T> get() noexcept { return detail::get_awaiter<T>(*this); }

  // False if the queue is full; the item is then as it was. Throws std::bad_alloc.
  [[nodiscard]] bool try_put(T&& item) {
    if (full()) return false;
    if (!add(std::move(item))) throw std::bad_alloc();
    return true;
  }
  [[nodiscard]] bool try_put(const T& item) { return try_put(T(item)); }
  // Nothing if the queue is empty, or if all that is there has been promised to waiting getters.
  [[nodiscard]] std::optional<T> try_get() {
    if (!can_take()) return std::nullopt;
    return std::optional<T>(take());
  }

  // Waits until every item that was put has been reported by task_done. Cancellation point.
  [[nodiscard]] detail::queue_join_awaiter join() noexcept {
    return detail::queue_join_awaiter(*this);
  }

 private:
  friend class detail::get_awaiter<T>;
  friend class detail::put_awaiter<T>;

  bool add(T&& item) noexcept {
    if (!items_.push(std::move(item))) return false;
    item_added();
    return true;
  }
  T take() noexcept {
    T item = items_.pop();
    item_removed();
    serve_putter();
    return item;
  }

  detail::ring<T> items_;
};

}  // namespace eddy::inline v1
