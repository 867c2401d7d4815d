#include <cassert>
#include <eddy/sync/barrier.hpp>
#include <string>

namespace eddy::inline v1 {

barrier::barrier(std::size_t parties) : parties_(parties) {
  if (parties == 0) throw std::invalid_argument("barrier: 0 parties; there must be at least 1");
}

barrier::~barrier() {
  assert(waiters_.empty() && "a barrier was destroyed while tasks wait at it");
}

void barrier::abort() noexcept {
  broken_ = true;
  end_all(outcome::aborted);
}

void barrier::reset() noexcept {
  broken_ = false;
  end_all(outcome::reset);
}

void barrier::end_all(outcome how) noexcept {
  for (std::size_t index = 0; detail::listed_waiter* first = waiters_.front(); ++index) {
    waiters_.remove(*first);
    static_cast<detail::barrier_wait*>(first)->end(how, index);
  }
}

namespace detail {

void barrier_wait::end(outcome how, std::size_t index) noexcept {
  outcome_ = how;
  index_ = index;
  wake();
}

bool barrier_wait::start() noexcept {
  if (refused()) return true;
  if (barrier_.broken_) {
    outcome_ = outcome::aborted;
    return complete_now();
  }
  index_ = barrier_.waiters_.size();
  if (index_ + 1 < barrier_.parties_) {
    barrier_.waiters_.push_back(*this);
    park();
    return true;
  }
  outcome_ = outcome::tripped;
  ++barrier_.trips_;
  barrier_.end_all(outcome::tripped);
  return complete_now();
}

void barrier_wait::withdraw() noexcept { barrier_.waiters_.remove(*this); }

void barrier_wait::on_cancel() noexcept {
  if (outcome_ == outcome::tripped) return;
  if (state == wait_state::waiting) withdraw();
  drop();
}

std::size_t barrier_wait::await_resume() {
  leave();
  if (outcome_ == outcome::tripped) return index_;
  throw broken_barrier("the barrier of " + std::to_string(barrier_.parties_) + " parties was " +
                       (outcome_ == outcome::reset ? "reset" : "aborted"));
}

}  // namespace detail
}  // namespace eddy::inline v1
