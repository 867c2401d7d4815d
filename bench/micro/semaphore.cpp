// A permit is acquired and released: by one that never waits, and by 100 on 10 permits.
#include <atomic>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/semaphore.hpp>
#include <semaphore>
#include <thread>
#include <vector>

#include "checks.hpp"
#include "floor.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

// The semaphore's address is known elsewhere, and between acquire and release memory is looked at,
// as if something were done with the permit: otherwise a compiler that sees all of it takes one
// from the count and adds one to it not at all.
template <class Semaphore>
void seen_by_others(Semaphore& slots) {
  Semaphore* address = &slots;
  benchmark::DoNotOptimize(address);
}

void semaphore_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::semaphore slots(1);
    seen_by_others(slots);
    bool always_taken = true;
    measuring counted(s);
    for (auto _ : s) {
      {
        auto permit = co_await slots.acquire();
        benchmark::ClobberMemory();
        always_taken &= slots.available() == 0;
      }
      benchmark::ClobberMemory();
    }
    counted.stop(iterations_of(s));
    check(s, always_taken && slots.available() == 1);
  }(state));
}
BENCHMARK(semaphore_eddy)->Name("semaphore_uncontended/eddy");

bare::task bare_semaphore(benchmark::State& state) {
  bare::semaphore slots(1);
  seen_by_others(slots);
  bool always_taken = true;
  measuring counted(state);
  for (auto _ : state) {
    co_await bare::semaphore::acquire(slots);
    benchmark::ClobberMemory();
    always_taken &= slots.available() == 0;
    slots.release();
    benchmark::ClobberMemory();
  }
  counted.stop(iterations_of(state));
  check(state, always_taken && slots.available() == 1);
  co_return 0;
}
void semaphore_floor(benchmark::State& state) { bare::run(bare_semaphore(state)); }
BENCHMARK(semaphore_floor)->Name("semaphore_uncontended/floor");

void semaphore_threads(benchmark::State& state) {
  std::counting_semaphore<> slots(1);
  seen_by_others(slots);
  measuring counted(state);
  for (auto _ : state) {
    slots.acquire();
    benchmark::ClobberMemory();
    slots.release();
    benchmark::ClobberMemory();
  }
  counted.stop(iterations_of(state));
  check(state, slots.try_acquire() && !slots.try_acquire());
}
BENCHMARK(semaphore_threads)->Name("semaphore_uncontended/threads");

void finish_contended(benchmark::State& state, measuring& counted, const holders& inside) {
  const std::int64_t acquisitions = iterations_of(state) * acquisitions_a_round;
  counted.stop(acquisitions);
  state.SetItemsProcessed(acquisitions);
  check(state, inside.now == 0 && inside.most == contended_permits);
}

eddy::task<> contend(eddy::semaphore& slots, holders& inside) {
  for (int i = 0; i < acquisitions_each; ++i) {
    auto permit = co_await slots.acquire();
    inside.enter();
    co_await eddy::yield();
    inside.leave();
  }
}

void contended_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    eddy::semaphore slots(contended_permits);
    holders inside;
    measuring counted(s);
    for (auto _ : s) {
      std::vector<eddy::task<>> tasks;
      tasks.reserve(contenders);
      for (int i = 0; i < contenders; ++i) tasks.push_back(contend(slots, inside));
      co_await eddy::gather(std::move(tasks));
    }
    finish_contended(s, counted, inside);
    check(s, slots.available() == contended_permits);
  }(state));
}
BENCHMARK(contended_eddy)->Name("semaphore_contended/eddy");

bare::task bare_contend(bare::semaphore& slots, holders& inside) {
  for (int i = 0; i < acquisitions_each; ++i) {
    co_await bare::semaphore::acquire(slots);
    inside.enter();
    co_await bare::yield();
    inside.leave();
    slots.release();
  }
  co_return 0;
}

bare::task bare_contended(benchmark::State& state) {
  bare::semaphore slots(contended_permits);
  holders inside;
  measuring counted(state);
  for (auto _ : state) {
    std::vector<bare::task> tasks;
    tasks.reserve(contenders);
    for (int i = 0; i < contenders; ++i) {
      tasks.push_back(bare_contend(slots, inside));
      tasks.back().spawn();
    }
    for (const bare::task& t : tasks) co_await t.join();
  }
  finish_contended(state, counted, inside);
  check(state, slots.available() == contended_permits);
  co_return 0;
}
void contended_floor(benchmark::State& state) { bare::run(bare_contended(state)); }
BENCHMARK(contended_floor)->Name("semaphore_contended/floor");

// A thread that got a permit may have released it before another comes: how many are inside at
// once is not certain, only that there are never too many.
void contended_threads(benchmark::State& state) {
  std::counting_semaphore<> slots(contended_permits);
  std::atomic<int> inside = 0;
  std::atomic<bool> too_many = false;
  measuring counted(state);
  for (auto _ : state) {
    std::vector<std::thread> threads;
    threads.reserve(contenders);
    for (int i = 0; i < contenders; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < acquisitions_each; ++n) {
          slots.acquire();
          if (inside.fetch_add(1, std::memory_order_relaxed) >= contended_permits) too_many = true;
          std::this_thread::yield();
          inside.fetch_sub(1, std::memory_order_relaxed);
          slots.release();
        }
      });
    }
    for (std::thread& t : threads) t.join();
  }
  counted.stop(iterations_of(state) * acquisitions_a_round);
  state.SetItemsProcessed(iterations_of(state) * acquisitions_a_round);
  check(state, inside == 0 && !too_many);
}
BENCHMARK(contended_threads)->Name("semaphore_contended/threads")->UseRealTime();

}  // namespace
