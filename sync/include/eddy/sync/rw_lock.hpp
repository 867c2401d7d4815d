// rw_lock: many readers, or one writer.
#pragma once

#include <eddy/sync/line.hpp>
#include <eddy/sync/timed.hpp>

namespace eddy::inline v1 {

class rw_lock;

namespace detail {

class rw_wait : public listed_waiter {
 public:
  void on_cancel() noexcept override;
  bool exclusive() const noexcept { return exclusive_; }

 protected:
  rw_wait(rw_lock& of, bool exclusive) noexcept : lock_(of), exclusive_(exclusive) {}
  ~rw_wait() = default;
  bool start() noexcept;
  void withdraw() noexcept;
  rw_lock& lock_;

 private:
  bool exclusive_;
};

// A lock held, shared or exclusive: unlocks itself when destroyed. Move-only.
template <bool Exclusive>
class rw_guard {
 public:
  rw_guard() noexcept {}
  explicit rw_guard(rw_lock& held) noexcept : lock_(&held) {}
  rw_guard(rw_guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  rw_guard& operator=(rw_guard&& other) noexcept {
    if (this != &other) {
      release();
      lock_ = std::exchange(other.lock_, nullptr);
    }
    return *this;
  }
  ~rw_guard() { release(); }

  // True if it holds the lock.
  explicit operator bool() const noexcept { return lock_ != nullptr; }
  // Gives the lock back now. Never waits. Nothing if it holds none.
  inline void release() noexcept;

 private:
  rw_lock* lock_ = nullptr;
};

template <bool Exclusive>
class rw_wait_of : public rw_wait {
 public:
  using timed_result = rw_guard<Exclusive>;
  explicit rw_wait_of(rw_lock& of) noexcept : rw_wait(of, Exclusive) {}
  bool start() noexcept { return rw_wait::start(); }
  rw_guard<Exclusive> await_resume() {
    leave();
    return rw_guard<Exclusive>(lock_);
  }

 protected:
  ~rw_wait_of() = default;
};

}  // namespace detail

// What statistics() of an rw_lock tells.
struct rw_lock_statistics {
  std::size_t readers;       // guards that share it
  bool writing;              // a guard has it alone
  std::size_t waiting;       // tasks in the line, of both kinds
  std::size_t most_waiting;  // the most that were ever in it
};

// A lock that is shared by any number or held by one alone. One line for both kinds, served in the
// order they came: who asks to share it waits behind a writer that waits, and readers that stand in
// the line one after the other get it together; so neither kind can starve the other. Must outlive
// its guards and waiters. Not recursive, not even for sharing: a writer may wait between the two.
// Thread: one loop's.
//
//   auto reading = co_await lock.lock_shared();
//   auto writing = co_await lock.lock();
class rw_lock {
 public:
  using shared_guard = detail::rw_guard<false>;
  using exclusive_guard = detail::rw_guard<true>;

  rw_lock() noexcept {}
  rw_lock(const rw_lock&) = delete;
  rw_lock& operator=(const rw_lock&) = delete;
  ~rw_lock();

  // Waits until it has the lock alone. Cancellation point; cancelled means that it was not taken.
  [[nodiscard]] detail::untimed<detail::rw_wait_of<true>> lock() noexcept {
    return detail::untimed<detail::rw_wait_of<true>>(*this);
  }
  // Waits until it shares the lock with other readers. Cancellation point, as lock().
  [[nodiscard]] detail::untimed<detail::rw_wait_of<false>> lock_shared() noexcept {
    return detail::untimed<detail::rw_wait_of<false>>(*this);
  }

  // The same, for at most a duration, or until a time_point of steady_clock. The guard is empty if
  // that came first; a lock granted in the same turn is kept.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed<detail::rw_wait_of<true>> lock_for(const D& d) noexcept {
    return detail::timed<detail::rw_wait_of<true>>(detail::limit::after(d), *this);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed<detail::rw_wait_of<true>> lock_until(const P& t) noexcept {
    return detail::timed<detail::rw_wait_of<true>>(detail::limit::at(t), *this);
  }
  template <detail::duration_like D>
  [[nodiscard]] detail::timed<detail::rw_wait_of<false>> lock_shared_for(const D& d) noexcept {
    return detail::timed<detail::rw_wait_of<false>>(detail::limit::after(d), *this);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed<detail::rw_wait_of<false>> lock_shared_until(const P& t) noexcept {
    return detail::timed<detail::rw_wait_of<false>>(detail::limit::at(t), *this);
  }

  // The lock, or an empty guard. Never waits, and passes nobody who does.
  [[nodiscard]] exclusive_guard try_lock() noexcept {
    return try_take(true) ? exclusive_guard(*this) : exclusive_guard();
  }
  [[nodiscard]] shared_guard try_lock_shared() noexcept {
    return try_take(false) ? shared_guard(*this) : shared_guard();
  }

  std::size_t readers() const noexcept { return readers_; }
  bool writing() const noexcept { return writing_; }
  std::size_t waiting() const noexcept { return waiters_.size(); }
  rw_lock_statistics statistics() const noexcept {
    return {readers_, writing_, waiters_.size(), waiters_.most()};
  }

 private:
  friend class detail::rw_wait;
  template <bool Exclusive>
  friend class detail::rw_guard;

  // Whether it could be had by one who stands first in the line.
  bool is_free_for(bool exclusive) const noexcept {
    return !writing_ && (!exclusive || readers_ == 0);
  }
  void take(bool exclusive) noexcept {
    if (exclusive) {
      writing_ = true;
    } else {
      ++readers_;
    }
  }
  bool try_take(bool exclusive) noexcept {
    if (!waiters_.empty() || !is_free_for(exclusive)) return false;
    take(exclusive);
    return true;
  }
  void unlock(bool exclusive) noexcept;
  // Hands the lock to those in front who can have it.
  void serve() noexcept;

  detail::line waiters_;
  std::size_t readers_ = 0;
  bool writing_ = false;
};

template <bool Exclusive>
void detail::rw_guard<Exclusive>::release() noexcept {
  if (lock_) std::exchange(lock_, nullptr)->unlock(Exclusive);
}

}  // namespace eddy::inline v1
