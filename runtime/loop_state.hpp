// Everything of one loop. The part that awaiters touch inline is its base, loop_core.
#pragma once

#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <optional>
#include <string>

#include "selector/lane.hpp"
#include "mailbox.hpp"
#include "selector/engine.hpp"
#include "signal_state.hpp"
#include "timer_heap.hpp"

namespace eddy::inline v1 {

struct detail_loop_access {
  static loop* make(detail::loop_state& of, const loop_handle& h) { return new loop(of, h); }
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
  // `host` is null for the loop of `run`.
  loop_state(loop_settings&& s, loop* host);
  loop_state(const loop_state&) = delete;
  loop_state& operator=(const loop_state&) = delete;
  ~loop_state();

  // One turn; runtime/README.md lists its steps.
  void turn();
  // One turn for a host that drives the loop; then everything that was begun is with the kernel,
  // and whoever sends mail wakes the engine. Throws first_error.
  void poll(std::int64_t timeout_ns);
  // Nanoseconds until the next turn is needed, if the engine has nothing to say; or never_ns.
  std::int64_t idle_time() const noexcept;
  // Turns until the main task has ended.
  void run_main(spawned& task);
  // Cancels and awaits what is left, in a defined order.
  void end_everything();
  // An error that no one can join.
  void report(std::exception_ptr error) noexcept;
  // An error that came after another one, which somebody has got: it does not cancel main.
  void report_further(std::exception_ptr error) noexcept;

  loop_settings settings;
  engine selector;
  loop_signals signals;
  timer_heap timers;
  mailbox* mail;
  loop_handle handle;
  std::unique_ptr<loop> own_face;
  loop* face;
  lane offloads;
  lane names;
  spawned* roots = nullptr;    // tasks without a parent: main and the detached
  spawned* retired = nullptr;  // ended, without a handle: not freed in their own last step
  spawned* main_task = nullptr;
  std::exception_ptr first_error;  // what on_error would have got, if there is no handler
  std::exception_ptr further_error;
  bool interrupted = false;
  bool ending = false;  // main has ended: what starts now is born cancelled
  bool polling = false;  // in poll(), or at the end of a host's loop
  // Whatever resumes now with something from the engine was told of it after this: the time right
  // after the last poll before which nothing was left to run. Older than that, never younger.
  std::int64_t polled_ns = 0;

 private:
  bool ended() const noexcept;
  void deliver_mail() noexcept;
  void run_ready();
  void resume(ready_node& node);
  bool finish_step() noexcept;
  void start(scope& where);
  void start_otherwise(scope& where);
  void wait(std::int64_t limit_ns);
  void expire() noexcept;
  void free_retired() noexcept;
  // Whether on_error has taken it; if that throws, `error` is what it threw.
  bool handled(std::exception_ptr& error) noexcept;

  bool all_ran_ = false;  // before the last poll
};

}  // namespace detail

struct detail_run_access {
  static bool cancels_on_interrupt(const run_options& o) noexcept { return o.cancel_on_interrupt_; }
  static detail::loop_state* make(run_options&& o, loop* host) {
    return new detail::loop_state(
        detail::loop_settings{std::move(o.on_error_),
                              {o.buffer_bytes_, o.buffer_count_, o.ring_entries_},
                              o.offload_threads_,
                              o.resolver_threads_,
                              o.cancel_on_interrupt_},
        host);
  }
};

namespace detail {

inline loop_state& state_of(loop_core& core) noexcept { return static_cast<loop_state&>(core); }
inline engine& engine_of(loop_core& core) noexcept { return state_of(core).selector; }
inline lane& names_lane_of(loop_core& core) noexcept { return state_of(core).names; }
// Frees a buffer that has outlived its loop, as far as the loop has not taken it along.
void free_without_loop(std::byte* data, std::uint32_t buffer) noexcept;
// The scope has swallowed very many cancellations: tell who, once.
void report_ignored_cancellation(scope& where) noexcept;
// A limit that is a duration, as messages show it: 0.020 s.
std::string seconds_of(limit until);

}  // namespace detail
}  // namespace eddy::inline v1
