// What the loop's own steps cost, each beside the floor, which is the same work on bare coroutines
// (floor.hpp), and by threads where there is such a thing. core.py runs it and gives the ratios.
//   build/bench/core [--benchmark_filter=...]
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <semaphore>
#include <thread>
#include <vector>

#include "micro/blocking_queue.hpp"
#include "micro/floor.hpp"

namespace {

using namespace std::chrono_literals;

eddy::task<int> answer() { co_return 42; }

eddy::task<int> nested(int depth) {
  if (depth == 0) co_return 42;
  const int below = co_await nested(depth - 1);
  co_return below;
}

// A benchmark that cannot fail measures nothing.
void check(benchmark::State& state, bool good) {
  if (!good) state.SkipWithError("wrong result");
}

void spawn_join_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    for (auto _ : s) {
      auto handle = eddy::spawn(answer());
      sum += co_await handle;
    }
    check(s, sum == 42 * static_cast<std::int64_t>(s.iterations()));
  }(state));
}
BENCHMARK(spawn_join_eddy)->Name("spawn_join/eddy");

bare::task bare_answer() { co_return 42; }

bare::task bare_spawn_join(benchmark::State& state) {
  std::int64_t sum = 0;
  for (auto _ : state) {
    bare::task spawned = bare_answer();
    spawned.spawn();
    sum += co_await spawned.join();
  }
  check(state, sum == 42 * static_cast<std::int64_t>(state.iterations()));
  co_return 0;
}
void spawn_join_floor(benchmark::State& state) { bare::run(bare_spawn_join(state)); }
BENCHMARK(spawn_join_floor)->Name("spawn_join/floor");

void spawn_join_threads(benchmark::State& state) {
  std::int64_t sum = 0;
  for (auto _ : state) {
    int result = 0;
    std::thread thread([&] { result = 42; });
    thread.join();
    sum += result;
  }
  check(state, sum == 42 * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(spawn_join_threads)->Name("spawn_join/threads")->UseRealTime();

void yield_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    for (auto _ : s) co_await eddy::yield();
  }(state));
}
BENCHMARK(yield_eddy)->Name("yield/eddy");

bare::task bare_yield(benchmark::State& state) {
  for (auto _ : state) co_await bare::yield();
  co_return 0;
}
void yield_floor(benchmark::State& state) { bare::run(bare_yield(state)); }
BENCHMARK(yield_floor)->Name("yield/floor");

void nested_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    for (auto _ : s) sum += co_await nested(10);
    check(s, sum == 42 * static_cast<std::int64_t>(s.iterations()));
  }(state));
}
BENCHMARK(nested_eddy)->Name("ten_nested_awaits/eddy");

bare::task bare_nested(int depth) {
  if (depth == 0) co_return 42;
  const int below = co_await bare_nested(depth - 1);
  co_return below;
}

bare::task bare_nested_awaits(benchmark::State& state) {
  std::int64_t sum = 0;
  for (auto _ : state) sum += co_await bare_nested(10);
  check(state, sum == 42 * static_cast<std::int64_t>(state.iterations()));
  co_return 0;
}
void nested_floor(benchmark::State& state) { bare::run(bare_nested_awaits(state)); }
BENCHMARK(nested_floor)->Name("ten_nested_awaits/floor");

void semaphore_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::semaphore slots(1);
    for (auto _ : s) auto permit = co_await slots.acquire();
    check(s, slots.available() == 1);
  }(state));
}
BENCHMARK(semaphore_eddy)->Name("semaphore_uncontended/eddy");

bare::task bare_semaphore(benchmark::State& state) {
  bare::semaphore slots(1);
  for (auto _ : state) {
    co_await bare::semaphore::acquire(slots);
    slots.release();
  }
  co_return 0;
}
void semaphore_floor(benchmark::State& state) { bare::run(bare_semaphore(state)); }
BENCHMARK(semaphore_floor)->Name("semaphore_uncontended/floor");

