// Asio: functions posted to the thread of a context, and calls on a thread pool.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <thread>

#include "checks.hpp"
#include "measuring.hpp"
#include "posting.hpp"

namespace {

class asio_side {
 public:
  asio_side() : thread_([this] { context_.run(); }) {}
  asio_side(const asio_side&) = delete;
  asio_side& operator=(const asio_side&) = delete;
  ~asio_side() {
    guard_.reset();
    thread_.join();
  }
  template <class F>
  void post(F fn) {
    asio::post(context_, std::move(fn));
  }

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(context_);
  std::thread thread_;
};

void round_trip_asio(benchmark::State& state) { post_round_trips<asio_side>(state); }
BENCHMARK(round_trip_asio)->Name("cross_thread_post/asio")->UseRealTime();

void throughput_asio(benchmark::State& state) { post_many<asio_side>(state); }
BENCHMARK(throughput_asio)->Name("cross_thread_post_1000/asio")->UseRealTime();

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
