// Ten nested awaits, none of which waits.
#include <eddy/runtime/run.hpp>

#include "checks.hpp"
#include "floor.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

eddy::task<int> nested(int depth) {
  if (depth == 0) co_return answer_of_each;
  const int below = co_await nested(depth - 1);
  co_return below;
}

void chain_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    measuring counted(s);
    for (auto _ : s) sum += co_await nested(chain_depth);
    counted.stop(iterations_of(s));
    check(s, sum == answer_of_each * iterations_of(s));
  }(state));
}
BENCHMARK(chain_eddy)->Name("chain10/eddy");

bare::task bare_nested(int depth) {
  if (depth == 0) co_return answer_of_each;
  const int below = co_await bare_nested(depth - 1);
  co_return below;
}

bare::task bare_chain(benchmark::State& state) {
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) sum += co_await bare_nested(chain_depth);
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
  co_return 0;
}
void chain_floor(benchmark::State& state) { bare::run(bare_chain(state)); }
BENCHMARK(chain_floor)->Name("chain10/floor");

}  // namespace
