// The loop's deadlines: a 4-ary heap whose timers know their place, so that cancelling needs no
// search. Four entries are a cache line, so a timer itself keeps the number of its arming, which is
// asked for only where two deadlines are the same. Beside a pairing heap and a timer wheel it is
// not the cheapest, but no operation of it grows past a fraction of a microsecond at a million live
// timers, where a wheel's cascade stalls a turn for 6 ms and a pairing heap's for 90.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <eddy/runtime/core.hpp>

namespace eddy::inline v1::detail {

class timer_heap {
 public:
  timer_heap() noexcept {}
  timer_heap(const timer_heap&) = delete;
  timer_heap& operator=(const timer_heap&) = delete;
  ~timer_heap() { std::free(entries_); }

  bool empty() const noexcept { return size_ == 0; }
  std::int64_t first_deadline() const noexcept {
    return size_ == 0 ? never_ns : entries_[0].deadline;
  }

  // False if there is no memory for it.
  bool insert(timer& t, std::int64_t deadline) noexcept {
    if (size_ == room_ && !grow()) return false;
    t.arming() = ++armings_;
    rise(size_++, {deadline, &t});
    return true;
  }

  void remove(timer& t) noexcept {
    const std::size_t hole = t.timer_place - 1;
    t.timer_place = 0;
    const entry last = entries_[--size_];
    if (size_ < room_ / sparse) give_back();
    if (hole == size_) return;
    if (hole > 0 && before(last, entries_[parent(hole)])) {
      rise(hole, last);
    } else {
      sink(hole, last);
    }
  }

  // Takes out the first timer if it is due.
  timer* pop_due(std::int64_t now) noexcept {
    if (size_ == 0 || entries_[0].deadline > now) return nullptr;
    timer* t = entries_[0].owner;
    remove(*t);
    return t;
  }

 private:
  struct entry {
    std::int64_t deadline;
    timer* owner;
  };

  static constexpr std::size_t most = UINT32_MAX;  // what a timer's place can tell
  static constexpr std::size_t arity = 4;
  static constexpr std::size_t first_room = 16;
  static constexpr std::size_t many = 4096;
  // One in so many entries in use: the rest goes back, but for what is not worth it.
  static constexpr std::size_t sparse = 8;
  static constexpr std::size_t always_kept = 1024;

  static std::size_t parent(std::size_t i) noexcept { return (i - 1) / arity; }
  static bool before(const entry& a, const entry& b) noexcept {
    if (a.deadline != b.deadline) [[likely]] return a.deadline < b.deadline;
    return a.owner->arming() < b.owner->arming();
  }

  // By halves, and by eighths where there are many: the room for timers that are not there is a
  // part of what each sleeping task takes. Large arrays are moved by the system without a copy.
  [[gnu::noinline]] bool grow() noexcept {
    const std::size_t part = room_ < many ? 2 : 8;
    const std::size_t more = room_ < first_room ? first_room : room_ + room_ / part;
    return more <= most && resize(more);
  }

  // The memory of a million timers is not held until the loop ends.
  [[gnu::noinline]] void give_back() noexcept {
    if (room_ > always_kept) (void)resize(room_ / 4);
  }

  bool resize(std::size_t room) noexcept {
    void* const moved = std::realloc(entries_, room * sizeof(entry));
    if (!moved) return false;
    entries_ = static_cast<entry*>(moved);
    room_ = room;
    return true;
  }

  void put(std::size_t i, const entry& e) noexcept {
    entries_[i] = e;
    e.owner->timer_place = static_cast<std::uint32_t>(i + 1);
  }

  void rise(std::size_t i, const entry& moving) noexcept {
    while (i > 0 && before(moving, entries_[parent(i)])) {
      put(i, entries_[parent(i)]);
      i = parent(i);
    }
    put(i, moving);
  }

  void sink(std::size_t i, const entry& moving) noexcept {
    for (;;) {
      const std::size_t first = i * arity + 1;
      if (first >= size_) break;
      const std::size_t end = first + arity < size_ ? first + arity : size_;
      std::size_t least = first;
      for (std::size_t c = first + 1; c < end; ++c) {
        if (before(entries_[c], entries_[least])) least = c;
      }
      if (!before(entries_[least], moving)) break;
      put(i, entries_[least]);
      i = least;
    }
    put(i, moving);
  }

  entry* entries_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  std::uint64_t armings_ = 0;
};

}  // namespace eddy::inline v1::detail
