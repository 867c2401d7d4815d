// A trivial task with a limit of an hour, which does not come.
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <future>
#include <memory>

#include "checks.hpp"
#include "measuring.hpp"
#include "thread_pool.hpp"
#include "workloads.hpp"

namespace {

using namespace std::chrono_literals;

eddy::task<int> answer() { co_return answer_of_each; }

void timeout_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    measuring counted(s);
    for (auto _ : s) sum += co_await eddy::with_timeout(1h, answer());
    counted.stop(iterations_of(s));
    check(s, sum == answer_of_each * iterations_of(s));
  }(state));
}
BENCHMARK(timeout_eddy)->Name("with_timeout/eddy");

void timeout_threads(benchmark::State& state) {
  thread_pool pool;
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    auto answering = std::make_shared<std::packaged_task<int()>>([] { return answer_of_each; });
    std::future<int> result = answering->get_future();
    pool.post([answering] { (*answering)(); });
    if (result.wait_for(1h) == std::future_status::ready) sum += result.get();
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
}
BENCHMARK(timeout_threads)->Name("with_timeout/threads")->UseRealTime();

}  // namespace
