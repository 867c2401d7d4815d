#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/finally.hpp>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1::detail {

std::coroutine_handle<> finally_base::start(std::coroutine_handle<> h,
                                            promise_base& promise) noexcept {
  park();
  if (where->cancelled) return where->loop->transfer(start_cleanup());
  body_scope_.open(*this, *where, h, promise);
  return where->loop->transfer(h);
}

// Without memory for a timer it runs without its limit: better than not at all.
std::coroutine_handle<> finally_base::start_cleanup() noexcept {
  (void)until_.arm(*where->loop, *this);
  const auto h = cleanup_.frame();
  cleanup_scope_.open_shielded(*this, *where, h, h.promise());
  return h;
}

std::coroutine_handle<> finally_base::child_ended(nested_scope& child) noexcept {
  if (&child == &body_scope_) return start_cleanup();
  disarm(*where->loop, *this);
  return frame;
}

void finally_base::fire() noexcept {
  fired_ = true;
  cleanup_scope_.cancel();
}

std::exception_ptr finally_base::cleanup_failure() {
  const std::exception_ptr error = cleanup_scope_.body().error();
  if (!fired_ || !is_cancellation(*where->loop, error)) return error;
  return std::make_exception_ptr(
      timeout_error("finally: the clean-up has not ended within " + seconds_of(until_) +
                    ", and was cancelled"));
}

void finally_base::finish() {
  leave();
  const bool body_ran = body_scope_.opened();
  const std::exception_ptr failure = cleanup_failure();
  if (failure) {
    if (body_ran && !body_scope_.body().failed()) std::rethrow_exception(failure);
    state_of(*where->loop).report(failure);
  }
  if (!body_ran) throw_cancelled();
}

}  // namespace eddy::inline v1::detail
