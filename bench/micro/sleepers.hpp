// How sleepers of all kinds are counted.
#pragma once

#include <benchmark/benchmark.h>

#include "checks.hpp"
#include "memory.hpp"

// Made before the first is spawned, with room for all their handles already there.
class sleepers_measured {
 public:
  explicit sleepers_measured(benchmark::State& state)
      : state_(state), bytes_before_(heap_bytes()), started_(cpu_ns()) {}

  void all_asleep(std::int64_t asleep, std::size_t bytes_of_handle) {
    const std::int64_t now = cpu_ns();
    const std::size_t bytes = heap_bytes() - bytes_before_;
    check(state_, asleep == state_.range(0));
    state_.counters["spawn_ns"] = each(now - started_);
    state_.counters["bytes"] = each(bytes) + static_cast<double>(bytes_of_handle);
    cancelling_ = cpu_ns();
  }
  void all_joined(std::int64_t joined) {
    state_.counters["cancel_ns"] = each(cpu_ns() - cancelling_);
    state_.SetItemsProcessed(state_.range(0));
    check(state_, joined == state_.range(0));
  }

 private:
  template <class Number>
  double each(Number all) const {
    return static_cast<double>(all) / static_cast<double>(state_.range(0));
  }

  benchmark::State& state_;
  std::size_t bytes_before_;
  std::int64_t started_;
  std::int64_t cancelling_ = 0;
};

inline void in_bulk(benchmark::internal::Benchmark* sleepers) {
  sleepers->Arg(100'000)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);
}
