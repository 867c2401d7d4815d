// Asio's timers, with callbacks where no task is needed and with coroutines where one is; and the
// cancellation of its tasks.
#include <asio.hpp>
#include <vector>

#include "asio_run.hpp"
#include "checks.hpp"
#include "measuring.hpp"
#include "sleepers.hpp"
#include "timers.hpp"
#include "workloads.hpp"

namespace {

using asio::awaitable;
using asio::use_awaitable;

// Callbacks: the cheapest that Asio has. A new limit cancels the wait for the old one, whose
// callback the loop then calls.
struct waiting_timers {
  waiting_timers(asio::io_context& loop, std::size_t count) {
    timers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      timers.emplace_back(loop);
      arm(timers.back(), random.within_an_hour());
    }
  }
  void arm(asio::steady_timer& t, std::chrono::milliseconds limit) {
    t.expires_after(limit);
    t.async_wait([this](std::error_code error) { ++(error ? cancelled : fired); });
  }
  asio::steady_timer& any() { return timers[random.below(timers.size())]; }

  std::vector<asio::steady_timer> timers;
  random_numbers random;
  std::int64_t cancelled = 0;
  std::int64_t fired = 0;
};

void timer_asio(benchmark::State& state) {
  asio::io_context loop(1);
  waiting_timers all(loop, static_cast<std::size_t>(state.range(0)));
  int until_poll = timers_between_polls;
  measuring counted(state);
  for (auto _ : state) {
    all.arm(all.any(), all.random.within_an_hour());
    if (--until_poll == 0) {
      loop.poll();
      until_poll = timers_between_polls;
    }
  }
  counted.stop(iterations_of(state));
  loop.poll();
  // Those that had fired are not cancelled when they are armed again.
  check(state, all.cancelled <= iterations_of(state) &&
                   all.cancelled + all.fired >= iterations_of(state));
  all.timers.clear();
  loop.run();
  check(state, all.cancelled + all.fired == iterations_of(state) + state.range(0));
}
BENCHMARK(timer_asio)->Name("timer_arm_cancel/asio")->Arg(1000);
BENCHMARK(timer_asio)->Name("timer_arm_cancel/asio")->Apply(with_a_million);

void timer_turn_asio(benchmark::State& state) {
  asio::io_context loop(1);
  waiting_timers all(loop, static_cast<std::size_t>(state.range(0)));
  loop.poll();
  longest_turn longest;
  for (auto _ : state) {
    longest.begin();
    for (int i = 0; i < timers_a_turn; ++i) {
      const bool at_once = all.random.next() % due_at_once_one_in == 0;
      all.arm(all.any(), at_once ? std::chrono::milliseconds(0) : all.random.within_an_hour());
    }
    loop.poll();
    longest.end();
  }
  longest.tell(state);
  check(state, all.fired > 0);
  all.timers.clear();
  loop.run();
  check(state, all.cancelled + all.fired ==
                   iterations_of(state) * timers_a_turn + state.range(0));
}
BENCHMARK(timer_turn_asio)->Name("timer_turn/asio")->Apply(turns_with_live_timers);

awaitable<void> sleep_below(int levels, std::int64_t& asleep) {
  if (levels == 0) {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1000));
    ++asleep;
    co_await timer.async_wait(use_awaitable);
    --asleep;
  } else {
    co_await sleep_below(levels - 1, asleep);
  }
}

awaitable<void> cancel_join(benchmark::State& state, int levels) {
  const auto executor = co_await asio::this_coro::executor;
  asio_signal ended(executor, 1);
  std::int64_t asleep = 0;
  std::int64_t cancelled = 0;
  measuring counted(state);
  for (auto _ : state) {
    asio::cancellation_signal cancel;
    asio::co_spawn(executor, sleep_below(levels, asleep),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error) {
                     cancelled += error != nullptr;
                     tell(ended);
                   }));
    co_await asio::post(executor, use_awaitable);
    cancel.emit(asio::cancellation_type::terminal);
    co_await ended.async_receive(use_awaitable);
  }
  counted.stop(iterations_of(state));
  check(state, asleep == iterations_of(state) && cancelled == asleep);
}
template <int levels>
void cancel_asio(benchmark::State& state) {
  asio_run(cancel_join(state, levels));
}
BENCHMARK(cancel_asio<0>)->Name("cancel_join/asio");
BENCHMARK(cancel_asio<chain_depth>)->Name("cancel_join10/asio");

// Cancelled by their timers: a cancellation_signal for each would cost more.
awaitable<void> sleep_for_ever(asio::steady_timer& timer, std::int64_t& asleep) {
  ++asleep;
  timer.expires_after(std::chrono::hours(1000));
  co_await timer.async_wait(use_awaitable);
  --asleep;
}

void sleepers_asio(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    asio::io_context loop(1);
    std::vector<asio::steady_timer> timers;
    timers.reserve(count);
    std::int64_t asleep = 0;
    std::int64_t cancelled = 0;
    sleepers_measured measured(state);
    for (std::size_t i = 0; i < count; ++i) {
      timers.emplace_back(loop);
      asio::co_spawn(loop, sleep_for_ever(timers.back(), asleep),
                     [&](std::exception_ptr error) { cancelled += error != nullptr; });
    }
    loop.poll();
    measured.all_asleep(asleep, sizeof(timers[0]));
    for (asio::steady_timer& t : timers) t.cancel();
    loop.run();
    measured.all_joined(cancelled);
  }
}
BENCHMARK(sleepers_asio)->Name("sleepers/asio")->Apply(in_bulk);

}  // namespace
