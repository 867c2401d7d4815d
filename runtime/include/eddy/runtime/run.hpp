// run: from a plain function into the loop and back.
#pragma once

#include <eddy/runtime/run_options.hpp>
#include <eddy/runtime/spawn.hpp>

namespace eddy::inline v1 {

namespace detail {

struct loop_state;

// A loop that drives one main task to its end.
class runner {
 public:
  explicit runner(run_options&& options);
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;
  ~runner();
  // Takes the frame over, also if it throws. The frame lives as long as this.
  void drive(std::coroutine_handle<> h, promise_base& body);
  // Frees the frame. What main's parameters held may be the last that could have joined a task:
  // throws what that failed with.
  void finish();

 private:
  loop_state* state_;
  spawned* main_ = nullptr;
};

}  // namespace detail

// Makes a loop on this thread, runs `main` on it and returns its result: asyncio.run. The result is
// withheld until all that `main` spawned has ended; detached tasks are then cancelled and awaited,
// offloaded calls that have started are waited for. Throws what `main` throws, or before that the
// first error that nobody could join (run_options::on_error); `task_cancelled` if it was cancelled
// (<eddy/runtime/cancellation.hpp>); std::logic_error if a loop runs on this thread already;
// std::system_error if the selector cannot be had, with the reason.
template <class T>
T run(task<T> main, run_options options) {
  if (!main || main.frame().promise().where) detail::throw_not_awaitable(!main);
  auto& promise = main.frame().promise();
  detail::runner runner(std::move(options));
  runner.drive(main.release(), promise);
  if constexpr (std::is_void_v<T>) {
    promise.take();
    runner.finish();
  } else {
    T result = promise.take();
    runner.finish();
    return static_cast<T&&>(result);
  }
}

template <class T>
T run(task<T> main) {
  return run(std::move(main), run_options());
}

}  // namespace eddy::inline v1
