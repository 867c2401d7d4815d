// A function called on another thread, its result awaited: there and back.
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>

#include <future>
#include <thread>

#include "checks.hpp"
#include "measuring.hpp"
#include "work_queue.hpp"

namespace {

std::int64_t twice(std::int64_t n) { return 2 * n; }

void check_sum(benchmark::State& state, std::int64_t sum) {
  const std::int64_t n = iterations_of(state);
  check(state, sum == n * (n - 1));
}

eddy::task<> offload_many(benchmark::State& state) {
  std::int64_t sum = co_await eddy::offload(twice, 0);  // starts the thread
  std::int64_t i = 0;
  measuring m(state);
  for (auto _ : state) {
    sum += co_await eddy::offload(twice, i);
    ++i;
  }
  m.stop(iterations_of(state));
  check_sum(state, sum);
}
void offload_eddy(benchmark::State& state) { eddy::run(offload_many(state)); }
BENCHMARK(offload_eddy)->Name("offload/eddy")->UseRealTime();

// A pool as one writes it by hand: a queue of packaged tasks, the caller blocks on the future.
void offload_pool(benchmark::State& state) {
  work_queue work;
  std::thread worker([&] { work.run(); });
  std::int64_t sum = 0;
  std::int64_t i = 0;
  measuring m(state);
  for (auto _ : state) {
    std::promise<std::int64_t> promise;
    std::future<std::int64_t> result = promise.get_future();
    work.push([&promise, n = i++] { promise.set_value(twice(n)); });
    sum += result.get();
  }
  m.stop(iterations_of(state));
  work.stop();
  worker.join();
  check_sum(state, sum);
}
BENCHMARK(offload_pool)->Name("offload/threads")->UseRealTime();

void offload_async(benchmark::State& state) {
  std::int64_t sum = 0;
  std::int64_t i = 0;
  measuring m(state);
  for (auto _ : state) sum += std::async(std::launch::async, twice, i++).get();
  m.stop(iterations_of(state));
  check_sum(state, sum);
}
BENCHMARK(offload_async)->Name("offload/threads-async")->UseRealTime();

}  // namespace
