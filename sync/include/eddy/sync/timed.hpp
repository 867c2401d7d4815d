// What co_await calls of this module's waits, without a limit and with one.
#pragma once

#include <eddy/runtime/deadline.hpp>

namespace eddy::inline v1::detail {

// A Wait is a listed_waiter with
//   bool start() noexcept       begins the wait: refused(), then complete_now() or park()
//   void withdraw() noexcept    leaves the line; called while it waits. If it is bool, false says
//                               that it was granted meanwhile, and will end by itself
//   await_resume()              what it brings
//   using timed_result          the same, or by default "the limit came first"; void is bool
// Its destructor is protected: what is awaited is one of the two below.
//
// One that often need not wait may say start() in three parts, so that who does not suspend writes
// down neither where nor for whom:
//   bool take() noexcept        what it waits for is there, and is its own now
//   void keep() noexcept        it was taken, but the budget of the turn is spent: it suspends
//   bool stand() noexcept       it is not there: the rest of start()
// One that reads none of its fields as a timer may leave them unset: untimed does not read them,
// timed sets them.
template <class Wait>
class untimed final : public awaited<untimed<Wait>, Wait> {
 public:
  template <class... Args>
  explicit untimed(Args&&... args) : awaited<untimed<Wait>, Wait>(std::forward<Args>(args)...) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    if constexpr (requires { &untimed::take; }) {
      scope& s = *h.promise().where;
      const bool taken = !s.cancelled && this->take();
      if (taken && --s.loop->budget > 0) {
        this->state = wait_state::idle;  // as enter() does
        return false;
      }
      this->enter(h, at);
      if (!taken) return this->refused() || this->stand();
      this->keep();
      this->postpone();
      return true;
    } else {
      this->enter(h, at);
      return this->start();
    }
  }
};

// Ends when `until` comes. What is granted in the turn in which the limit comes, also before the
// coroutine has run, is kept: a value beats the limit.
template <class Wait>
class timed final : public awaited<timed<Wait>, Wait> {
 public:
  template <class... Args>
  explicit timed(limit until, Args&&... args)
      : awaited<timed<Wait>, Wait>(std::forward<Args>(args)...), until_ns_(until.ns()) {
    this->set_unarmed();
    this->relative = until.relative();
  }

  bool start() noexcept {
    if (!Wait::start()) return false;
    if (this->state != wait_state::waiting) return true;
    const limit until = limit::of(until_ns_, this->relative);
    if (until.immediate()) {
      fire();
    } else if (!until.arm(*this->where->loop, *this)) {
      this->out_of_memory = true;
      fire();
    }
    return true;
  }

  void fire() noexcept override {
    if (this->state != wait_state::waiting) return;
    if constexpr (std::is_same_v<decltype(this->withdraw()), bool>) {
      if (!this->withdraw()) return;
    } else {
      this->withdraw();
    }
    this->limit_came = true;
    this->wake();
  }

  void on_cancel() noexcept override {
    disarm(*this->where->loop, *this);
    if (this->limit_came) {
      this->drop();  // it was granted nothing that others could have
    } else {
      Wait::on_cancel();
    }
  }

  typename Wait::timed_result await_resume() {
    disarm(*this->where->loop, *this);
    if (this->limit_came) {
      this->leave();
      if (this->out_of_memory) throw_no_memory();
      return {};
    }
    if constexpr (std::is_void_v<decltype(Wait::await_resume())>) {
      Wait::await_resume();
      return true;
    } else {
      return typename Wait::timed_result(Wait::await_resume());
    }
  }

  std::uint64_t& arming() noexcept override { return arming_; }

 private:
  union {
    std::int64_t until_ns_;  // until it is armed
    std::uint64_t arming_;
  };
};

}  // namespace eddy::inline v1::detail
