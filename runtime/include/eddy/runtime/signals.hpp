// Signals of the operating system, as something to wait for.
#pragma once

#include <concepts>
#include <eddy/runtime/wait_list.hpp>
#include <optional>

namespace eddy::inline v1 {
namespace detail {

struct signal_state;

class signal_awaiter final : public listed_waiter {
 public:
  explicit signal_awaiter(signal_state* set) noexcept : state_(set) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  int await_resume();
  void on_cancel() noexcept override;

 private:
  friend struct signal_state;
  enum class verdict : std::uint8_t { waits, empty, elsewhere };
  bool start() noexcept;

  signal_state* state_;
  int signal_ = 0;  // what was granted; 0: the set was destroyed
  verdict verdict_ = verdict::waits;
  bool holds_ = false;
};

}  // namespace detail

// Some signals, which arrive here instead of what they would do otherwise: asyncio's
// add_signal_handler, as a stream. Their numbers are those of <csignal>.
//
//   signal_set stop(SIGINT, SIGTERM);
//   int which = co_await stop.next();
//
// From add() on, a signal of the set is kept until it is taken, by next() or try_next(). As in the
// kernel it is kept once: signals that come again before that are one with it, real-time ones as
// well. When several are there they are taken in turns, by their numbers.
//
// Any number of sets, in loops of any threads, may have the same signal, and each gets it. When the
// last of them is destroyed, the disposition comes back that the first one found. Nobody else
// should change it meanwhile. A signal that every thread blocks arrives nowhere. While a set has
// SIGINT, a second one does not end the process (run_options::cancel_on_interrupt).
//
// Move-only; belongs to its loop's thread. Several coroutines may wait in next(); each signal goes
// to the one that has waited longest. Destroying the set ends their waits with
// std::system_error(operation_canceled); moving it does not disturb them. A set that outlives its
// loop gets nothing more.
class signal_set {
 public:
  // Throws std::logic_error outside a loop; else as add().
  signal_set();
  template <std::same_as<int>... More>
  explicit signal_set(int first, More... more) : signal_set() {
    add(first);
    (add(more), ...);
  }
  signal_set(signal_set&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  signal_set& operator=(signal_set&& other) noexcept {
    if (this != &other) {
      end();
      state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
  }
  ~signal_set() { end(); }

  // Once more is the same as once. std::invalid_argument, with the reason, for what cannot be
  // waited for: SIGKILL, SIGSTOP, the faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL), and numbers that
  // are no signal's, or above 64.
  signal_set& add(int signal);

  // The number of the next signal. Cancellation point without effect: what was not taken stays.
  [[nodiscard]] detail::signal_awaiter next() noexcept { return detail::signal_awaiter(state_); }
  // One that is there and that no waiting next() gets, if any.
  [[nodiscard]] std::optional<int> try_next();

 private:
  void end() noexcept;

  detail::signal_state* state_ = nullptr;
};

}  // namespace eddy::inline v1
