#include <eddy/runtime/siblings.hpp>

namespace eddy::inline v1::detail {

bool siblings::begin(nested_scope* first, std::size_t count) noexcept {
  children_ = first;
  count_ = count;
  running_ = count;
  if (count == 0) return false;
  park();
  return true;
}

void siblings::cancel_children() noexcept {
  for (std::size_t i = 0; i < count_; ++i) children_[i].cancel();
}

bool siblings::note_end(nested_scope& child) noexcept {
  const std::exception_ptr error = child.body().error();
  if (!error) return true;
  if (is_cancellation(*child.loop, error)) {
    any_cancelled_ = true;
    return !child.cancelled;
  }
  if (!first_failure_) first_failure_ = &child.body();
  return true;
}

std::coroutine_handle<> siblings::one_less() noexcept {
  if (--running_ > 0) return std::noop_coroutine();
  return frame;
}

}  // namespace eddy::inline v1::detail
