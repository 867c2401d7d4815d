// A task with a deadline.
#pragma once

#include <eddy/runtime/nested_scope.hpp>
#include <eddy/runtime/timer.hpp>

namespace eddy::inline v1 {
namespace detail {

// The untyped part of with_timeout: the body runs in a scope of its own, which a timer cancels.
class timeout_base : public scope_owner, public timer {
 public:
  void on_cancel() noexcept override {
    if (!no_memory_) body_scope_.cancel();
  }
  void fire() noexcept override;
  std::coroutine_handle<> child_ended(nested_scope&) noexcept override;

 protected:
  explicit timeout_base(limit until) noexcept : until_(until) {}
  ~timeout_base() = default;
  std::coroutine_handle<> start(std::coroutine_handle<> h, promise_base& promise) noexcept;
  // Throws what is not the body's to throw: cancelled, timeout_error.
  void finish();

 private:
  nested_scope body_scope_;
  limit until_;
  bool fired_ = false;
  bool no_memory_ = false;
};

template <class T>
class timeout_awaiter final : public timeout_base {
 public:
  timeout_awaiter(limit until, task<T>&& body) noexcept
      : timeout_base(until), body_(std::move(body)) {}

  bool await_ready() const {
    require_startable(body_);
    return false;
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> h,
      std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start(body_.frame(), body_.frame().promise());
  }
  T await_resume() {
    finish();
    return body_.frame().promise().take();
  }

 private:
  task<T> body_;
};

}  // namespace detail

// Runs `body` in a scope of its own that is cancelled after `d`. Returns its result, also one that
// came late; throws timeout_error if the body ended by that cancellation. Returns only after the
// body has ended. An outer cancellation stays a cancellation. Cancellation point.
//
//   std::string line = co_await with_timeout(5s, read_line(stream));
template <class Rep, class Period, class T>
[[nodiscard]] detail::timeout_awaiter<T> with_timeout(std::chrono::duration<Rep, Period> d,
                                                      task<T> body) noexcept {
  return {detail::limit::after(d), std::move(body)};
}

// The same with a point in time.
template <class T>
[[nodiscard]] detail::timeout_awaiter<T> with_deadline(time_point t, task<T> body) noexcept {
  return {detail::limit::at(t), std::move(body)};
}

}  // namespace eddy::inline v1
