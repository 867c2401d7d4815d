// What semaphores and mutex share: a count of permits and a fair line of waiters.
#pragma once

#include <eddy/sync/line.hpp>
#include <eddy/sync/timed.hpp>

namespace eddy::inline v1::detail {

// Invariant: whoever waits, waits because `free_` is zero; a release goes to the first in line and
// never through the count. So nobody can overtake.
class permit_line {
 public:
  explicit permit_line(std::size_t free) noexcept : free_(free) {}
  permit_line(const permit_line&) = delete;
  permit_line& operator=(const permit_line&) = delete;
  ~permit_line();

  std::size_t free() const noexcept { return free_; }
  std::size_t waiting() const noexcept { return waiters_.size(); }
  std::size_t most_waiting() const noexcept { return waiters_.most(); }
  std::size_t forgotten() const noexcept { return forgotten_; }

  bool try_take() noexcept {
    if (free_ == 0) return false;
    --free_;
    return true;
  }
  void release() noexcept {
    if (!waiters_.wake_one()) ++free_;
  }
  // A held permit that does not release itself any more; and that it comes back.
  void forget() noexcept { ++forgotten_; }
  void release_forgotten() noexcept {
    --forgotten_;
    release();
  }
  void join(listed_waiter& w) noexcept { waiters_.push_back(w); }
  void leave(listed_waiter& w) noexcept { waiters_.remove(w); }

 private:
  std::size_t free_;
  std::size_t forgotten_ = 0;
  line waiters_;
};

// One permit, held: releases itself when destroyed. Move-only.
class held_permit {
 public:
  held_permit() noexcept {}
  explicit held_permit(permit_line& of) noexcept : line_(&of) {}
  held_permit(held_permit&& other) noexcept : line_(std::exchange(other.line_, nullptr)) {}
  held_permit& operator=(held_permit&& other) noexcept {
    if (this != &other) {
      release();
      line_ = std::exchange(other.line_, nullptr);
    }
    return *this;
  }
  ~held_permit() {
    if (line_) line_->release();
  }

  // True if it holds a permit.
  explicit operator bool() const noexcept { return line_ != nullptr; }
  // Gives the permit back now. Never waits. Nothing if it holds none.
  void release() noexcept {
    if (line_) std::exchange(line_, nullptr)->release();
  }
  // Becomes empty and gives nothing back: for a permit that somebody else releases, by release() of
  // the semaphore or unlock() of the mutex.
  void forget() noexcept {
    if (line_) std::exchange(line_, nullptr)->forget();
  }

 private:
  friend class condition_wait;
  permit_line* line_ = nullptr;
};

// A granted permit that is cancelled before the coroutine runs goes to the next in line.
class permit_wait : public listed_waiter {
 public:
  using timed_result = held_permit;
  explicit permit_wait(permit_line& of) noexcept : listed_waiter(blank()), line_(of) {}
  bool start() noexcept {
    if (refused()) return true;
    return take() ? complete_now() : stand();
  }
  held_permit await_resume() {
    leave();
    return held_permit(line_);
  }
  void on_cancel() noexcept override;

 protected:
  ~permit_wait() = default;
  bool take() noexcept { return line_.try_take(); }
  void keep() noexcept {}
  bool stand() noexcept {
    line_.join(*this);
    park();
    return true;
  }
  void withdraw() noexcept { line_.leave(*this); }

 private:
  permit_line& line_;
};

using acquire_awaiter = untimed<permit_wait>;
using timed_acquire_awaiter = timed<permit_wait>;

}  // namespace eddy::inline v1::detail
