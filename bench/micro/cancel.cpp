// A sleeping task is cancelled and joined: directly, and where it sleeps ten awaits deep, which is
// one throw a level. The floor has no timer and no scopes: it stores an error and wakes the one
// that sleeps, whose throw goes the same way.
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "checks.hpp"
#include "floor.hpp"
#include "floor_throwing.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

using namespace std::chrono_literals;

eddy::task<> sleep_below(int levels, std::int64_t& asleep) {
  if (levels == 0) {
    ++asleep;
    co_await eddy::sleep(1000h);
    --asleep;
  } else {
    co_await sleep_below(levels - 1, asleep);
  }
}

template <int levels>
void cancel_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t asleep = 0;
    std::int64_t cancelled = 0;
    measuring counted(s);
    for (auto _ : s) {
      auto handle = eddy::spawn(sleep_below(levels, asleep));
      co_await eddy::yield();
      handle.cancel();
      try {
        co_await handle;
      } catch (const eddy::task_cancelled&) {
        ++cancelled;
      }
    }
    counted.stop(iterations_of(s));
    check(s, asleep == iterations_of(s) && cancelled == asleep);
  }(state));
}
BENCHMARK(cancel_eddy<0>)->Name("cancel_join/eddy");
BENCHMARK(cancel_eddy<chain_depth>)->Name("cancel_join10/eddy");

struct bare_cancelled {};

bare::throwing_task bare_sleep_below(int levels, bare::cancellable_wait*& asleep) {
  if (levels == 0) {
    bare::cancellable_wait wait;
    asleep = &wait;
    co_await wait;
  } else {
    co_await bare_sleep_below(levels - 1, asleep);
  }
}

template <int levels>
bare::task bare_cancel(benchmark::State& state) {
  std::int64_t cancelled = 0;
  const std::exception_ptr error = std::make_exception_ptr(bare_cancelled());
  measuring counted(state);
  for (auto _ : state) {
    bare::cancellable_wait* asleep = nullptr;
    bare::throwing_task spawned = bare_sleep_below(levels, asleep);
    spawned.spawn();
    co_await bare::yield();
    asleep->cancel(error);
    try {
      co_await spawned.join();
    } catch (const bare_cancelled&) {
      ++cancelled;
    }
  }
  counted.stop(iterations_of(state));
  check(state, cancelled == iterations_of(state));
  co_return 0;
}
template <int levels>
void cancel_floor(benchmark::State& state) {
  bare::run(bare_cancel<levels>(state));
}
BENCHMARK(cancel_floor<0>)->Name("cancel_join/floor");
BENCHMARK(cancel_floor<chain_depth>)->Name("cancel_join10/floor");

}  // namespace
