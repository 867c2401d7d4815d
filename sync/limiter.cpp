#include <cassert>
#include <eddy/sync/limiter.hpp>
#include <stdexcept>
#include <string>

namespace eddy::inline v1 {

namespace {

constexpr std::size_t most_units = PTRDIFF_MAX / sizeof(std::int64_t);

}  // namespace

limiter::limiter(std::size_t most, std::int64_t interval_ns, int)
    : interval_(interval_ns), times_(nullptr), most_(most) {
  if (most == 0) throw std::invalid_argument("limiter: 0 units; there must be at least 1");
  if (most > most_units) {
    throw std::invalid_argument("limiter: " + std::to_string(most) + " units; the most are " +
                                std::to_string(most_units));
  }
  if (interval_ns <= 0) throw std::invalid_argument("limiter: an interval must be above 0");
  times_ = new std::int64_t[most];
}

limiter::~limiter() {
  assert(waiters_.empty() && "a limiter was destroyed while tasks wait for it");
  delete[] times_;
}

std::size_t limiter::checked(std::size_t n) const {
  if (n == 0 || n > most_) {
    throw std::invalid_argument("limiter: " + std::to_string(n) + " units at once; 1 to " +
                                std::to_string(most_) + " can be had");
  }
  return n;
}

std::int64_t& limiter::time_of(std::size_t i) const noexcept {
  const std::size_t to_end = most_ - first_;
  return times_[i < to_end ? first_ + i : i - to_end];
}

void limiter::forget_old(std::int64_t now) noexcept {
  while (used_ > 0 && detail::deadline_after(time_of(0), interval_) <= now) {
    if (++first_ == most_) first_ = 0;
    --used_;
  }
}

// The clock is only read when it matters.
bool limiter::is_available(std::size_t n) noexcept {
  if (available() < n) forget_old(detail::now_ns(*loop_));
  return available() >= n;
}

void limiter::use(std::size_t n) noexcept {
  const std::int64_t now = detail::now_ns(*loop_);
  granted_ -= n;
  forget_old(now);
  for (std::size_t i = 0; i < n; ++i) time_of(used_++) = now;
  acquired_ += n;
}

void limiter::serve() noexcept {
  if (loop_) disarm(*loop_, *this);
  while (detail::listed_waiter* first = waiters_.front()) {
    auto& wait = *static_cast<detail::limiter_wait*>(first);
    if (is_available(wait.units())) {
      granted_ += wait.units();
    } else {
      // What it lacks comes back an interval after it was used; what is only granted is known when
      // its owner goes on.
      const std::size_t lacking = wait.units() - available();
      if (lacking > used_) return;
      const std::int64_t due = detail::deadline_after(time_of(lacking - 1), interval_);
      if (arm(*loop_, *this, due)) return;
      wait.set_no_memory();
    }
    waiters_.wake_one();
  }
}

bool limiter::try_acquire(std::size_t n) {
  checked(n);
  loop_ = &detail::require_loop("limiter::try_acquire");
  if (!waiters_.empty() || !is_available(n)) return false;
  granted_ += n;
  use(n);
  return true;
}

namespace detail {

bool limiter_wait::start() noexcept {
  if (refused()) return true;
  limiter_.loop_ = where->loop;
  if (limiter_.waiters_.empty() && limiter_.is_available(n_)) {
    limiter_.granted_ += n_;
    return complete_now();
  }
  const bool is_first = limiter_.waiters_.empty();
  limiter_.waiters_.push_back(*this);
  park();
  if (is_first) limiter_.serve();
  return true;
}

void limiter_wait::withdraw() noexcept {
  limiter_.waiters_.remove(*this);
  limiter_.serve();
}

void limiter_wait::on_cancel() noexcept {
  if (state == wait_state::waiting) {
    withdraw();
    drop();
    return;
  }
  drop();
  if (out_of_memory) return;
  limiter_.granted_ -= n_;
  limiter_.serve();
}

void limiter_wait::await_resume() {
  leave();
  if (out_of_memory) throw_no_memory();
  limiter_.use(n_);
  if (!limiter_.waiters_.empty()) limiter_.serve();
}

}  // namespace detail
}  // namespace eddy::inline v1
