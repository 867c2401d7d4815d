// libuv's timers: callbacks, a handle for each, which its owner keeps. A handle has no task: beside
// a task that sleeps it is the memory and the work of the timer alone.
#include <uv.h>

#include <vector>

#include "checks.hpp"
#include "measuring.hpp"
#include "sleepers.hpp"
#include "timers.hpp"
#include "workloads.hpp"

namespace {

class uv_loop {
 public:
  uv_loop() { uv_loop_init(&loop_); }
  uv_loop(const uv_loop&) = delete;
  uv_loop& operator=(const uv_loop&) = delete;
  ~uv_loop() { uv_loop_close(&loop_); }
  uv_loop_t* get() { return &loop_; }
  void poll() { uv_run(&loop_, UV_RUN_NOWAIT); }

 private:
  uv_loop_t loop_;
};

// What fires is armed again, as it is by Eddy's tasks.
struct waiting_timers {
  waiting_timers(uv_loop& loop, std::size_t count) : timers(count) {
    for (uv_timer_t& t : timers) {
      uv_timer_init(loop.get(), &t);
      t.data = this;
      arm(t, random.within_an_hour());
    }
  }
  // The clock is read: a timer counts from the time that the loop has read last.
  void arm(uv_timer_t& t, std::chrono::milliseconds limit) {
    uv_update_time(t.loop);
    uv_timer_start(&t, &waiting_timers::fire, static_cast<std::uint64_t>(limit.count()), 0);
  }
  void arm_any(std::chrono::milliseconds limit) {
    uv_timer_t& t = timers[random.below(timers.size())];
    cancelled += uv_is_active(reinterpret_cast<uv_handle_t*>(&t));
    uv_timer_stop(&t);
    arm(t, limit);
  }
  static void fire(uv_timer_t* t) {
    auto* all = static_cast<waiting_timers*>(t->data);
    ++all->fired;
    all->arm(*t, all->random.within_an_hour());
  }
  // How many were active to the end.
  std::int64_t close() {
    std::int64_t active = 0;
    for (uv_timer_t& t : timers) {
      active += uv_is_active(reinterpret_cast<uv_handle_t*>(&t));
      uv_close(reinterpret_cast<uv_handle_t*>(&t), nullptr);
    }
    uv_run(timers[0].loop, UV_RUN_DEFAULT);
    return active;
  }

  std::vector<uv_timer_t> timers;
  random_numbers random;
  std::int64_t cancelled = 0;
  std::int64_t fired = 0;
};

void timer_libuv(benchmark::State& state) {
  uv_loop loop;
  waiting_timers all(loop, static_cast<std::size_t>(state.range(0)));
  int until_poll = timers_between_polls;
  measuring counted(state);
  for (auto _ : state) {
    all.arm_any(all.random.within_an_hour());
    if (--until_poll == 0) {
      loop.poll();
      until_poll = timers_between_polls;
    }
  }
  counted.stop(iterations_of(state));
  check(state, all.cancelled == iterations_of(state));
  check(state, all.close() == state.range(0));
}
BENCHMARK(timer_libuv)->Name("timer_arm_cancel/libuv")->Arg(1000);
BENCHMARK(timer_libuv)->Name("timer_arm_cancel/libuv")->Apply(with_a_million);

void timer_turn_libuv(benchmark::State& state) {
  uv_loop loop;
  waiting_timers all(loop, static_cast<std::size_t>(state.range(0)));
  longest_turn longest;
  for (auto _ : state) {
    longest.begin();
    for (int i = 0; i < timers_a_turn; ++i) {
      const bool at_once = all.random.next() % due_at_once_one_in == 0;
      all.arm_any(at_once ? std::chrono::milliseconds(0) : all.random.within_an_hour());
    }
    loop.poll();
    longest.end();
  }
  longest.tell(state);
  check(state, all.fired > 0 && all.cancelled == iterations_of(state) * timers_a_turn);
  check(state, all.close() == state.range(0));
}
BENCHMARK(timer_turn_libuv)->Name("timer_turn/libuv")->Apply(turns_with_live_timers);

void sleepers_libuv(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    uv_loop loop;
    std::vector<uv_timer_t> timers;
    timers.reserve(count);
    std::int64_t closed = 0;
    sleepers_measured measured(state);
    for (std::size_t i = 0; i < count; ++i) {
      uv_timer_t& t = timers.emplace_back();
      uv_timer_init(loop.get(), &t);
      t.data = &closed;
      uv_timer_start(&t, [](uv_timer_t*) {}, 3'600'000'000, 0);
    }
    loop.poll();
    std::int64_t asleep = 0;
    for (const uv_timer_t& t : timers) asleep += uv_timer_get_due_in(&t) > 0;
    measured.all_asleep(asleep, sizeof(timers[0]));
    for (uv_timer_t& t : timers) {
      uv_close(reinterpret_cast<uv_handle_t*>(&t),
               [](uv_handle_t* h) { ++*static_cast<std::int64_t*>(h->data); });
    }
    uv_run(loop.get(), UV_RUN_DEFAULT);
    measured.all_joined(closed);
  }
}
BENCHMARK(sleepers_libuv)->Name("sleepers/libuv")->Apply(in_bulk);

}  // namespace
