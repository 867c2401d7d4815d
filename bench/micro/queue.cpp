// One item through a bounded queue, from a task that puts to one that gets.
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/queue.hpp>
#include <thread>

#include "blocking_queue.hpp"
#include "checks.hpp"
#include "floor.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

void finish(benchmark::State& state, measuring& counted) {
  const std::int64_t items = iterations_of(state) * items_a_round;
  counted.stop(items);
  state.SetItemsProcessed(items);
}

eddy::task<> produce(eddy::queue<int>& q) {
  for (int i = 0; i < items_a_round; ++i) co_await q.put(i);
}

eddy::task<std::int64_t> consume(eddy::queue<int>& q) {
  std::int64_t sum = 0;
  for (int i = 0; i < items_a_round; ++i) sum += co_await q.get();
  co_return sum;
}

template <std::size_t capacity>
void queue_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::queue<int> q(capacity);
    measuring counted(s);
    for (auto _ : s) {
      auto [nothing, sum] = co_await eddy::gather(produce(q), consume(q));
      check(s, sum == sum_of_round);
    }
    finish(s, counted);
  }(state));
}
BENCHMARK(queue_eddy<1>)->Name("queue_cap1/eddy");
BENCHMARK(queue_eddy<1024>)->Name("queue_cap1024/eddy");

bare::task bare_produce(bare::queue& q) {
  for (int i = 0; i < items_a_round; ++i) {
    while (q.full()) co_await q.until_room();
    q.put(i);
  }
  co_return 0;
}

bare::task bare_consume(bare::queue& q) {
  int sum = 0;
  for (int i = 0; i < items_a_round; ++i) {
    while (q.empty()) co_await q.until_filled();
    sum += q.get();
  }
  co_return sum;
}

bare::task bare_queue(benchmark::State& state, std::size_t capacity) {
  bare::queue q(capacity);
  measuring counted(state);
  for (auto _ : state) {
    bare::task producer = bare_produce(q);
    bare::task consumer = bare_consume(q);
    producer.spawn();
    consumer.spawn();
    co_await producer.join();
    const int sum = co_await consumer.join();
    check(state, sum == sum_of_round);
  }
  finish(state, counted);
  co_return 0;
}
template <std::size_t capacity>
void queue_floor(benchmark::State& state) {
  bare::run(bare_queue(state, capacity));
}
BENCHMARK(queue_floor<1>)->Name("queue_cap1/floor");
BENCHMARK(queue_floor<1024>)->Name("queue_cap1024/floor");

template <std::size_t capacity>
void queue_threads(benchmark::State& state) {
  blocking_queue q(capacity);
  measuring counted(state);
  for (auto _ : state) {
    std::thread producer([&] {
      for (int i = 0; i < items_a_round; ++i) q.put(i);
    });
    std::int64_t sum = 0;
    for (int i = 0; i < items_a_round; ++i) sum += q.get();
    producer.join();
    check(state, sum == sum_of_round);
  }
  finish(state, counted);
}
BENCHMARK(queue_threads<1>)->Name("queue_cap1/threads")->UseRealTime();
BENCHMARK(queue_threads<1024>)->Name("queue_cap1024/threads")->UseRealTime();

}  // namespace
