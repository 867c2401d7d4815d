// One timer of very many is cancelled, at random, and armed anew, an hour at most from now, with
// the reading of the clock that says when that is.
//
// timer_arm_cancel: as a program has it. Each of N tasks waits for its own event with a limit; the
// event of one is set, so that its timer is cancelled; it runs, and waits again. That it is resumed
// is in the figure, and a callback has no need of that.
// timer_heap: the loop's heap of deadlines alone, by its private header, with the same clock. It is
// the part of the former that libuv's timers are; nothing else of Eddy is in it.
#include <chrono>
#include <deque>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/sync/event.hpp>
#include <vector>

#include "../../runtime/timer_heap.hpp"
#include "checks.hpp"
#include "measuring.hpp"
#include "timers.hpp"
#include "workloads.hpp"

namespace {

// What N waiting tasks share.
struct waiting_tasks {
  explicit waiting_tasks(std::size_t count) : events(count) {}

  std::vector<eddy::event> events;
  random_numbers random;
  std::uint64_t due_at_once = 0;  // one in so many limits, if it is not zero
  std::size_t waiting = 0;
  std::int64_t cancelled = 0;
  std::int64_t fired = 0;
  bool over = false;

  std::chrono::milliseconds next_limit() noexcept {
    if (due_at_once && random.next() % due_at_once == 0) return std::chrono::milliseconds(0);
    return random.within_an_hour();
  }
  eddy::event& any_that_waits() noexcept {
    for (;;) {
      eddy::event& e = events[random.below(events.size())];
      if (!e.is_set()) return e;
    }
  }
  void end() noexcept {
    over = true;
    for (eddy::event& e : events) e.set();
  }
};

eddy::task<> wait_again_and_again(waiting_tasks& all, eddy::event& own) {
  ++all.waiting;
  for (;;) {
    const bool set = co_await own.wait_for(all.next_limit());
    if (all.over) break;
    ++(set ? all.cancelled : all.fired);
    own.reset();
  }
  --all.waiting;
}

void timer_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    const auto live = static_cast<std::size_t>(s.range(0));
    waiting_tasks all(live);
    co_await eddy::with_task_group([&](eddy::task_group& group) -> eddy::task<> {
      for (eddy::event& own : all.events) group.spawn(wait_again_and_again(all, own));
      co_await eddy::yield();
      check(s, all.waiting == live);
      int until_yield = timers_between_polls;
      measuring counted(s);
      for (auto _ : s) {
        all.any_that_waits().set();
        if (--until_yield == 0) {
          co_await eddy::yield();
          until_yield = timers_between_polls;
        }
      }
      co_await eddy::yield();
      counted.stop(iterations_of(s));
      check(s, all.cancelled == iterations_of(s) && all.waiting == live);
      all.end();
    });
    check(s, all.waiting == 0);
  }(state));
}
BENCHMARK(timer_eddy)->Name("timer_arm_cancel/eddy")->Arg(1000);
BENCHMARK(timer_eddy)->Name("timer_arm_cancel/eddy")->Apply(with_a_million);

class heap_timer final : public eddy::detail::timer {
 public:
  void fire() noexcept override {}
};

std::int64_t deadline_in(std::chrono::milliseconds delay) {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch() + delay)
      .count();
}

void timer_heap_eddy(benchmark::State& state) {
  const auto live = static_cast<std::size_t>(state.range(0));
  eddy::detail::timer_heap heap;
  std::deque<heap_timer> timers(live);
  random_numbers random;
  for (heap_timer& t : timers) check(state, heap.insert(t, deadline_in(random.within_an_hour())));
  measuring counted(state);
  for (auto _ : state) {
    heap_timer& t = timers[random.below(live)];
    heap.remove(t);
    check(state, heap.insert(t, deadline_in(random.within_an_hour())));
  }
  counted.stop(iterations_of(state));
  std::int64_t last = 0;
  for (std::size_t i = 0; i < live; ++i) {
    const std::int64_t next = heap.first_deadline();
    check(state, next >= last && heap.pop_due(next) != nullptr);
    last = next;
  }
  check(state, heap.empty());
}
BENCHMARK(timer_heap_eddy)->Name("timer_heap/eddy")->Arg(1000);
BENCHMARK(timer_heap_eddy)->Name("timer_heap/eddy")->Apply(with_a_million);

// How long the longest turn is while timers are armed, cancelled and fire. A turn is driven from
// outside, as a host program does it.
void timer_turn_eddy(benchmark::State& state) {
  const auto live = static_cast<std::size_t>(state.range(0));
  eddy::loop loop;
  waiting_tasks all(live);
  for (eddy::event& own : all.events) loop.spawn(wait_again_and_again(all, own)).detach();
  while (all.waiting < live) loop.poll_once();
  all.due_at_once = due_at_once_one_in;
  longest_turn longest;
  for (auto _ : state) {
    longest.begin();
    for (int i = 0; i < timers_a_turn; ++i) all.any_that_waits().set();
    loop.poll_once();
    longest.end();
  }
  longest.tell(state);
  const std::int64_t set = iterations_of(state) * timers_a_turn;
  check(state, all.cancelled == set && all.fired > 0 && all.waiting == live);
  all.end();
  while (loop.poll_once()) {
  }
  check(state, all.waiting == 0);
}
BENCHMARK(timer_turn_eddy)->Name("timer_turn/eddy")->Apply(turns_with_live_timers);

}  // namespace
