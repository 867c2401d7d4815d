// What stands in the lines of a channel<T>; see channel.hpp.
#pragma once

#include <eddy/runtime/wait_list.hpp>
#include <eddy/sync/timed.hpp>
#include <new>
#include <optional>

namespace eddy::inline v1::detail {

class channel_core;
class channel_port;
class parking_spot;

// One who sends to a channel or receives from it: the wait of a coroutine, or the call of a thread,
// which is never awaited. What is not const here is guarded by the channel's lock as long as it
// stands in a line, for other threads move items to and from it.
class channel_end : public listed_waiter {
 public:
  // woken: out of the line, but the news are still on their way to its loop or thread.
  enum class place : std::uint8_t { outside, line, woken };

  using waiter::complete_now;
  using waiter::park;

  // Moves `count` items between the ring's raw `slots` and this; under the lock, on any thread.
  virtual void transfer(void* slots, std::size_t count) noexcept = 0;

  channel_port* port = nullptr;  // of its loop, while it is not outside
  parking_spot* spot = nullptr;  // of its thread
  std::size_t left;              // items that it has still to send, or would still take
  std::size_t moved = 0;
  place stands = place::outside;
  bool promised = false;  // an item is kept for it
  bool closed = false;    // the channel was, and so it got nothing more
  bool no_memory = false;

 protected:
  channel_end(channel_core& c, std::size_t count) noexcept : left(count), core_(c) {}
  ~channel_end() = default;

  channel_core& core_;
};

class channel_receiver : public channel_end {
 public:
  bool start() noexcept;
  void on_cancel() noexcept override;

  // Without waiting.
  void receive_now() noexcept;
  // By the thread that calls. Throws std::logic_error that names `what` if that runs a loop. Null:
  // without a limit.
  void receive_blocking(const char* what, const limit* until);

 protected:
  using channel_end::channel_end;
  ~channel_receiver() = default;
  bool withdraw() noexcept;
  void finish();
};

class channel_sender : public channel_end {
 public:
  bool start() noexcept;
  void on_cancel() noexcept override;

  // These two throw channel_closed if nothing could be sent because of that.
  void send_now();
  void send_blocking(const char* what, const limit* until);

 protected:
  using channel_end::channel_end;
  ~channel_sender() = default;
  bool withdraw() noexcept;
  void finish();

 private:
  void check_closed() const;
};

template <class T>
class channel_receive_wait : public channel_receiver {
 public:
  using timed_result = std::optional<T>;
  explicit channel_receive_wait(channel_core& c) noexcept : channel_receiver(c, 1) {}
  std::optional<T> await_resume() {
    finish();
    return result();
  }
  std::optional<T> result() noexcept { return std::move(item_); }

 protected:
  ~channel_receive_wait() = default;

 private:
  void transfer(void* slots, std::size_t) noexcept override {
    T& item = *static_cast<T*>(slots);
    item_.emplace(std::move(item));
    item.~T();
  }
  std::optional<T> item_;
};

template <class T>
class channel_receive_many_wait : public channel_receiver {
 public:
  using timed_result = std::size_t;
  channel_receive_many_wait(channel_core& c, T* into, std::size_t most) noexcept
      : channel_receiver(c, most), into_(into) {}
  std::size_t await_resume() {
    finish();
    return moved;
  }
  std::size_t result() const noexcept { return moved; }

 protected:
  ~channel_receive_many_wait() = default;

 private:
  void transfer(void* slots, std::size_t count) noexcept override {
    T* items = static_cast<T*>(slots);
    T* into = into_ + moved;
    for (std::size_t i = 0; i < count; ++i) {
      into[i] = std::move(items[i]);
      items[i].~T();
    }
  }
  T* into_;
};

template <class T>
class channel_send_wait : public channel_sender {
 public:
  using timed_result = bool;
  channel_send_wait(channel_core& c, T&& item) noexcept
      : channel_sender(c, 1), item_(std::move(item)) {}
  void await_resume() { finish(); }
  bool result() const noexcept { return moved == 1; }

 protected:
  ~channel_send_wait() = default;

 private:
  void transfer(void* slots, std::size_t) noexcept override {
    ::new (slots) T(std::move(item_));
  }
  T item_;
};

template <class T>
class channel_send_many_wait : public channel_sender {
 public:
  using timed_result = std::size_t;
  channel_send_many_wait(channel_core& c, T* items, std::size_t count) noexcept
      : channel_sender(c, count), items_(items) {}
  std::size_t await_resume() {
    finish();
    return moved;
  }
  std::size_t result() const noexcept { return moved; }

 protected:
  ~channel_send_many_wait() = default;

 private:
  void transfer(void* slots, std::size_t count) noexcept override {
    T* into = static_cast<T*>(slots);
    T* items = items_ + moved;
    for (std::size_t i = 0; i < count; ++i) {
      ::new (static_cast<void*>(into + i)) T(std::move(items[i]));
    }
  }
  T* items_;
};

// The same, called and not awaited.
template <class Wait>
class channel_call final : public Wait {
 public:
  template <class... Args>
  explicit channel_call(Args&&... args) noexcept : Wait(std::forward<Args>(args)...) {}
};

}  // namespace eddy::inline v1::detail
