// Trivial tasks, run at once and awaited together. An iteration is all of them.
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <latch>
#include <numeric>
#include <vector>

#include "checks.hpp"
#include "floor.hpp"
#include "measuring.hpp"
#include "thread_pool.hpp"
#include "workloads.hpp"

namespace {

eddy::task<int> answer() { co_return answer_of_each; }

void finish(benchmark::State& state, measuring& counted, std::int64_t sum) {
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state) * state.range(0));
}

void gather_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    const auto count = static_cast<std::size_t>(s.range(0));
    std::int64_t sum = 0;
    measuring counted(s);
    for (auto _ : s) {
      std::vector<eddy::task<int>> tasks;
      tasks.reserve(count);
      for (std::size_t i = 0; i < count; ++i) tasks.push_back(answer());
      const std::vector<int> results = co_await eddy::gather(std::move(tasks));
      sum = std::accumulate(results.begin(), results.end(), sum);
    }
    finish(s, counted, sum);
  }(state));
}
BENCHMARK(gather_eddy)->Name("gather/eddy")->Arg(10)->Arg(1000);

bare::task bare_answer() { co_return answer_of_each; }

bare::task bare_gather(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    std::vector<bare::task> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      tasks.push_back(bare_answer());
      tasks.back().spawn();
    }
    std::vector<int> results;
    results.reserve(count);
    for (const bare::task& t : tasks) {
      const int result = co_await t.join();
      results.push_back(result);
    }
    sum = std::accumulate(results.begin(), results.end(), sum);
  }
  finish(state, counted, sum);
  co_return 0;
}
void gather_floor(benchmark::State& state) { bare::run(bare_gather(state)); }
BENCHMARK(gather_floor)->Name("gather/floor")->Arg(10)->Arg(1000);

void gather_threads(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  thread_pool pool;
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    std::vector<int> results(count);
    std::latch all(state.range(0));
    for (int& result : results) {
      pool.post([&result, &all] {
        result = answer_of_each;
        all.count_down();
      });
    }
    all.wait();
    sum = std::accumulate(results.begin(), results.end(), sum);
  }
  finish(state, counted, sum);
}
BENCHMARK(gather_threads)->Name("gather/threads")->Arg(10)->Arg(1000)->UseRealTime();

}  // namespace
