// event: a flag that tasks wait for.
#pragma once

#include <eddy/runtime/core.hpp>

namespace eddy::inline v1 {

class event;

namespace detail {

class event_awaiter final : public waiter {
 public:
  explicit event_awaiter(event& e) noexcept : event_(e) {}
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
  event& event_;
};

}  // namespace detail

// Waiters go on once it is set, also if it is reset before they run. Must outlive its waiters.
// Thread: one loop's.
class event {
 public:
  event() noexcept {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event();

  // Wakes all that wait, in the order they came, and lets all later waits pass. Never waits.
  void set() noexcept {
    set_ = true;
    while (waiters_.wake_one()) {
    }
  }
  void reset() noexcept { set_ = false; }
  bool is_set() const noexcept { return set_; }

  // Waits until it is set. Cancellation point.
  [[nodiscard]] detail::event_awaiter wait() noexcept { return detail::event_awaiter(*this); }

  std::size_t waiting() const noexcept { return waiters_.size(); }

 private:
  friend class detail::event_awaiter;
  detail::wait_list waiters_;
  bool set_ = false;
};

}  // namespace eddy::inline v1
