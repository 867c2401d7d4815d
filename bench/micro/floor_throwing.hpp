// The floor of cancellation: bare coroutines (floor.hpp) that pass an exception on.
#pragma once

#include <exception>

#include "floor.hpp"

namespace bare {

// A lazy coroutine that ends by itself or by an exception.
class throwing_task {
 public:
  struct promise_type : node {
    std::coroutine_handle<> continuation = std::noop_coroutine();
    std::exception_ptr error;

    throwing_task get_return_object() noexcept {
      return throwing_task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct last {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
        return h.promise().continuation;
      }
      void await_resume() const noexcept {}
    };
    last final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
  };

  throwing_task(throwing_task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  throwing_task& operator=(throwing_task&&) = delete;
  ~throwing_task() {
    if (frame_) frame_.destroy();
  }

  struct call {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
      frame.promise().continuation = caller;
      return frame;
    }
    void await_resume() const { rethrow(frame); }
  };
  call operator co_await() const noexcept { return call{frame_}; }

  void spawn() noexcept {
    frame_.promise().frame = frame_;
    loop->push(frame_.promise());
  }
  struct joining {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() const noexcept { return frame.done(); }
    void await_suspend(std::coroutine_handle<> caller) const noexcept {
      frame.promise().continuation = caller;
    }
    void await_resume() const { rethrow(frame); }
  };
  joining join() const noexcept { return joining{frame_}; }

 private:
  explicit throwing_task(std::coroutine_handle<promise_type> h) noexcept : frame_(h) {}
  static void rethrow(std::coroutine_handle<promise_type> h) {
    std::exception_ptr& error = h.promise().error;
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }
  std::coroutine_handle<promise_type> frame_;
};

// Waits until it is woken, or for an exception.
class cancellable_wait : public node {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept { frame = h; }
  void await_resume() const {
    if (error_) std::rethrow_exception(error_);
  }
  void wake() noexcept { loop->push(*this); }
  void cancel(const std::exception_ptr& error) noexcept {
    error_ = error;
    wake();
  }

 private:
  std::exception_ptr error_;
};

}  // namespace bare
