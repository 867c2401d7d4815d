// How timers of all kinds are counted.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>

#include "memory.hpp"

// To make a million of them takes longer than to measure: once, and not again to find out how many
// iterations fill the time.
inline void with_a_million(benchmark::internal::Benchmark* timers) {
  timers->Arg(1'000'000)->Iterations(200'000);
}

inline void turns_with_live_timers(benchmark::internal::Benchmark* timers) {
  timers->Arg(1000)->Arg(1'000'000)->Iterations(5'000)->Unit(benchmark::kMicrosecond);
}

// CPU time of the longest turn, as the counter max_us. The processor may have been taken away in
// the middle of one: that is not in it.
class longest_turn {
 public:
  void begin() { began_ = cpu_ns(); }
  void end() { longest_ = std::max(longest_, cpu_ns() - began_); }
  void tell(benchmark::State& state) const {
    state.counters["max_us"] = static_cast<double>(longest_) / 1000;
  }

 private:
  std::int64_t began_ = 0;
  std::int64_t longest_ = 0;
};
