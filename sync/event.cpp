#include <cassert>
#include <eddy/sync/event.hpp>

namespace eddy::inline v1 {

event::~event() { assert(waiters_.empty() && "an event was destroyed while tasks wait for it"); }

namespace detail {

bool event_wait::start() noexcept {
  if (refused()) return true;
  if (event_.set_) return complete_now();
  event_.waiters_.push_back(*this);
  park();
  return true;
}

void event_wait::on_cancel() noexcept {
  if (state == wait_state::waiting) withdraw();
  drop();
}

void event_wait::withdraw() noexcept { event_.waiters_.remove(*this); }

}  // namespace detail
}  // namespace eddy::inline v1
