#include <cassert>
#include <eddy/sync/condition.hpp>
#include <stdexcept>

namespace eddy::inline v1 {

condition::~condition() {
  assert(waiters_.empty() && "a condition was destroyed while tasks wait for it");
}

void condition::notify_one() noexcept {
  detail::listed_waiter* first = waiters_.front();
  if (!first) return;
  waiters_.remove(*first);
  static_cast<detail::condition_wait*>(first)->notified(true);
}

void condition::notify_all() noexcept {
  while (detail::listed_waiter* first = waiters_.front()) {
    waiters_.remove(*first);
    static_cast<detail::condition_wait*>(first)->notified(false);
  }
}

void condition::require_locked(const mutex::guard& guard) {
  if (!guard) throw std::logic_error("condition: wait without the lock: the guard holds none");
}

namespace detail {

bool condition_wait::start() noexcept {
  if (refused()) return true;
  lock_ = guard_.line_;
  if (!lock_) {
    phase_ = phase::not_locked;
    return false;
  }
  const listed_waiter* first = condition_.waiters_.front();
  if (first && static_cast<const condition_wait*>(first)->lock_ != lock_) {
    phase_ = phase::other;
    return false;
  }
  guard_.line_ = nullptr;
  condition_.waiters_.push_back(*this);
  park();
  lock_->release();
  return true;
}

void condition_wait::reacquire() noexcept {
  if (lock_->try_take()) {
    wake();
  } else {
    lock_->join(*this);
  }
}

void condition_wait::notified(bool passes_on) noexcept {
  phase_ = passes_on ? phase::notified_alone : phase::notified;
  reacquire();
}

bool condition_wait::give_up() noexcept {
  if (phase_ != phase::waits) return false;
  condition_.waiters_.remove(*this);
  phase_ = phase::gave_up;
  reacquire();
  return true;
}

// It stays in the mutex's line, or keeps the lock it was given: it must not go on without.
void condition_wait::on_cancel() noexcept {
  cancelled_ = true;
  if (give_up()) return;
  if (phase_ == phase::notified_alone) condition_.notify_one();
}

void condition_wait::finish() {
  leave();  // throws if the scope was cancelled before: the lock was never given back
  if (phase_ == phase::not_locked) condition::require_locked(guard_);
  if (phase_ == phase::other) {
    throw std::logic_error("condition: wait with another mutex than those use that wait already");
  }
  guard_ = held_permit(*lock_);
  if (cancelled_) throw_cancelled();
}

bool timed_condition_wait::start() noexcept {
  if (!condition_wait::start()) return false;
  if (state != wait_state::waiting) return true;
  if (until_.immediate()) {
    fire();
  } else if (!until_.arm(*where->loop, *this)) {
    out_of_memory = true;
    fire();
  }
  return true;
}

void timed_condition_wait::on_cancel() noexcept {
  disarm(*where->loop, *this);
  condition_wait::on_cancel();
}

bool timed_condition_wait::await_resume() {
  disarm(*where->loop, *this);
  finish();
  if (out_of_memory) throw_no_memory();
  return in_time_;
}

}  // namespace detail
}  // namespace eddy::inline v1
