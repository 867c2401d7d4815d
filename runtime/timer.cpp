#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timer.hpp>
#include <new>
#include <string>

#include "loop_state.hpp"
#include "selector/system.hpp"

namespace eddy::inline v1 {
namespace detail {

bool arm(loop_core& loop, timer& t, std::int64_t deadline_ns) noexcept {
  return state_of(loop).timers.insert(t, deadline_ns);
}

void disarm(loop_core& loop, timer& t) noexcept {
  if (t.armed()) state_of(loop).timers.remove(t);
}

std::int64_t now_ns(loop_core&) noexcept { return system::clock_ns(); }

void throw_no_memory() { throw std::bad_alloc(); }

// The clock is read anew: a cached reading would let the wait end early.
bool limit::arm(loop_core& loop, timer& t) const noexcept {
  if (ns_ == never_ns) return true;
  return detail::arm(loop, t, relative_ ? deadline_after(now_ns(loop), ns_) : ns_);
}

bool sleep_awaiter::start() noexcept {
  const limit until = limit::of(kept_ns, relative);
  if (refused()) return true;
  park();
  if (until.immediate()) {
    wake();
  } else if (!until.arm(*where->loop, *this)) {
    out_of_memory = true;
    wake();
  }
  return true;
}

void yield_awaiter::refuse() noexcept {
  scope& s = *promise_of(frame).where;
  state = wait_state::cancelled;
  report_ignored_cancellation(s);
  s.loop->push(*this);
}

// A sleep that is over keeps its result; the cancellation meets the next suspension.
void sleep_awaiter::on_cancel() noexcept {
  if (state != wait_state::waiting) return;
  disarm(*where->loop, *this);
  drop();
}

// By hand: to_string of a double has the locale's decimal point.
std::string seconds_of(limit until) {
  const std::int64_t ms = until.ns() / 1'000'000;
  return std::to_string(ms / 1000) + "." + std::to_string(1000 + ms % 1000).substr(1) + " s";
}

void throw_timed_out(limit until) {
  if (!until.relative()) throw timeout_error("the deadline has passed");
  throw timeout_error("timed out after " + seconds_of(until));
}

}  // namespace detail

time_point now() {
  detail::loop_core& loop = detail::require_loop("now");
  return time_point(std::chrono::duration_cast<time_point::duration>(
      std::chrono::nanoseconds(detail::now_ns(loop))));
}

}  // namespace eddy::inline v1
