// generator<T>: an async generator, with co_await and co_yield inside.
#pragma once

#include <eddy/runtime/task.hpp>
#include <optional>

namespace eddy::inline v1 {

template <class T>
class generator;

namespace detail {

template <class T>
struct generator_promise final : promise_base {
  generator<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }

  // Hands control back to the one that called next().
  class back_to_caller {
   public:
    back_to_caller() noexcept {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<generator_promise> h) const noexcept {
      return h.promise().ended();
    }
    void await_resume() const noexcept {}
  };
  back_to_caller final_suspend() const noexcept { return {}; }
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  back_to_caller yield_value(U&& value) {
    current.emplace(std::forward<U>(value));
    return {};
  }
  void return_void() const noexcept {}

  std::optional<T> current;
};

template <class T>
class next_awaiter {
 public:
  explicit next_awaiter(std::coroutine_handle<generator_promise<T>> h) noexcept : generator_(h) {}
  bool await_ready() const {
    if (!generator_) throw_not_awaitable(true);
    if (generator_.promise().continuation) throw_generator_busy();
    return generator_.done();
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> caller,
      std::source_location at = std::source_location::current()) noexcept {
    auto& promise = generator_.promise();
    promise.continuation = caller;
    promise.where = caller.promise().where;
    caller.promise().at = at;
    return promise.where->loop->transfer(generator_);
  }
  std::optional<T> await_resume() {
    auto& promise = generator_.promise();
    promise.continuation = nullptr;
    if (promise.error) std::rethrow_exception(std::exchange(promise.error, nullptr));
    std::optional<T> value(std::move(promise.current));
    promise.current.reset();
    return value;
  }

 private:
  std::coroutine_handle<generator_promise<T>> generator_;
};

}  // namespace detail

// A lazy sequence whose producer may wait: `async def` with `yield`. Move-only; owns its frame.
//
//   generator<int> countdown(int n) { for (; n > 0; --n) { co_await sleep(1s); co_yield n; } }
//   auto g = countdown(3);
//   while (auto n = co_await g.next()) use(*n);
//
// The producer runs only inside next(), in the scope of the one that calls it, so a timeout around
// one next() cancels what the producer waits for. An exception leaves next() and ends the sequence.
// Destroying a generator that is suspended in a co_yield runs the destructors of its locals.
template <class T>
class [[nodiscard]] generator {
 public:
  using promise_type = detail::generator_promise<T>;
  using value_type = T;

  generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~generator() {
    if (frame_) frame_.destroy();
  }

  // The next value, or nothing when the sequence has ended. One call at a time: std::logic_error
  // while another waits.
  [[nodiscard]] auto next() noexcept { return detail::next_awaiter<T>(frame_); }

 private:
  friend promise_type;
  explicit generator(std::coroutine_handle<promise_type> h) noexcept : frame_(h) {}

  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
generator<T> generator_promise<T>::get_return_object() noexcept {
  return generator<T>(std::coroutine_handle<generator_promise>::from_promise(*this));
}

}  // namespace detail
}  // namespace eddy::inline v1
