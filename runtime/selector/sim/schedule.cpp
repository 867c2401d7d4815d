// When time passes and who is next: wait() and begin_turn() of the simulated world.
#include <algorithm>

#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// A turn that does not sleep. Without it a program that polls would see no time pass, and what it
// polls for would never come.
constexpr std::int64_t busy_turn_ns = 1'000;
constexpr std::int64_t longest_busy_turn_ns = 20'000;

// How much later than its deadline a wait may return: what a busy machine does to a thread.
constexpr std::uint64_t longest_lateness_ns = 1'000'000;
constexpr std::uint64_t late_in_thousand = 250;

// Every other completion ends its wait, so that those of one instant come in several turns.
constexpr std::uint64_t return_early_in_thousand = 500;

// How long an idle world waits for the other threads of the process, in real time, before it is
// called a deadlock.
constexpr std::int64_t patience_ns = 10'000'000'000;

// Every other turn ends after few resumptions.
constexpr std::uint64_t short_turn_in_thousand = 500;

}  // namespace

std::int64_t world::lateness() noexcept {
  if (calm() || !schedule.chance(late_in_thousand)) return 0;
  return static_cast<std::int64_t>(schedule.small(longest_lateness_ns));
}

// True if somebody is ready, or was told to wake up.
bool world::happen_due() noexcept {
  while (event* e = events_.pop_due(now_)) {
    e->happen();
    if (!calm() && progress_ && schedule.chance(return_early_in_thousand)) break;
  }
  return bell_.rung() || progress_;
}

void world::wait(std::int64_t deadline_ns, loop_core* loop) noexcept {
  progress_ = false;
  if (deadline_ns == 0) {
    now_ += calm() ? busy_turn_ns : schedule.between(0, longest_busy_turn_ns);
    (void)happen_due();
  } else {
    wait_until(deadline_ns, loop);
  }
  note(trace::time, now_ - first_instant_ns);
}

void world::wait_until(std::int64_t deadline_ns, loop_core* loop) noexcept {
  const bool for_ever = deadline_ns == never_ns;
  note(trace::wait, for_ever ? never_ns : deadline_ns - now_);
  const std::int64_t latest = for_ever ? never_ns : std::max(now_, deadline_ns) + lateness();
  while (!happen_due() && now_ < latest) {
    const std::int64_t next = std::min(events_.first_time(), latest);
    if (next == never_ns) return idle(loop);
    now_ = std::max(now_, next);
  }
}

void world::idle(loop_core* loop) noexcept {
  if (chosen_.other_threads && bell_.await(patience_ns)) return;
  note(trace::deadlock, std::uint64_t{deadlocks_});
  report_deadlock(*this, loop, ++deadlocks_);
}

int world::begin_turn(loop_core& loop) noexcept {
  note(trace::turn, std::uint64_t{loop.head != nullptr});
  if (calm()) return turn_budget;
  if (chosen_.order == sim::order::random) shuffle(loop);
  if (!schedule.chance(short_turn_in_thousand)) return turn_budget;
  const std::uint64_t budget = schedule.small(turn_budget);
  note(trace::budget, budget);
  return static_cast<int>(budget);
}

// The first of the ready queue, in any order; those behind them stay where they are.
void world::shuffle(loop_core& loop) noexcept {
  ready_node* window[shuffle_window];
  std::size_t count = 0;
  ready_node* rest = loop.head;
  for (; rest && count < shuffle_window; rest = rest->next) window[count++] = rest;
  note(trace::ready, std::uint64_t{count});
  if (count < 2) return;
  ready_node** at = &loop.head;
  for (std::size_t left = count; left > 0; --left) {
    const auto pick = static_cast<std::size_t>(schedule.below(left));
    note(trace::moved, std::uint64_t{pick});
    *at = std::exchange(window[pick], window[left - 1]);
    at = &(*at)->next;
    if (left == 1 && !rest) loop.tail = window[pick];
  }
  *at = rest;
}

}  // namespace eddy::inline v1::detail::simulation
