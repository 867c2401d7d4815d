// channel<T>: items between loops and threads.
#pragma once

#include <eddy/sync/channel_ends.hpp>

namespace eddy::inline v1 {

// Sending to a channel that was closed.
class channel_closed : public std::exception {
 public:
  channel_closed() noexcept {}
  const char* what() const noexcept override;
};

// A glance at a channel that others may change meanwhile.
struct channel_statistics {
  std::size_t depth = 0;  // items in it
  std::size_t capacity = 0;
  std::size_t most = 0;  // the highest depth so far
  std::size_t waiting_receivers = 0;
  std::size_t waiting_senders = 0;
  std::uint64_t sent = 0;   // items, since the beginning
  std::uint64_t wakes = 0;  // waits that were ended by another's doing
  bool closed = false;
};

namespace detail {

struct channel_items {
  std::size_t size;
  std::size_t alignment;
  void (*destroy)(void* item) noexcept;
};

// What does not depend on the type of the items.
class channel_handle {
 public:
  channel_handle(const channel_handle& other) noexcept;
  channel_handle& operator=(const channel_handle& other) noexcept;

  // No item comes in any more: whoever sends, or waits for room, gets channel_closed. What is in
  // the channel is still received; then receivers get nothing. Any thread; the second time does
  // nothing.
  void close() const noexcept;
  bool closed() const noexcept { return statistics().closed; }
  // Closed and empty: nothing will ever be received.
  bool at_end() const noexcept {
    const channel_statistics now = statistics();
    return now.closed && now.depth == 0;
  }
  channel_statistics statistics() const noexcept;

 protected:
  channel_handle(const channel_items& items, std::size_t capacity);
  ~channel_handle();

  channel_core& core() const noexcept { return *core_; }

 private:
  channel_core* core_;
};

// Where items lie one after the other: a vector, an array, a span.
template <class Range, class T>
concept channel_batch = requires(Range& r, T*& items, std::size_t& count) {
  items = r.data();
  count = r.size();
};

}  // namespace detail

// A bounded first-in first-out queue between any number of senders and receivers, on any loops and
// threads. This is a handle: copies name the same channel, which lives as long as the last of them,
// so that loops and threads that share it may end in any order. What nobody received is destroyed
// with it.
//
//   eddy::channel<job> jobs(64);
//   std::thread feeder([jobs] {                   // a thread without a loop blocks
//     while (auto j = read_job()) jobs.send_blocking(*j);
//     jobs.close();
//   });
//   while (auto j = co_await jobs.receive()) co_await handle(*j);
//
// Coroutines await; threads without a loop call what is named blocking, which on a thread that runs
// a loop throws std::logic_error, for it would stop the loop. What is named try never waits. _for
// takes a duration and _until a time_point of steady_clock. The many-forms move as many items as
// there are, or as there is room for, under one lock and with at most one wake for each who waits.
//
// Receivers and senders that wait are served in the order they came, whatever they are. Receivers
// take in the order they were served, on one loop; between threads that is a race. Awaiting is a
// cancellation point, and cancelled means no effect: nothing was sent, or taken, and an item that
// was promised passes to the next in line. A value beats a limit of the same turn.
//
// T moves without throwing, under the channel's lock and on any of the threads; it must not use the
// channel then. Memory for all items is taken at once; the first wait on a loop allocates, and may
// throw std::bad_alloc. A handle must live as long as a wait or call by it.
template <class T>
class channel : public detail::channel_handle {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "a channel's items move without throwing");
  using receiver = detail::channel_receive_wait<T>;
  using sender = detail::channel_send_wait<T>;
  using many_receiver = detail::channel_receive_many_wait<T>;
  using many_sender = detail::channel_send_many_wait<T>;
  template <class Wait>
  using untimed = detail::untimed<Wait>;
  template <class Wait>
  using timed = detail::timed<Wait>;
  using limit = detail::limit;

 public:
  // At most `capacity` items. Throws std::invalid_argument if that is 0, std::bad_alloc.
  explicit channel(std::size_t capacity)
      : channel_handle({sizeof(T), alignof(T), [](void* item) noexcept {
                          static_cast<T*>(item)->~T();
                        }},
                       capacity) {}

  // Waits for room and sends. Throws channel_closed; the item is lost then.
  [[nodiscard]] untimed<sender> send(T item) const noexcept {
    return untimed<sender>(core(), std::move(item));
  }
  // False: there was no room in time; the item is lost.
  template <detail::duration_like D>
  [[nodiscard]] timed<sender> send_for(const D& d, T item) const noexcept {
    return timed<sender>(limit::after(d), core(), std::move(item));
  }
  template <detail::time_point_like P>
  [[nodiscard]] timed<sender> send_until(const P& t, T item) const noexcept {
    return timed<sender>(limit::at(t), core(), std::move(item));
  }

  // Waits for an item and takes it. Nothing: closed and empty.
  [[nodiscard]] untimed<receiver> receive() const noexcept { return untimed<receiver>(core()); }
  // Nothing also if none came in time; at_end() tells.
  template <detail::duration_like D>
  [[nodiscard]] timed<receiver> receive_for(const D& d) const noexcept {
    return timed<receiver>(limit::after(d), core());
  }
  template <detail::time_point_like P>
  [[nodiscard]] timed<receiver> receive_until(const P& t) const noexcept {
    return timed<receiver>(limit::at(t), core());
  }

