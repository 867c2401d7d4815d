#include <cassert>
#include <eddy/sync/rw_lock.hpp>

namespace eddy::inline v1 {

rw_lock::~rw_lock() {
  assert(waiters_.empty() && "an rw_lock was destroyed while tasks wait for it");
}

void rw_lock::unlock(bool exclusive) noexcept {
  if (exclusive) {
    writing_ = false;
  } else {
    --readers_;
  }
  serve();
}

void rw_lock::serve() noexcept {
  while (detail::listed_waiter* first = waiters_.front()) {
    const bool exclusive = static_cast<detail::rw_wait*>(first)->exclusive();
    if (!is_free_for(exclusive)) return;
    take(exclusive);
    waiters_.wake_one();
  }
}

namespace detail {

bool rw_wait::start() noexcept {
  if (refused()) return true;
  if (lock_.try_take(exclusive_)) return complete_now();
  lock_.waiters_.push_back(*this);
  park();
  return true;
}

// A writer that leaves may have been all that stopped the readers behind it.
void rw_wait::withdraw() noexcept {
  lock_.waiters_.remove(*this);
  lock_.serve();
}

void rw_wait::on_cancel() noexcept {
  if (state == wait_state::waiting) {
    withdraw();
    drop();
    return;
  }
  drop();
  lock_.unlock(exclusive_);
}

}  // namespace detail
}  // namespace eddy::inline v1
