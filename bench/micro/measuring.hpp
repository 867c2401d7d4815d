// What a measured loop costs beside its time.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

// Declared before `for (auto _ : state)`, ended after it.
class measuring {
 public:
  explicit measuring(benchmark::State& state);
  // Sets the counters: each of so many items.
  void stop(std::int64_t items);

 private:
  benchmark::State& state_;
};
