#include <cassert>
#include <eddy/sync/event.hpp>

namespace eddy::inline v1 {

event::~event() { assert(waiters_.empty() && "an event was destroyed while tasks wait for it"); }

namespace detail {

bool event_awaiter::start() noexcept {
  if (refused()) return true;
  if (event_.set_) return complete_now();
  event_.waiters_.push_back(*this);
  park();
  return true;
}

void event_awaiter::on_cancel() noexcept {
  if (state == wait_state::waiting) event_.waiters_.remove(*this);
  drop();
}

}  // namespace detail
}  // namespace eddy::inline v1
