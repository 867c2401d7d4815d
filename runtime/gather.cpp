#include <eddy/runtime/gather.hpp>

namespace eddy::inline v1::detail {

bool gather_base::begin() noexcept {
  running_ = count_;
  if (count_ == 0) return false;
  park();
  return true;
}

void gather_base::on_cancel() noexcept {
  for (std::size_t i = 0; i < count_; ++i) children_[i].cancel();
}

std::coroutine_handle<> gather_base::child_ended(nested_scope& child) noexcept {
  if (child.body->error) {
    if (is_cancellation(*child.loop, child.body->error)) {
      any_cancelled_ = true;
    } else if (!first_failure_) {
      first_failure_ = child.body;
    }
  }
  if (--running_ > 0) return std::noop_coroutine();
  return frame;
}

void gather_base::finish_settled() {
  leave();
  if (any_cancelled_ && where->cancelled) throw_cancelled(*where->loop);
}

// A child's failure comes before a cancellation of this scope: the cancellation stays pending, the
// failure would be lost.
void gather_base::finish() {
  leave();
  if (first_failure_) std::rethrow_exception(first_failure_->error);
  if (any_cancelled_) throw_cancelled(*where->loop);
}

}  // namespace eddy::inline v1::detail
