#include <eddy/runtime/gather.hpp>

namespace eddy::inline v1::detail {

std::coroutine_handle<> gather_base::child_ended(nested_scope& child) noexcept {
  note_end(child);
  return one_less();
}

void gather_base::finish_settled() {
  leave();
  if (any_cancelled() && where->cancelled) throw_cancelled();
}

// A child's failure comes before a cancellation of this scope: the cancellation stays pending, the
// failure would be lost.
void gather_base::finish() {
  leave();
  rethrow_first_failure();
  if (any_cancelled()) throw_cancelled();
}

}  // namespace eddy::inline v1::detail
