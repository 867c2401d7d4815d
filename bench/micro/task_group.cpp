// Spawns sleeping children into one group, joins another, cancels the group: time of each child,
// and heap bytes of each that are left when it is over.
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timer.hpp>

#include "checks.hpp"
#include "memory.hpp"
#include "workloads.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t enough_to_tell = 100'000;  // the frame pool keeps some of them
constexpr double most_bytes_left = 16;

eddy::task<int> answer() { co_return answer_of_each; }
eddy::task<> sleep_for_ever() { co_await eddy::sleep(1000h); }

void group_eddy(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    eddy::run([](benchmark::State& s, std::size_t children) -> eddy::task<> {
      const std::size_t before = heap_bytes();
      co_await eddy::with_task_group([&](eddy::task_group& group) -> eddy::task<> {
        for (std::size_t i = 0; i < children; ++i) group.spawn(sleep_for_ever());
        auto last = group.spawn(answer());
        const int result = co_await last;
        check(s, result == answer_of_each && group.size() == children);
        group.cancel();
      });
      const double left = static_cast<double>(heap_bytes()) - static_cast<double>(before);
      s.counters["bytes_left"] = left / static_cast<double>(children);
      check(s, children < enough_to_tell || s.counters["bytes_left"] < most_bytes_left);
    }(state, count));
  }
  state.SetItemsProcessed(state.range(0));
}
BENCHMARK(group_eddy)
    ->Name("task_group/eddy")
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
