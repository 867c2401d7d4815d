// Asio: calls on a thread pool, awaited.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

#include "checks.hpp"
#include "measuring.hpp"

namespace {

asio::awaitable<std::int64_t> twice(std::int64_t n) { co_return 2 * n; }

asio::awaitable<void> offload_many(benchmark::State& state, asio::thread_pool& pool) {
  std::int64_t sum = 0;
  std::int64_t i = 0;
  measuring m(state);
  for (auto _ : state) {
    const std::int64_t got = co_await asio::co_spawn(pool, twice(i++), asio::use_awaitable);
    sum += got;
  }
  m.stop(iterations_of(state));
  const std::int64_t n = iterations_of(state);
  check(state, sum == n * (n - 1));
}

void offload_asio(benchmark::State& state) {
  asio::thread_pool pool(1);
  asio::io_context context(1);
  asio::co_spawn(context, offload_many(state, pool), asio::detached);
  context.run();
}
BENCHMARK(offload_asio)->Name("offload/asio")->UseRealTime();

}  // namespace
