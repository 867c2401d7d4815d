// When time passes and who is next: wait() and begin_turn() of the simulated world.
#include <algorithm>
#include <iterator>
#include <utility>

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
constexpr std::int64_t patience_ns = 5'000'000'000;

// Most turns of a seeded world end early: after what is ready was shuffled, those who become ready
// in the same turn come in their order. How early, differs from world to world: in the first kind
// the order is decided anew for each resumption.
constexpr std::uint64_t short_turns[] = {1, 2, 8, turn_budget};
constexpr std::uint64_t full_turns_in_thousand = 100;

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
    now_ = in(calm() ? busy_turn_ns : schedule.between(0, longest_busy_turn_ns));
    (void)happen_due();
  } else {
    wait_until(deadline_ns, loop);
  }
  note(trace::time, now_ - first_instant_ns);
}

void world::wait_until(std::int64_t deadline_ns, loop_core* loop) noexcept {
  const bool for_ever = deadline_ns == never_ns;
  note(trace::wait, for_ever ? never_ns : deadline_ns - now_);
  const std::int64_t latest = for_ever ? never_ns : later(std::max(now_, deadline_ns), lateness());
  while (!happen_due() && now_ < latest) {
    const std::int64_t next = std::min(events_.first_time(), latest);
    if (next == never_ns) return idle(loop);
    now_ = std::max(now_, next);
  }
}

void world::idle(loop_core* loop) noexcept {
  if (chosen_.other_threads && bell_.await(patience_ns)) return;
  note(trace::stuck, std::uint64_t{stuck_});
  if (loop) end_program(*this, *loop, stuck::deadlock, ++stuck_);
}

std::uint64_t world::draw_budget() noexcept {
  if (longest_short_turn_ == 0) {
    longest_short_turn_ = short_turns[schedule.below(std::size(short_turns))];
  }
  if (schedule.chance(full_turns_in_thousand)) return turn_budget;
  return schedule.small(longest_short_turn_);
}

int world::begin_turn(loop_core& loop) noexcept {
  if (++turns_ > chosen_.turn_limit) {
    turns_ = 0;
    end_program(*this, loop, stuck::livelock, ++stuck_);
  }
  note(trace::turn, std::uint64_t{!loop.ready.empty()});
  if (calm()) return turn_budget;
  const std::uint64_t budget = draw_budget();
  note(trace::budget, budget);
  if (chosen_.order == sim::order::random) shuffle(loop, static_cast<std::size_t>(budget));
  return static_cast<int>(budget);
}

// Whoever is resumed in this turn may be any of the first on the ready queue; what is behind them
// stays there.
void world::shuffle(loop_core& loop, std::size_t budget) noexcept {
  ready_node* window[shuffle_window];
  std::size_t count = 0;
  if (loop.ready.empty()) return note(trace::ready, std::uint64_t{0});
  ready_node* rest = &loop.ready.first();
  ready_node* const last = &loop.ready.last();
  bool all = false;
  while (!all && count < shuffle_window) {
    all = rest == last;
    window[count++] = std::exchange(rest, rest->next);
  }
  note(trace::ready, std::uint64_t{count});
  const std::size_t picks = std::min(budget, count - 1);
  for (std::size_t i = 0; i < picks; ++i) {
    const auto other = i + static_cast<std::size_t>(schedule.below(count - i));
    note(trace::moved, std::uint64_t{other});
    std::swap(window[i], window[other]);
  }
  loop.ready.clear();
  for (std::size_t i = 0; i < count; ++i) loop.ready.push(*window[i]);
  if (!all) loop.ready.push(*rest, *last);
}

}  // namespace eddy::inline v1::detail::simulation
