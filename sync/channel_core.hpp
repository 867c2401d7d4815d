// The shared part of a channel: the ring, the lines, and the one lock over them.
#pragma once

#include <atomic>
#include <eddy/runtime/loop_handle.hpp>
#include <eddy/sync/channel.hpp>
#include <mutex>

namespace eddy::inline v1::detail {

// A loop on which coroutines wait for this channel. Other threads never touch those: they put them
// on `woken_` and send this, once until it is delivered, however many there are.
class channel_port final : public mail {
 public:
  channel_port(channel_core& c, mailbox& box) noexcept : core_(c), box_(&box), home_(&box) {}
  ~channel_port() = default;
  void deliver() override;
  void undelivered() noexcept;

 private:
  friend class channel_core;
  friend class channel_wakes;

  channel_core& core_;
  mailbox* box_;  // whose loop it is; kept alive by the handle
  loop_handle home_;
  wait_list woken_;
  std::size_t users_ = 0;  // who stands in a line or on `woken_`
  bool sent_ = false;
  channel_port* next_ = nullptr;
  channel_port* next_to_send_ = nullptr;
};

// Whom somebody has to wake who holds the lock: done after it, so that they do not run into it.
class channel_wakes {
 public:
  inline explicit channel_wakes(channel_core& c) noexcept;
  // The lock is held already.
  channel_wakes(channel_core& c, std::adopt_lock_t) noexcept : core_(c) {}
  channel_wakes(const channel_wakes&) = delete;
  channel_wakes& operator=(const channel_wakes&) = delete;
  // Unlocks, then wakes.
  inline ~channel_wakes();

  // It has left its line.
  void add(channel_end& e) noexcept;

 private:
  void deliver() noexcept;

  channel_core& core_;
  wait_list threads_;
  channel_port* ports_ = nullptr;
};

// A receiver is woken with permission to take, not with an item, as in queue: it may be cancelled
// before it runs. A sender is woken when its items are in the ring; whoever makes room moves them.
//
// Invariants, whenever the lock is free:
//  1. receivers wait only while all items are promised; senders wait only while the ring is full.
//  2. an end is in place `line` exactly while it is in one of the two lines, and in place `woken`
//     exactly while it is on its port's list, or, of a thread, until that goes on.
//  3. nobody waits in a channel that is closed and empty.
class channel_core {
 public:
  channel_core(const channel_items& items, std::size_t capacity);
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;

  void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  void let_go() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // Begin the wait of a coroutine: true suspends.
  bool begin(channel_receiver& r) noexcept;
  bool begin(channel_sender& s) noexcept;
  // Takes what was promised.
  void redeem(channel_receiver& r) noexcept;
  // Leaves the line, if it still stands there.
  bool withdraw(channel_receiver& r) noexcept;
  bool withdraw(channel_sender& s) noexcept;
  // Cancelled: hands on what it was granted.
  void give_up(channel_receiver& r) noexcept;
  // True if the wait ends as cancelled, as nothing of it has been sent.
  bool give_up(channel_sender& s) noexcept;

  // Whether there is nothing to wait for. If there is and `spot` is not null, it stands in the line
  // with that.
  bool attempt(channel_receiver& r, parking_spot* spot) noexcept;
  bool attempt(channel_sender& s, parking_spot* spot) noexcept;

  void close() noexcept;
  channel_statistics statistics() noexcept;

 private:
  friend class channel_port;
  friend class channel_wakes;

  ~channel_core();

  bool at_end() const noexcept { return closed_ && size_ == 0; }
  void* slot(std::size_t at) noexcept { return slots_ + at * items_.size; }
  void take(channel_receiver& r, channel_wakes& wakes) noexcept;
  void fill_from(channel_sender& s) noexcept;
  // There may be room: serves the senders that wait.
  void serve(channel_wakes& wakes) noexcept;
  // There may be items that nobody was promised: wakes receivers for them.
  void offer(channel_wakes& wakes) noexcept {
    while (size_ > promised_ && !receivers_.empty()) promise(wakes);
  }
  void promise(channel_wakes& wakes) noexcept;
  void end_receivers(channel_wakes& wakes) noexcept;
  // The wait of a coroutine goes into the line.
  bool stand(wait_list& line, channel_end& e) noexcept;
  void leave_line(wait_list& line, channel_end& e) noexcept;
  void leave_port(channel_end& e) noexcept;

  // The port of the loop of this thread; null if there is no memory for one.
  channel_port* port_here() noexcept;
  channel_port* find_port(const mailbox* box) noexcept;
  void drop_idle_ports() noexcept;
  static void wake_all(channel_port& port) noexcept;

  std::mutex mutex_;
  std::byte* slots_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::size_t promised_ = 0;  // receivers that were woken for an item and have not run yet
  bool closed_ = false;
  wait_list receivers_;
  wait_list senders_;
  channel_port* ports_ = nullptr;
  std::size_t port_count_ = 0;
  std::size_t most_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t wakes_ = 0;
  const channel_items items_;
  std::atomic<int> holders_ = 1;
};

inline channel_wakes::channel_wakes(channel_core& c) noexcept : core_(c) { core_.mutex_.lock(); }

inline channel_wakes::~channel_wakes() {
  core_.mutex_.unlock();
  if (ports_ || !threads_.empty()) deliver();
}

}  // namespace eddy::inline v1::detail
