// What tests order themselves by: closed, it holds those who await it; open, it lets everyone
// through. A wait that was woken and then cancelled counts as cancelled.
#pragma once

#include <eddy/runtime/wait_list.hpp>
#include <source_location>

class gate {
 public:
  class awaiter final : public eddy::detail::listed_waiter {
   public:
    explicit awaiter(gate& g) noexcept : gate_(g) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h,
                       std::source_location at = std::source_location::current()) noexcept {
      enter(h, at);
      if (refused()) return true;
      if (gate_.open_) return complete_now();
      park();
      gate_.waiting_.push_back(*this);
      return true;
    }
    void await_resume() { leave(); }
    void on_cancel() noexcept override {
      if (state == eddy::detail::wait_state::waiting) gate_.waiting_.remove(*this);
      drop();
    }

   private:
    gate& gate_;
  };

  [[nodiscard]] awaiter wait() noexcept { return awaiter(*this); }
  void open() noexcept {
    open_ = true;
    while (waiting_.wake_one()) {
    }
  }
  // Lets one through, without opening; false if nobody waits.
  bool admit_one() noexcept { return waiting_.wake_one(); }
  bool is_open() const noexcept { return open_; }
  std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  eddy::detail::wait_list waiting_;
  bool open_ = false;
};
