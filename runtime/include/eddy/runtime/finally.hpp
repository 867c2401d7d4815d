// Clean-up that must wait.
#pragma once

#include <eddy/runtime/deadline.hpp>
#include <eddy/runtime/nested_scope.hpp>

namespace eddy::inline v1 {
namespace detail {

// How long a clean-up may take unless something else is said: enough for a goodbye over a slow
// network, and short for somebody who waits for a program to end.
inline constexpr std::int64_t cleanup_limit_ns = 10'000'000'000;

// The untyped part: the body in one scope, then the clean-up in another, shielded one.
class finally_base : public scope_owner {
 public:
  void on_cancel() noexcept override { body_scope_.cancel(); }
  void fire() noexcept override;
  std::coroutine_handle<> child_ended(nested_scope& child) noexcept override;

 protected:
  finally_base(limit until, task<>&& cleanup) noexcept
      : cleanup_(std::move(cleanup)), until_(until) {}
  ~finally_base() = default;
  std::coroutine_handle<> start(std::coroutine_handle<> h, promise_base& promise) noexcept;
  // Throws what is not the body's to throw: the clean-up's failure, cancelled.
  void finish();

  task<> cleanup_;

 private:
  std::coroutine_handle<> start_cleanup() noexcept;
  std::exception_ptr cleanup_failure();

  nested_scope body_scope_;  // not opened if the surrounding scope was cancelled before
  nested_scope cleanup_scope_;
  limit until_;
  bool fired_ = false;
};

template <class T>
class finally_awaiter final : public finally_base {
 public:
  finally_awaiter(task<T>&& body, task<>&& cleanup, limit until) noexcept
      : finally_base(until, std::move(cleanup)), body_(std::move(body)) {}

  bool await_ready() const {
    require_startable(body_);
    require_startable(cleanup_);
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

// Runs `body`, then `cleanup`, however the body has ended; returns the body's result or throws what
// it threw, `cancelled` among it. (`co_await` is not allowed in a catch block or in a destructor.)
//
//   co_await finally(use(connection), connection.say_goodbye());
//
// No cancellation reaches the clean-up. In a scope that is cancelled already the body does not run,
// the clean-up does. It is cancelled after `limit`, 10 s if none is given, and if that ends it, it
// has failed with a timeout_error. What `cleanup` spawns by a free `spawn` is not shielded.
//
// If the clean-up fails its exception is thrown, and the value is lost; if the body has failed as
// well the body's is thrown, and that of the clean-up goes to run_options::on_error. A value that
// the body returned is kept when a cancellation comes later. Cancellation point for the body only.
template <class T>
[[nodiscard]] detail::finally_awaiter<T> finally(task<T> body, task<> cleanup) noexcept {
  return {std::move(body), std::move(cleanup),
          detail::limit::after_ns(detail::cleanup_limit_ns)};
}
template <class T, detail::duration_like D>
[[nodiscard]] detail::finally_awaiter<T> finally(task<T> body, task<> cleanup,
                                                 const D& limit) noexcept {
  return {std::move(body), std::move(cleanup), detail::limit::after(limit)};
}

}  // namespace eddy::inline v1
