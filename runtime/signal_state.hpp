// The signals of one loop: its sets, and SIGINT for cancel_on_interrupt.
#pragma once

#include <eddy/runtime/signals.hpp>
#include <optional>

#include "selector/signals.hpp"

namespace eddy::inline v1::detail {

class engine;
class loop_signals;

// What a signal_set and the awaiters of its next() share; counted, as an awaiter that was granted a
// signal may have to give it back after the set has gone.
struct signal_state {
  signal_state(loop_signals& loop, loop_core& core);
  signal_state(const signal_state&) = delete;
  signal_state& operator=(const signal_state&) = delete;

  // Gives what is pending to those who wait.
  void deliver() noexcept;
  int take() noexcept;
  void put_back(int signal) noexcept;
  void end() noexcept;
  void let_go() noexcept {
    if (--references == 0) delete this;
  }

  signal_watch watch;
  wait_list waiting;
  loop_signals* home;  // null once the set or the loop has ended
  loop_core* loop;
  signal_state* prev = nullptr;
  signal_state* next = nullptr;
  unsigned references = 1;
  int last = 0;  // the signal taken last: those with higher numbers are next

 private:
  ~signal_state() = default;
};

class loop_signals {
 public:
  explicit loop_signals(engine& wakes) noexcept;
  loop_signals(const loop_signals&) = delete;
  loop_signals& operator=(const loop_signals&) = delete;
  ~loop_signals() { end(); }

  // False if another loop of the process does so already.
  bool watch_interrupt() noexcept;
  bool interrupt_seen() const noexcept;
  // After each wait of the engine: whether any signal has come for this loop. Costs an atomic load
  // if none has.
  bool came() noexcept {
    if (!bell_.rung()) return false;
    deliver();
    return true;
  }
  // No signal reaches the loop any more.
  void end() noexcept;

 private:
  friend struct signal_state;
  void deliver() noexcept;

  signal_bell bell_;
  std::optional<signal_watch> interrupt_;
  signal_state* first_ = nullptr;
};

}  // namespace eddy::inline v1::detail
