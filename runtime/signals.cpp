#include <cerrno>
#include <eddy/runtime/operation.hpp>
#include <eddy/runtime/signals.hpp>
#include <stdexcept>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

void wake_engine(void* context) noexcept { static_cast<engine*>(context)->wake(); }

}  // namespace

loop_signals::loop_signals(engine& wakes) noexcept : bell_(wake_engine, &wakes) {}

bool loop_signals::watch_interrupt() noexcept {
  interrupt_.emplace(bell_, signal_watch::mode::once);
  return interrupt_->add(interrupt_signal) == 0;
}

bool loop_signals::interrupt_seen() const noexcept {
  return interrupt_ && interrupt_->is_pending(interrupt_signal);
}

void loop_signals::deliver() noexcept {
  for (signal_state* s = first_; s; s = s->next) s->deliver();
}

void loop_signals::end() noexcept {
  interrupt_.reset();
  while (first_) first_->end();
}

signal_state::signal_state(loop_signals& signals, loop_core& core)
    : watch(signals.bell_), home(&signals), loop(&core), next(signals.first_) {
  if (next) next->prev = this;
  signals.first_ = this;
}

int signal_state::take() noexcept {
  const int signal = watch.take(last);
  if (signal) last = signal;
  return signal;
}

void signal_state::deliver() noexcept {
  while (waiting.front()) {
    const int signal = take();
    if (!signal) return;
    auto& first = static_cast<signal_awaiter&>(*waiting.front());
    first.signal_ = signal;
    waiting.wake_one();
  }
}

void signal_state::put_back(int signal) noexcept {
  if (!home) return;
  watch.put_back(signal);
  deliver();
}

void signal_state::end() noexcept {
  if (!home) return;
  watch.stop();
  (prev ? prev->next : home->first_) = next;
  if (next) next->prev = prev;
  home = nullptr;
  while (waiting.wake_one()) {
  }
}

// Held until await_resume, which follows each start.
bool signal_awaiter::start() noexcept {
  if (refused()) return true;
  if (!state_ || state_->loop != where->loop) {
    verdict_ = state_ ? verdict::elsewhere : verdict::empty;
    return false;
  }
  if (!state_->home) return false;
  holds_ = true;
  ++state_->references;
  state_->deliver();
  if (state_->waiting.empty()) {
    signal_ = state_->take();
    if (signal_) return complete_now();
  }
  park();
  state_->waiting.push_back(*this);
  return true;
}

void signal_awaiter::on_cancel() noexcept {
  if (state == wait_state::waiting) state_->waiting.remove(*this);
  if (signal_) state_->put_back(std::exchange(signal_, 0));
  drop();
}

int signal_awaiter::await_resume() {
  if (holds_) state_->let_go();
  leave();
  if (signal_) return signal_;
  if (verdict_ == verdict::empty) {
    throw std::logic_error("next() of a signal_set that was moved from");
  }
  if (verdict_ == verdict::elsewhere) throw std::logic_error("next() of another loop's signal_set");
  throw_os_error(-ECANCELED, "wait for a signal: the signal_set or its loop has ended", nullptr);
}

}  // namespace detail

signal_set::signal_set() {
  detail::loop_core& core = detail::require_loop("signal_set");
  state_ = new detail::signal_state(detail::state_of(core).signals, core);
}

signal_set& signal_set::add(int signal) {
  if (!state_) throw std::logic_error("add() to a signal_set that was moved from");
  if (!state_->home) throw std::logic_error("add() to a signal_set whose loop has ended");
  const std::string what = "signal_set: signal " + std::to_string(signal);
  if (const char* why = detail::signal_watch::why_not(signal)) {
    throw std::invalid_argument(what + ": " + why);
  }
  const int failed = state_->watch.add(signal);
  if (failed) detail::throw_os_error(failed, what.c_str(), nullptr);
  return *this;
}

std::optional<int> signal_set::try_next() {
  if (!state_) throw std::logic_error("try_next() of a signal_set that was moved from");
  state_->deliver();
  const int signal = state_->take();
  if (!signal) return std::nullopt;
  return signal;
}

void signal_set::end() noexcept {
  if (!state_) return;
  state_->end();
  std::exchange(state_, nullptr)->let_go();
}

}  // namespace eddy::inline v1
