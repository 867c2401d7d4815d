#include "stop_scope.hpp"

namespace eddy::inline v1::http {

std::coroutine_handle<> stop_scope::start() noexcept {
  if (refused()) return std::noop_coroutine();
  park();
  if (stopped_) return where->loop->transfer(frame);
  running_ = true;
  body_scope_.open(*this, *where, body_.frame(), body_.frame().promise());
  return where->loop->transfer(body_.frame());
}

std::coroutine_handle<> stop_scope::child_ended(detail::nested_scope&) noexcept {
  running_ = false;
  return frame;
}

bool stop_scope::finish() {
  leave();
  if (!body_scope_.has_body()) return false;
  const std::exception_ptr error = body_scope_.body().error();
  if (stopped_ && !where->cancelled && detail::is_cancellation(*where->loop, error)) {
    return false;
  }
  body_.frame().promise().take();
  return true;
}

}  // namespace eddy::inline v1::http
