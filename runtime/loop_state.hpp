// Everything of one loop. The part that awaiters touch inline is its base, loop_core.
#pragma once

#include <eddy/runtime/run.hpp>
#include <optional>

#include "lane.hpp"
#include "mailbox.hpp"
#include "selector/engine.hpp"
#include "signal_state.hpp"
#include "timer_heap.hpp"

namespace eddy::inline v1 {

struct detail_loop_access {
  static loop* make(const loop_handle& h) { return new loop(h); }
};

namespace detail {

struct loop_settings {
  callable<void(std::exception_ptr)> on_error;
  engine_options selector;
  unsigned offload_threads;
  unsigned resolver_threads;
  bool cancel_on_interrupt;
};

struct loop_state final : loop_core {
  explicit loop_state(loop_settings&& s);
  loop_state(const loop_state&) = delete;
  loop_state& operator=(const loop_state&) = delete;
  ~loop_state();

  // One turn; runtime/README.md lists its steps.
  void turn();
  // Turns until the main task has ended.
  void run_main(spawned& task);
  // Cancels and awaits what is left, in a defined order.
  void end_everything();
  // An error that no one can join.
  void report(std::exception_ptr error) noexcept;

  loop_settings settings;
  engine selector;
  loop_signals signals;
  timer_heap timers;
  mailbox* mail;
  std::unique_ptr<loop> face;
  lane offloads;
  lane names;
  spawned* roots = nullptr;    // tasks without a parent: main and the detached
  spawned* retired = nullptr;  // ended, without a handle: not freed in their own last step
  spawned* main_task = nullptr;
  std::exception_ptr first_error;  // what on_error would have got, if there is no handler
  bool interrupted = false;
  bool ending = false;  // main has ended: what starts now is born cancelled

 private:
  bool ended() const noexcept;
  void deliver_mail() noexcept;
  void run_ready();
  void resume(ready_node& node);
  void wait();
  void expire() noexcept;
  void free_retired() noexcept;
};

}  // namespace detail

struct detail_run_access {
  static detail::loop_state* make(run_options&& o) {
    return new detail::loop_state(detail::loop_settings{
        std::move(o.on_error_),
        {o.buffer_bytes_, o.buffer_count_, o.ring_entries_},
        o.offload_threads_,
        o.resolver_threads_,
        o.cancel_on_interrupt_});
  }
};

namespace detail {

inline loop_state& state_of(loop_core& core) noexcept { return static_cast<loop_state&>(core); }
inline engine& engine_of(loop_core& core) noexcept { return state_of(core).selector; }
inline lane& names_lane_of(loop_core& core) noexcept { return state_of(core).names; }

}  // namespace detail
}  // namespace eddy::inline v1
