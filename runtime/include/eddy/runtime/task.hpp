// task<T>: a lazy coroutine, what `async def` is to asyncio.
#pragma once

#include <eddy/runtime/core.hpp>
#include <new>
#include <type_traits>

namespace eddy::inline v1 {

template <class T = void>
class task;

namespace detail {

// Room for a result that may be void, a reference or move-only. Its owner knows whether it is full.
template <class T>
class result_slot {
 public:
  result_slot() noexcept {}
  result_slot(const result_slot&) = delete;
  result_slot& operator=(const result_slot&) = delete;
  ~result_slot() {
    if (full_) value_.~T();
  }
  template <class U>
  void emplace(U&& value) {
    // The cast says that `co_return 0` in a task<std::size_t> is meant.
    ::new (static_cast<void*>(&value_)) T(static_cast<T>(std::forward<U>(value)));
    full_ = true;
  }
  T take() { return std::move(value_); }

 private:
  union {
    T value_;
  };
  bool full_ = false;
};

template <class T>
class result_slot<T&> {
 public:
  result_slot() noexcept {}
  void emplace(T& value) noexcept { value_ = &value; }
  T& take() noexcept { return *value_; }

 private:
  T* value_ = nullptr;
};

template <class T>
struct task_promise final : promise_base {
  static_assert(alignof(result_slot<T>) <= 2 * sizeof(void*),
                "compilers place coroutine frames at 16 bytes: return an over-aligned result by "
                "pointer");

  task<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  T take() {
    if (failed()) rethrow();
    return result.take();
  }
  result_slot<T> result;
};

template <>
struct task_promise<void> final : promise_base {
  task<void> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void take() {
    if (failed()) rethrow();
  }
};

template <class T>
class task_awaiter {
 public:
  explicit task_awaiter(std::coroutine_handle<task_promise<T>> h) noexcept : task_(h) {}
  bool await_ready() const {
    if (!task_ || task_.promise().where) throw_not_awaitable(!task_);
    return false;
  }
  // Awaiting a task is a call: no suspension, so no cancellation point.
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> caller,
      std::source_location at = std::source_location::current()) noexcept {
    auto& promise = task_.promise();
    promise.continuation = caller;
    promise.where = caller.promise().where;
    caller.promise().at = at;
    return promise.where->loop->transfer(task_);
  }
  T await_resume() { return task_.promise().take(); }

 private:
  std::coroutine_handle<task_promise<T>> task_;
};

}  // namespace detail

// A coroutine that starts when it is awaited, in the scope of the one that awaits it, and whose
// result (a value, a reference or an exception) the await returns. Move-only; owns its frame.
//
//   task<int> twice(int n) { co_await sleep(1s); co_return 2 * n; }
//   int four = co_await twice(2);
//
// May be awaited once: a second await throws std::logic_error. A task that is never awaited is
// freed without having run. Destroying one in the middle of its run is a programming error.
// Parameters are copied into the frame; references among them must outlive the task.
template <class T>
class [[nodiscard("a task does nothing until it is awaited")]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using value_type = T;

  task() noexcept {}
  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~task() { destroy(); }

  explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

  auto operator co_await() & noexcept { return detail::task_awaiter<T>(frame_); }
  auto operator co_await() && noexcept { return detail::task_awaiter<T>(frame_); }

  // For Eddy's own combinators: the frame, still owned by the task, or given away.
  std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> h) noexcept : frame_(h) {}

  void destroy() noexcept {
    if (!frame_) return;
    auto& promise = frame_.promise();
    if (promise.where && !frame_.done() && !promise.failed()) {
      detail::destroyed_while_running(promise);
    }
    frame_.destroy();
  }

  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace detail
}  // namespace eddy::inline v1
