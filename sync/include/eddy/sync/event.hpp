// event: a flag that tasks wait for.
#pragma once

#include <eddy/sync/line.hpp>
#include <eddy/sync/timed.hpp>

namespace eddy::inline v1 {

class event;

namespace detail {

class event_wait : public listed_waiter {
 public:
  using timed_result = bool;
  explicit event_wait(event& e) noexcept : event_(e) {}
  bool start() noexcept;
  void await_resume() { leave(); }
  void on_cancel() noexcept override;

 protected:
  ~event_wait() = default;
  void withdraw() noexcept;

 private:
  event& event_;
};

}  // namespace detail

// What statistics() of an event tells.
struct event_statistics {
  bool set;
  std::size_t waiting;       // tasks that wait for it
  std::size_t most_waiting;  // the most that ever did
};

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
  [[nodiscard]] detail::untimed<detail::event_wait> wait() noexcept {
    return detail::untimed<detail::event_wait>(*this);
  }
  // The same, for at most a duration, or until a time_point of steady_clock. True: it was set.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed<detail::event_wait> wait_for(const D& d) noexcept {
    return detail::timed<detail::event_wait>(detail::limit::after(d), *this);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed<detail::event_wait> wait_until(const P& t) noexcept {
    return detail::timed<detail::event_wait>(detail::limit::at(t), *this);
  }

  std::size_t waiting() const noexcept { return waiters_.size(); }
  event_statistics statistics() const noexcept {
    return {set_, waiters_.size(), waiters_.most()};
  }

 private:
  friend class detail::event_wait;
  detail::line waiters_;
  bool set_ = false;
};

}  // namespace eddy::inline v1
