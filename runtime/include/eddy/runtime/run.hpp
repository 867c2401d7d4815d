// run: from a plain function into the loop and back.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>

namespace eddy::inline v1 {

struct detail_run_access;

// How a loop behaves. Chained setters; each says its default.
class run_options {
 public:
  run_options() noexcept {}

  // SIGINT cancels the main task; `run` then throws `interrupted`. A second SIGINT has its default
  // effect again, unless a signal_set has it. Off by default. One loop of a process at a time may
  // use it.
  run_options& cancel_on_interrupt(bool on = true) & noexcept {
    cancel_on_interrupt_ = on;
    return *this;
  }
  run_options&& cancel_on_interrupt(bool on = true) && noexcept {
    return std::move(cancel_on_interrupt(on));
  }
  // Called on the loop's thread with each error that no one can join any more: of detached tasks,
  // of tasks whose handle was dropped, of posted functions. By default the first one cancels the
  // main task and leaves `run`.
  run_options& on_error(callable<void(std::exception_ptr)> handler) & noexcept {
    on_error_ = std::move(handler);
    return *this;
  }
  run_options&& on_error(callable<void(std::exception_ptr)> handler) && noexcept {
    return std::move(on_error(std::move(handler)));
  }
  // The most threads that `offload` and `file` use; default: cores + 4, at most 32.
  run_options& offload_threads(unsigned most) & noexcept {
    offload_threads_ = most;
    return *this;
  }
  run_options&& offload_threads(unsigned most) && noexcept {
    return std::move(offload_threads(most));
  }
  // The most threads that resolve names at once; default 4.
  run_options& resolver_threads(unsigned most) & noexcept {
    resolver_threads_ = most;
    return *this;
  }
  run_options&& resolver_threads(unsigned most) && noexcept {
    return std::move(resolver_threads(most));
  }
  // Buffers that receive() leases from, made when first used: how many, of how many bytes each.
  // Defaults 128 and 16 KiB; the count is rounded up to a power of two. When all are leased out,
  // receive() takes blocks from the heap.
  run_options& receive_buffers(unsigned count, std::size_t bytes) & noexcept {
    buffer_count_ = count;
    buffer_bytes_ = bytes;
    return *this;
  }
  run_options&& receive_buffers(unsigned count, std::size_t bytes) && noexcept {
    return std::move(receive_buffers(count, bytes));
  }
  // Entries of the submission ring of an io_uring selector, a power of two; default 256.
  run_options& ring_entries(unsigned entries) & noexcept {
    ring_entries_ = entries;
    return *this;
  }
  run_options&& ring_entries(unsigned entries) && noexcept {
    return std::move(ring_entries(entries));
  }

 private:
  friend struct detail_run_access;
  callable<void(std::exception_ptr)> on_error_;
  std::size_t buffer_bytes_ = 16 * 1024;
  unsigned buffer_count_ = 128;
  unsigned offload_threads_ = 0;
  unsigned resolver_threads_ = 4;
  unsigned ring_entries_ = 256;
  bool cancel_on_interrupt_ = false;
};

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

 private:
  loop_state* state_;
  spawned* main_ = nullptr;
};

}  // namespace detail

// Makes a loop on this thread, runs `main` on it and returns its result: asyncio.run. The result is
// withheld until all that `main` spawned has ended; detached tasks are then cancelled and awaited,
// offloaded calls that have started are waited for. Throws what `main` throws, or before that the
// first error that nobody could join (run_options::on_error); `task_cancelled` if it was cancelled;
// std::logic_error if a loop runs on this thread already; std::system_error if the selector cannot
// be had, with the reason.
template <class T>
T run(task<T> main, run_options options) {
  if (!main || main.frame().promise().where) detail::throw_not_awaitable(!main);
  auto& promise = main.frame().promise();
  detail::runner runner(std::move(options));
  runner.drive(main.release(), promise);
  return promise.take();
}

template <class T>
T run(task<T> main) {
  return run(std::move(main), run_options());
}

}  // namespace eddy::inline v1
