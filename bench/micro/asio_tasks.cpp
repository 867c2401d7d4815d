// Asio's coroutines, as its users write them: awaitable, co_spawn, use_awaitable.
#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <numeric>
#include <vector>

#include "asio_run.hpp"
#include "checks.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

using asio::awaitable;
using asio::use_awaitable;
using namespace asio::experimental::awaitable_operators;

awaitable<int> answer() { co_return answer_of_each; }

awaitable<void> spawn_join(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    const int result = co_await asio::co_spawn(executor, answer(), use_awaitable);
    sum += result;
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
}
void spawn_join_asio(benchmark::State& state) { asio_run(spawn_join(state)); }
BENCHMARK(spawn_join_asio)->Name("spawn_join/asio");

awaitable<int> nested(int depth) {
  if (depth == 0) co_return answer_of_each;
  const int below = co_await nested(depth - 1);
  co_return below;
}

awaitable<void> chain(benchmark::State& state) {
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    const int result = co_await nested(chain_depth);
    sum += result;
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
}
void chain_asio(benchmark::State& state) { asio_run(chain(state)); }
BENCHMARK(chain_asio)->Name("chain10/asio");

struct turns {
  std::int64_t taken = 0;
  bool over = false;
};

awaitable<void> partner_of(turns& mine) {
  const auto executor = co_await asio::this_coro::executor;
  while (!mine.over) {
    ++mine.taken;
    co_await asio::post(executor, use_awaitable);
  }
}

awaitable<void> yielding(benchmark::State& state, turns& partner) {
  const auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(executor, partner_of(partner), asio::detached);
  co_await asio::post(executor, use_awaitable);
  const std::int64_t before = partner.taken;
  measuring counted(state);
  for (auto _ : state) co_await asio::post(executor, use_awaitable);
  const std::int64_t own = iterations_of(state);
  counted.stop(2 * own);
  state.SetItemsProcessed(2 * own);
  const std::int64_t others = partner.taken - before;
  check(state, others >= own - 1 && others <= own + 1);
  partner.over = true;
}
void yield_asio(benchmark::State& state) {
  turns partner;  // until the loop has ended
  asio_run(yielding(state, partner));
}
BENCHMARK(yield_asio)->Name("yield/asio");

// Asio has no gather of a number that is known only when it runs: a channel hears of the last.
awaitable<void> gather(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  const auto count = static_cast<std::size_t>(state.range(0));
  asio_signal ended(executor, 1);
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    std::vector<int> results(count);
    std::size_t left = count;
    for (int& result : results) {
      asio::co_spawn(executor, answer(), [&](std::exception_ptr error, int value) {
        if (!error) result = value;
        if (--left == 0) tell(ended);
      });
    }
    co_await ended.async_receive(use_awaitable);
    sum = std::accumulate(results.begin(), results.end(), sum);
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state) * state.range(0));
}
void gather_asio(benchmark::State& state) { asio_run(gather(state)); }
BENCHMARK(gather_asio)->Name("gather/asio")->Arg(10)->Arg(1000);

awaitable<void> timeout(benchmark::State& state) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  std::int64_t sum = 0;
  measuring counted(state);
  for (auto _ : state) {
    timer.expires_after(std::chrono::hours(1));
    const std::variant<int, std::monostate> result =
        co_await (answer() || timer.async_wait(use_awaitable));
    if (result.index() == 0) sum += std::get<0>(result);
  }
  counted.stop(iterations_of(state));
  check(state, sum == answer_of_each * iterations_of(state));
}
void timeout_asio(benchmark::State& state) { asio_run(timeout(state)); }
BENCHMARK(timeout_asio)->Name("with_timeout/asio");

}  // namespace
