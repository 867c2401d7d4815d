#include <eddy/runtime/race.hpp>
#include <stdexcept>

namespace eddy::inline v1::detail {

// `cancelled` thrown by hand, in a scope that is not, is an end as any other: else the race would
// wait for tasks that may never end.
std::coroutine_handle<> race_base::child_ended(nested_scope& child) noexcept {
  const bool by_itself = note_end(child);
  if (by_itself && winner_ == nobody) {
    winner_ = index_of(child);
    cancel_children();
  }
  return one_less();
}

std::size_t race_base::finish() {
  leave();
  rethrow_first_failure();
  if (winner_ == nobody) throw_cancelled();
  return winner_;
}

void throw_empty_race() {
  throw std::invalid_argument("race: there are no tasks, so none can be the first to end");
}

}  // namespace eddy::inline v1::detail
