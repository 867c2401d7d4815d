// What the loop's own steps cost, each beside the same work by threads where there is such a thing.
//   build/bench/core [--benchmark_filter=...]
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <condition_variable>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <mutex>
#include <queue>
#include <semaphore>
#include <thread>
#include <vector>

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

void nested_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    std::int64_t sum = 0;
    for (auto _ : s) sum += co_await nested(10);
    check(s, sum == 42 * static_cast<std::int64_t>(s.iterations()));
  }(state));
}
BENCHMARK(nested_eddy)->Name("ten_nested_awaits/eddy");

void semaphore_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::semaphore slots(1);
    for (auto _ : s) auto permit = co_await slots.acquire();
    check(s, slots.available() == 1);
  }(state));
}
BENCHMARK(semaphore_eddy)->Name("semaphore_uncontended/eddy");

void semaphore_threads(benchmark::State& state) {
  std::counting_semaphore<> slots(1);
  for (auto _ : state) {
    slots.acquire();
    slots.release();
  }
  check(state, slots.try_acquire());
}
BENCHMARK(semaphore_threads)->Name("semaphore_uncontended/threads");

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

// The same by two threads with a mutex and two condition variables.
class blocking_queue {
 public:
  explicit blocking_queue(std::size_t capacity) : capacity_(capacity) {}
  void put(int item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return items_.size() < capacity_; });
    items_.push(item);
    filled_.notify_one();
  }
  int get() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !items_.empty(); });
    const int item = items_.front();
    items_.pop();
    room_.notify_one();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::queue<int> items_;
  std::size_t capacity_;
};

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
