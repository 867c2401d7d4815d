// One body in a scope of its own, with a limit of time: what with_timeout and shield are made of.
#pragma once

#include <eddy/runtime/deadline.hpp>
#include <eddy/runtime/nested_scope.hpp>

namespace eddy::inline v1::detail {

// Whether a cancellation of the surrounding scope reaches the body.
enum class reach : bool { open, shielded };

// The untyped part. The body is cancelled when its limit comes, and has ended before its owner goes
// on. An open body does not start in a cancelled scope; a shielded one does, as clean-up must run.
class limited_scope : public scope_owner {
 public:
  void on_cancel() noexcept override {
    if (reach_ == reach::open && !out_of_memory) body_scope_.cancel();
  }
  void fire() noexcept override;
  std::coroutine_handle<> child_ended(nested_scope&) noexcept override;

 protected:
  limited_scope(limit until, reach r) noexcept : until_(until), reach_(r) {}
  ~limited_scope() = default;
  std::coroutine_handle<> start(std::coroutine_handle<> h, promise_base& promise) noexcept;
  // Throws what is not the body's to throw: cancelled, timeout_error.
  void finish();

 private:
  nested_scope body_scope_;
  limit until_;
  reach reach_;
  bool fired_ = false;
};

// What with_timeout and shield return.
template <class T, class Base>
class limited_awaiter final : public Base {
 public:
  template <class... Args>
  explicit limited_awaiter(task<T>&& body, Args... args) noexcept
      : Base(args...), body_(std::move(body)) {}

  bool await_ready() const {
    require_startable(body_);
    return false;
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> h,
      std::source_location at = std::source_location::current()) noexcept {
    this->enter(h, at);
    return this->start(body_.frame(), body_.frame().promise());
  }
  T await_resume() {
    this->finish();
    return body_.frame().promise().take();
  }

 private:
  task<T> body_;
};

}  // namespace eddy::inline v1::detail
