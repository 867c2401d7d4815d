// What semaphore and mutex share: a count of permits and a fair line of waiters.
#pragma once

#include <eddy/runtime/core.hpp>

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

  bool try_take() noexcept {
    if (free_ == 0) return false;
    --free_;
    return true;
  }
  void release() noexcept {
    if (!waiters_.wake_one()) ++free_;
  }
  void join(waiter& w) noexcept { waiters_.push_back(w); }
  void leave(waiter& w) noexcept { waiters_.remove(w); }

 private:
  std::size_t free_;
  wait_list waiters_;
};

// One permit, held: releases itself when destroyed. Move-only.
class held_permit {
 public:
  held_permit() noexcept {}
  explicit held_permit(permit_line& line) noexcept : line_(&line) {}
  held_permit(held_permit&& other) noexcept : line_(std::exchange(other.line_, nullptr)) {}
  held_permit& operator=(held_permit&& other) noexcept {
    if (this != &other) {
      release();
      line_ = std::exchange(other.line_, nullptr);
    }
    return *this;
  }
  ~held_permit() { release(); }

  // True if it holds a permit.
  explicit operator bool() const noexcept { return line_ != nullptr; }
  // Gives the permit back now. Never waits.
  void release() noexcept {
    if (line_) std::exchange(line_, nullptr)->release();
  }

 private:
  permit_line* line_ = nullptr;
};

// A granted permit that is cancelled before the coroutine runs goes to the next in line.
class acquire_awaiter final : public waiter {
 public:
  explicit acquire_awaiter(permit_line& line) noexcept : line_(line) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    if (refused()) return true;
    if (line_.try_take()) return complete_now();
    line_.join(*this);
    park();
    return true;
  }
  held_permit await_resume() {
    leave();
    return held_permit(line_);
  }
  void on_cancel() noexcept override;

 private:
  permit_line& line_;
};

}  // namespace eddy::inline v1::detail
