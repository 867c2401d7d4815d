// Signals: how a loop learns of them. Private to the runtime; part of contract 3, the world.
//
// A signal_watch is one listener. From add() on, a signal is no longer what its disposition says:
// every watch that wants it, of whatever loop and thread, has it pending until take(). Like the
// kernel's own pending set this is one bit a signal: what comes twice before it is taken is one.
// When the last watch of a signal goes, the disposition that was found comes back.
#pragma once

#include <atomic>
#include <cstdint>

namespace eddy::inline v1::detail {

// The highest number that can be watched: a bit each. Linux has 64 signals, macOS 31.
inline constexpr int signal_limit = 64;

// SIGINT.
extern const int interrupt_signal;

// What a signal rings: one for each loop. Outlives the watches that name it.
class signal_bell {
 public:
  // `wake` is called in signal handlers, on any thread.
  signal_bell(void (*wake)(void*) noexcept, void* context) noexcept
      : wake_(wake), context_(context) {}
  signal_bell(const signal_bell&) = delete;
  signal_bell& operator=(const signal_bell&) = delete;

  void ring() noexcept {
    rung_.store(true);
    wake_(context_);
  }
  // Whether it was rung since the last call that said so.
  bool rung() noexcept { return rung_.load() && rung_.exchange(false); }

 private:
  std::atomic<bool> rung_ = false;
  void (*wake_)(void*) noexcept;
  void* context_;
};

// Belongs to one thread, but for what the handler does. Not to be moved: the handler knows where it
// is.
class signal_watch {
 public:
  // `once`: after the first one the signal has its default effect, unless a watch without `once`
  // wants it as well.
  enum class mode : bool { every, once };

  explicit signal_watch(signal_bell& bell, mode how = mode::every) noexcept
      : bell_(&bell), mode_(how) {}
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;
  // Ends it, and returns when no handler can know of it any more.
  ~signal_watch() { stop(); }

  // 0, or a negative errno value: -EINVAL for what cannot be watched (why_not() knows the reason),
  // -EBUSY for a second watch of mode `once` for a signal in this process.
  int add(int signal) noexcept;
  void stop() noexcept;

  // The pending signal with the lowest number above `after`, else the lowest; 0 if none is. It is
  // pending no more.
  int take(int after) noexcept;
  void put_back(int signal) noexcept { pending_.fetch_or(bit(signal)); }
  bool is_pending(int signal) const noexcept { return (pending_.load() & bit(signal)) != 0; }

  // Null for a signal that can be watched, else why not.
  static const char* why_not(int signal) noexcept;

 private:
  friend struct signal_table;
  static constexpr std::uint64_t bit(int signal) noexcept { return 1ULL << (signal - 1); }

  std::atomic<std::uint64_t> wanted_ = 0;
  std::atomic<std::uint64_t> pending_ = 0;
  std::atomic<signal_watch*> next_ = nullptr;
  signal_bell* bell_;
  mode mode_;
  bool linked_ = false;
};

}  // namespace eddy::inline v1::detail
