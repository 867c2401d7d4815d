#include <eddy/runtime/gather_window.hpp>
#include <stdexcept>

namespace eddy::inline v1::detail {

void window_base::on_cancel() noexcept {
  for (window_child* c = first_; c; c = c->next) c->where.cancel();
}

std::coroutine_handle<> window_base::child_ended(nested_scope& child) noexcept {
  ended_ = static_cast<window_child*>(child.note);
  return frame;
}

// The cancellation of a scope that was cancelled by its own range, while the coroutine ran, is
// passed on here; the children that were started after it know.
bool window_base::start() noexcept {
  if (where->cancelled) on_cancel();
  park();
  return true;
}

window_child& window_base::await_resume() {
  leave();
  return *ended_;
}

void window_base::launch(window_child& child, std::coroutine_handle<> h,
                         promise_base& promise) noexcept {
  child.prev = last_;
  (last_ ? last_->next : first_) = &child;
  last_ = &child;
  ++live_;
  child.where.note = &child;
  child.where.open(*this, *where, h, promise);
  child.where.start();
}

void window_base::forget(window_child& child) noexcept {
  (child.next ? child.next->prev : last_) = child.prev;
  (child.prev ? child.prev->next : first_) = child.next;
  --live_;
}

void window_base::fail(std::exception_ptr error) noexcept {
  if (!failure_) failure_ = std::move(error);
}

void window_base::note_failure(const std::exception_ptr& error, bool kept) noexcept {
  const bool by_cancellation = is_cancellation(*where->loop, error);
  if (by_cancellation && (!kept || where->cancelled)) {
    cancelled_ = true;
  } else if (!kept) {
    fail(error);
  }
}

void window_base::finish() {
  if (failure_) std::rethrow_exception(failure_);
  if (cancelled_) throw_cancelled();
}

void throw_no_window() {
  throw std::invalid_argument("gather: a limit of 0 children at once lets none start");
}

}  // namespace eddy::inline v1::detail