void semaphore_threads(benchmark::State& state) {
  std::counting_semaphore<> slots(1);
  for (auto _ : state) {
    slots.acquire();
    slots.release();
  }
  check(state, slots.try_acquire());
}
BENCHMARK(semaphore_threads)->Name("semaphore_uncontended/threads");

// 100 tasks on 10 permits; each holds its permit over one yield. An iteration is one acquisition.
constexpr int contenders = 100;
constexpr std::size_t contended_permits = 10;
constexpr int acquisitions_each = 100;

eddy::task<> contend(eddy::semaphore& slots) {
  for (int i = 0; i < acquisitions_each; ++i) {
    auto permit = co_await slots.acquire();
    co_await eddy::yield();
  }
}

void contended_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::semaphore slots(contended_permits);
    for (auto _ : s) {
      std::vector<eddy::task<>> tasks;
      for (int i = 0; i < contenders; ++i) tasks.push_back(contend(slots));
      co_await eddy::gather(std::move(tasks));
    }
    check(s, slots.available() == contended_permits);
    s.SetItemsProcessed(static_cast<std::int64_t>(s.iterations()) * contenders * acquisitions_each);
  }(state));
}
BENCHMARK(contended_eddy)->Name("semaphore_contended/eddy");

bare::task bare_contend(bare::semaphore& slots) {
  for (int i = 0; i < acquisitions_each; ++i) {
    co_await bare::semaphore::acquire(slots);
    co_await bare::yield();
    slots.release();
  }
  co_return 0;
}

bare::task bare_contended(benchmark::State& state) {
  bare::semaphore slots(contended_permits);
  for (auto _ : state) {
    std::vector<bare::task> tasks;
    tasks.reserve(contenders);
    for (int i = 0; i < contenders; ++i) {
      tasks.push_back(bare_contend(slots));
      tasks.back().spawn();
    }
    for (const bare::task& t : tasks) co_await t.join();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * contenders *
                          acquisitions_each);
  co_return 0;
}
void contended_floor(benchmark::State& state) { bare::run(bare_contended(state)); }
BENCHMARK(contended_floor)->Name("semaphore_contended/floor");

void contended_threads(benchmark::State& state) {
  std::counting_semaphore<> slots(contended_permits);
  for (auto _ : state) {
    std::vector<std::thread> threads;
    for (int i = 0; i < contenders; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < acquisitions_each; ++n) {
          slots.acquire();
          std::this_thread::yield();
          slots.release();
        }
      });
    }
    for (std::thread& t : threads) t.join();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * contenders *
                          acquisitions_each);
}
BENCHMARK(contended_threads)->Name("semaphore_contended/threads")->UseRealTime();

constexpr int items_a_round = 1000;

eddy::task<> produce(eddy::queue<int>& q) {
  for (int i = 0; i < items_a_round; ++i) co_await q.put(i);
}

eddy::task<std::int64_t> consume(eddy::queue<int>& q) {
  std::int64_t sum = 0;
  for (int i = 0; i < items_a_round; ++i) sum += co_await q.get();
  co_return sum;
}

void queue_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::queue<int> q(static_cast<std::size_t>(s.range(0)));
    for (auto _ : s) {
      auto [nothing, sum] = co_await eddy::gather(produce(q), consume(q));
      check(s, sum == items_a_round * (items_a_round - 1) / 2);
    }
    s.SetItemsProcessed(static_cast<std::int64_t>(s.iterations()) * items_a_round);
  }(state));
}
BENCHMARK(queue_eddy)->Name("queue/eddy")->Arg(1)->Arg(1024);

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