  // Moves all items of a range out of it and into the channel, in order and without others between
  // those that there is room for at once; waits for room as often as needed. How many were sent:
  // fewer than all if it was closed, cancelled or timed out after the first, and those that were
  // not sent are as they were. Throws channel_closed if none was. The range outlives the wait.
  template <detail::channel_batch<T> Range>
  [[nodiscard]] untimed<many_sender> send_many(Range&& items) const noexcept {
    return untimed<many_sender>(core(), items.data(), items.size());
  }
  template <detail::duration_like D, detail::channel_batch<T> Range>
  [[nodiscard]] timed<many_sender> send_many_for(const D& d, Range&& items) const noexcept {
    return timed<many_sender>(limit::after(d), core(), items.data(), items.size());
  }
  template <detail::time_point_like P, detail::channel_batch<T> Range>
  [[nodiscard]] timed<many_sender> send_many_until(const P& t, Range&& items) const noexcept {
    return timed<many_sender>(limit::at(t), core(), items.data(), items.size());
  }

  // Waits for an item and takes all that are there, at most as many as the range has: they are
  // assigned to its first elements. How many; 0: closed and empty, or no item in time.
  template <detail::channel_batch<T> Range>
  [[nodiscard]] untimed<many_receiver> receive_many(Range&& into) const noexcept {
    return untimed<many_receiver>(core(), into.data(), into.size());
  }
  template <detail::duration_like D, detail::channel_batch<T> Range>
  [[nodiscard]] timed<many_receiver> receive_many_for(const D& d, Range&& into) const noexcept {
    return timed<many_receiver>(limit::after(d), core(), into.data(), into.size());
  }
  template <detail::time_point_like P, detail::channel_batch<T> Range>
  [[nodiscard]] timed<many_receiver> receive_many_until(const P& t, Range&& into) const noexcept {
    return timed<many_receiver>(limit::at(t), core(), into.data(), into.size());
  }

  // From anywhere. False: no room; the item is as it was. Throws channel_closed.
  [[nodiscard]] bool try_send(T&& item) const { return try_send_one(item); }
  [[nodiscard]] bool try_send(const T& item) const {
    T copy(item);
    return try_send_one(copy);
  }
  // Nothing if it is empty, or if all that is there has been promised to waiting receivers.
  [[nodiscard]] std::optional<T> try_receive() const noexcept {
    detail::channel_call<receiver> call(core());
    call.receive_now();
    return call.result();
  }
  // How many. Throws channel_closed.
  template <detail::channel_batch<T> Range>
  [[nodiscard]] std::size_t try_send_many(Range&& items) const {
    detail::channel_call<many_sender> call(core(), items.data(), items.size());
    call.send_now();
    return call.result();
  }
  template <detail::channel_batch<T> Range>
  [[nodiscard]] std::size_t try_receive_many(Range&& into) const noexcept {
    detail::channel_call<many_receiver> call(core(), into.data(), into.size());
    call.receive_now();
    return call.result();
  }

  // The same for a thread without a loop, which sleeps meanwhile. Throws channel_closed.
  void send_blocking(T item) const { (void)block_sending("send_blocking", item, nullptr); }
  template <detail::duration_like D>
  [[nodiscard]] bool send_blocking_for(const D& d, T item) const {
    const limit until = limit::after(d);
    return block_sending("send_blocking_for", item, &until);
  }
  template <detail::time_point_like P>
  [[nodiscard]] bool send_blocking_until(const P& t, T item) const {
    const limit until = limit::at(t);
    return block_sending("send_blocking_until", item, &until);
  }
  [[nodiscard]] std::optional<T> receive_blocking() const {
    return block_receiving("receive_blocking", nullptr);
  }
  template <detail::duration_like D>
  [[nodiscard]] std::optional<T> receive_blocking_for(const D& d) const {
    const limit until = limit::after(d);
    return block_receiving("receive_blocking_for", &until);
  }
  template <detail::time_point_like P>
  [[nodiscard]] std::optional<T> receive_blocking_until(const P& t) const {
    const limit until = limit::at(t);
    return block_receiving("receive_blocking_until", &until);
  }
  template <detail::channel_batch<T> Range>
  [[nodiscard]] std::size_t send_many_blocking(Range&& items) const {
    detail::channel_call<many_sender> call(core(), items.data(), items.size());
    call.send_blocking("send_many_blocking", nullptr);
    return call.result();
  }
  template <detail::channel_batch<T> Range>
  [[nodiscard]] std::size_t receive_many_blocking(Range&& into) const {
    detail::channel_call<many_receiver> call(core(), into.data(), into.size());
    call.receive_blocking("receive_many_blocking", nullptr);
    return call.result();
  }
  template <detail::duration_like D, detail::channel_batch<T> Range>
  [[nodiscard]] std::size_t receive_many_blocking_for(const D& d, Range&& into) const {
    const limit until = limit::after(d);
    detail::channel_call<many_receiver> call(core(), into.data(), into.size());
    call.receive_blocking("receive_many_blocking_for", &until);
    return call.result();
  }

 private:
  bool try_send_one(T& item) const {
    detail::channel_call<many_sender> call(core(), &item, std::size_t{1});
    call.send_now();
    return call.result() == 1;
  }
  bool block_sending(const char* what, T& item, const limit* until) const {
    detail::channel_call<many_sender> call(core(), &item, std::size_t{1});
    call.send_blocking(what, until);
    return call.result() == 1;
  }
  std::optional<T> block_receiving(const char* what, const limit* until) const {
    detail::channel_call<receiver> call(core());
    call.receive_blocking(what, until);
    return call.result();
  }
};

}  // namespace eddy::inline v1
