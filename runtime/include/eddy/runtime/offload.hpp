// Blocking work, off the loop's thread.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/job.hpp>
#include <eddy/runtime/loop_handle.hpp>
#include <eddy/runtime/task.hpp>
#include <tuple>

namespace eddy::inline v1 {
namespace detail {

// The untyped part of offload: queued in the loop's lane; while it has not started, a cancellation
// withdraws it; once started, it is waited for, as it may borrow from the awaiting coroutine.
class offload_base : public waiter, public job, public mail {
 public:
  void on_cancel() noexcept override;
  void run() noexcept final;
  void deliver() noexcept final { wake(); }

 protected:
  offload_base() noexcept {}
  ~offload_base() = default;
  virtual void call() = 0;
  bool start() noexcept;
  void finish();

 private:
  std::exception_ptr error_;
  loop_handle home_;
};

template <class F, class... Args>
class offload_awaiter final : public offload_base {
 public:
  using result = std::invoke_result_t<F&, Args...>;
  offload_awaiter(F&& fn, std::tuple<Args...>&& args)
      : fn_(std::move(fn)), args_(std::move(args)) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  result await_resume() {
    finish();
    if constexpr (!std::is_void_v<result>) return result_.take();
  }

 private:
  void call() override {
    if constexpr (std::is_void_v<result>) {
      std::apply(fn_, std::move(args_));
    } else {
      result_.emplace(std::apply(fn_, std::move(args_)));
    }
  }

  F fn_;
  std::tuple<Args...> args_;
  result_slot<std::conditional_t<std::is_void_v<result>, char, result>> result_;
};

}  // namespace detail

// Runs fn(args...) on a thread of the loop's pool and returns its result or throws what it threw:
// asyncio.to_thread. Both are copied or moved in, and destroyed on the loop's thread.
//
//   std::string text = co_await offload(read_whole_file, path);
//
// Cancellation point: a call that has not started is withdrawn; one that has is waited for, its
// result kept. On GCC before 13, pass what a lambda would capture as an argument.
template <class F, class... Args>
[[nodiscard]] auto offload(F&& fn, Args&&... args) {
  static_assert(detail::safe_callable<F>,
                "GCC before 13 destroys the captures of an inline lambda twice inside co_await: "
                "name the lambda first, or pass its captures as arguments of offload");
  using callable_type = std::decay_t<F>;
  return detail::offload_awaiter<callable_type, std::decay_t<Args>...>(
      callable_type(std::forward<F>(fn)),
      std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...));
}

}  // namespace eddy::inline v1