bare::task bare_queue(benchmark::State& state) {
  bare::queue q(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    bare::task producer = bare_produce(q);
    bare::task consumer = bare_consume(q);
    producer.spawn();
    consumer.spawn();
    co_await producer.join();
    const int sum = co_await consumer.join();
    check(state, sum == items_a_round * (items_a_round - 1) / 2);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * items_a_round);
  co_return 0;
}
void queue_floor(benchmark::State& state) { bare::run(bare_queue(state)); }
BENCHMARK(queue_floor)->Name("queue/floor")->Arg(1)->Arg(1024);

void queue_threads(benchmark::State& state) {
  blocking_queue q(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::thread producer([&] {
      for (int i = 0; i < items_a_round; ++i) q.put(i);
    });
    std::int64_t sum = 0;
    for (int i = 0; i < items_a_round; ++i) sum += q.get();
    producer.join();
    check(state, sum == items_a_round * (items_a_round - 1) / 2);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * items_a_round);
}
BENCHMARK(queue_threads)->Name("queue/threads")->Arg(1)->Arg(1024)->UseRealTime();

void timeout_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    for (auto _ : s) sum += co_await eddy::with_timeout(1h, answer());
    check(s, sum == 42 * static_cast<std::int64_t>(s.iterations()));
  }(state));
}
BENCHMARK(timeout_eddy)->Name("with_timeout_not_fired/eddy");

eddy::task<> sleep_for_ever() { co_await eddy::sleep(1000h); }

void cancel_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t cancelled = 0;
    for (auto _ : s) {
      auto handle = eddy::spawn(sleep_for_ever());
      co_await eddy::yield();
      handle.cancel();
      try {
        co_await handle;
      } catch (const eddy::task_cancelled&) {
        ++cancelled;
      }
    }
    check(s, cancelled == static_cast<std::int64_t>(s.iterations()));
  }(state));
}
BENCHMARK(cancel_eddy)->Name("cancel_sleeping/eddy");

// Heap bytes of each of 100,000 spawned tasks that sleep, handle included.
void sleepers_eddy(benchmark::State& state) {
  constexpr std::size_t count = 100'000;
  constexpr double most_bytes_each = 512;
  for (auto _ : state) {
    eddy::run([](benchmark::State& s) -> eddy::task<> {
      std::vector<eddy::join_handle<>> handles;
      handles.reserve(count);
      const std::size_t before = ::mallinfo2().uordblks;
      for (std::size_t i = 0; i < count; ++i) handles.push_back(eddy::spawn(sleep_for_ever()));
      co_await eddy::sleep(1ns);
      const std::size_t after = ::mallinfo2().uordblks;
      const double each = static_cast<double>(after - before) / count + sizeof(handles[0]);
      s.counters["bytes_each"] = each;
      check(s, each > 0 && each < most_bytes_each);
    }(state));
  }
}
BENCHMARK(sleepers_eddy)
    ->Name("sleepers_100000/eddy")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Spawns sleeping children into one group, joins another, cancels the group: time of each child,
// and heap bytes of each that are left when it is over.
void group_eddy(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t enough_to_tell = 100'000;  // the frame pool keeps some of them
  constexpr double most_bytes_left = 16;
  for (auto _ : state) {
    eddy::run([](benchmark::State& s, std::size_t children) -> eddy::task<> {
      const std::size_t before = ::mallinfo2().uordblks;
      co_await eddy::with_task_group([&](eddy::task_group& group) -> eddy::task<> {
        for (std::size_t i = 0; i < children; ++i) group.spawn(sleep_for_ever());
        auto last = group.spawn(answer());
        const int result = co_await last;
        check(s, result == 42 && group.size() == children);
        group.cancel();
      });
      const std::size_t after = ::mallinfo2().uordblks;
      const double left = static_cast<double>(after) - static_cast<double>(before);
      s.counters["bytes_left"] = left / static_cast<double>(children);
      check(s, children < enough_to_tell || s.counters["bytes_left"] < most_bytes_left);
    }(state, count));
  }
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(count),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(group_eddy)
    ->Name("task_group/eddy")
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
