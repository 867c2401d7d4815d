// Very many tasks that sleep: CPU nanoseconds of each to spawn it until it sleeps, and to cancel
// and join it; heap bytes of each while it sleeps, with what is needed to cancel it. The floor's
// wait without a timer, and are woken in the place of a cancellation: nothing is thrown.
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <vector>

#include "checks.hpp"
#include "floor.hpp"
#include "floor_throwing.hpp"
#include "sleepers.hpp"

namespace {

using namespace std::chrono_literals;

eddy::task<> sleep_for_ever(std::int64_t& asleep) {
  ++asleep;
  co_await eddy::sleep(1000h);
  --asleep;
}

void sleepers_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    const auto count = static_cast<std::size_t>(s.range(0));
    for (auto _ : s) {
      std::vector<eddy::join_handle<>> handles;
      handles.reserve(count);
      std::int64_t asleep = 0;
      std::int64_t cancelled = 0;
      sleepers_measured measured(s);
      for (std::size_t i = 0; i < count; ++i) {
        handles.push_back(eddy::spawn(sleep_for_ever(asleep)));
      }
      co_await eddy::yield();
      measured.all_asleep(asleep, sizeof(handles[0]));
      for (auto& handle : handles) handle.cancel();
      for (auto& handle : handles) {
        try {
          co_await handle;
        } catch (const eddy::task_cancelled&) {
          ++cancelled;
        }
      }
      measured.all_joined(cancelled);
    }
  }(state));
}
BENCHMARK(sleepers_eddy)->Name("sleepers/eddy")->Apply(in_bulk);

struct bare_sleeper {
  explicit bare_sleeper(bare::throwing_task t) : spawned(std::move(t)) {}
  bare::throwing_task spawned;
  bare::cancellable_wait* waiting = nullptr;
};

bare::throwing_task bare_sleep(std::vector<bare_sleeper>& all, std::int64_t& asleep) {
  bare::cancellable_wait wait;
  all[static_cast<std::size_t>(asleep++)].waiting = &wait;
  co_await wait;
}

bare::task bare_sleepers(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    std::vector<bare_sleeper> sleepers;
    sleepers.reserve(count);
    std::int64_t asleep = 0;
    std::int64_t joined = 0;
    sleepers_measured measured(state);
    for (std::size_t i = 0; i < count; ++i) {
      sleepers.emplace_back(bare_sleep(sleepers, asleep));
      sleepers.back().spawned.spawn();
    }
    co_await bare::yield();
    measured.all_asleep(asleep, sizeof(sleepers[0]));
    for (bare_sleeper& s : sleepers) s.waiting->wake();
    for (bare_sleeper& s : sleepers) {
      co_await s.spawned.join();
      ++joined;
    }
    measured.all_joined(joined);
  }
  co_return 0;
}
void sleepers_floor(benchmark::State& state) { bare::run(bare_sleepers(state)); }
BENCHMARK(sleepers_floor)->Name("sleepers/floor")->Apply(in_bulk);

}  // namespace
