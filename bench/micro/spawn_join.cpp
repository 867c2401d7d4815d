// A trivial task is spawned and joined.
#include <eddy/runtime/run.hpp>
#include <thread>

#include "checks.hpp"
#include "floor.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

eddy::task<int> answer() { co_return answer_of_each; }

void spawn_join_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    measuring counted(s);
    for (auto _ : s) {
      auto handle = eddy::spawn(answer());
      sum += co_await handle;
    }
    counted.stop(iterations_of(s));
    check(s, sum == answer_of_each * iterations_of(s));
  }(state));
}
BENCHMARK(spawn_join_eddy)->Name("spawn_join/eddy");

bare::task bare_answer() { co_return answer_of_each; }

bare::task bare_spawn_join(benchmark::State& state) {
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    bare::task spawned = bare_answer();
    spawned.spawn();
    sum += co_await spawned.join();
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
  co_return 0;
}
void spawn_join_floor(benchmark::State& state) { bare::run(bare_spawn_join(state)); }
BENCHMARK(spawn_join_floor)->Name("spawn_join/floor");

void spawn_join_threads(benchmark::State& state) {
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    int result = 0;
    std::thread thread([&] { result = answer_of_each; });
    thread.join();
    sum += result;
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
}
BENCHMARK(spawn_join_threads)->Name("spawn_join/threads")->UseRealTime();

}  // namespace
