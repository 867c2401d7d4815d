// A task that another task may end: a cancel scope with a handle.
#pragma once

#include <eddy/runtime/nested_scope.hpp>

namespace eddy::inline v1::http {

// Runs a task in a scope of its own, which stop() cancels. Named, and alive until the await is
// over:
//
//   stop_scope writing;
//   const bool finished = co_await writing.run(write_everything());  // false: stop() ended it
//
// A stop that comes before run() lets nothing run; one that comes when the task has its result
// already keeps the result. What the task throws is thrown; a cancellation from outside stays one.
// Thread: the loop's. Cancellation point, as far as the task is one.
class stop_scope final : public detail::scope_owner {
 public:
  stop_scope() noexcept {}

  // What run() returns: GCC 12 copies an awaiter that it gets by reference.
  class awaiter {
   public:
    explicit awaiter(stop_scope& s) noexcept : scope_(s) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> h,
        std::source_location at = std::source_location::current()) noexcept {
      scope_.enter(h, at);
      return scope_.start();
    }
    bool await_resume() { return scope_.finish(); }

   private:
    stop_scope& scope_;
  };

  [[nodiscard]] awaiter run(task<> body) noexcept {
    body_ = std::move(body);
    return awaiter(*this);
  }
  void stop() noexcept {
    stopped_ = true;
    if (running_) body_scope_.cancel();
  }

  void on_cancel() noexcept override { body_scope_.cancel(); }
  std::coroutine_handle<> child_ended(detail::nested_scope&) noexcept override;

 private:
  std::coroutine_handle<> start() noexcept;
  bool finish();

  detail::nested_scope body_scope_;
  task<> body_;
  bool stopped_ = false;
  bool running_ = false;
};

}  // namespace eddy::inline v1::http
