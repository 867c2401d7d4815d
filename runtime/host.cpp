// The loop as its user holds it: the one that runs, and the one that a host drives.
#include <eddy/runtime/loop.hpp>
#include <stdexcept>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1 {

loop::loop(run_options options) : state_(nullptr), hosted_(true) {
  if (detail_run_access::cancels_on_interrupt(options)) {
    throw std::invalid_argument(
        "loop: cancel_on_interrupt cancels the main task of `run`, and this has none; watch SIGINT "
        "with a signal_set");
  }
  state_ = detail_run_access::make(std::move(options), this);
  handle_ = state_->handle;
  (void)state_->mail->may_sleep();
}

loop::~loop() {
  if (!hosted_) return;
  try {
    close();
  } catch (...) {  // close() was the place to get it
  }
}

loop& loop::current() {
  return *detail::state_of(detail::require_loop("loop::current")).face;
}

detail::loop_state& loop::driven(const char* what) const {
  if (!state_) throw std::logic_error(std::string(what) + ": the loop is closed");
  if (detail::current_loop() != state_) {
    throw std::logic_error(std::string(what) + ": this is not the thread that made the loop");
  }
  return *state_;
}

detail::spawned* loop::start(std::coroutine_handle<> h, detail::promise_base& body,
                             std::string_view name) {
  return detail::spawned::create(driven("loop::spawn"), h, body, nullptr, name);
}

bool loop::poll_for(std::int64_t timeout_ns) {
  detail::loop_state& state = driven("loop::poll_once");
  if (!hosted_) throw std::logic_error("loop::poll_once: `run` drives this loop");
  if (state.polling) throw std::logic_error("loop::poll_once: called inside a turn of the loop");
  state.poll(timeout_ns);
  return state.roots != nullptr;
}

std::optional<std::chrono::nanoseconds> loop::next_timeout() const {
  const std::int64_t ns = driven("loop::next_timeout").idle_time();
  if (ns == detail::never_ns) return std::nullopt;
  return std::chrono::nanoseconds(ns);
}

int loop::backend_fd() { return driven("loop::backend_fd").selector.descriptor(); }

void loop::close() {
  if (hosted_ && !state_) return;
  detail::loop_state& state = driven("loop::close");
  if (!hosted_) throw std::logic_error("loop::close: `run` drives this loop");
  if (state.polling) throw std::logic_error("loop::close: called inside a turn of the loop");
  state.polling = true;
  state.end_everything();
  const std::exception_ptr error = state.first_error;
  delete std::exchange(state_, nullptr);
  if (error) std::rethrow_exception(error);
}

std::string_view selector_name() noexcept { return detail::engine::name(); }

}  // namespace eddy::inline v1
