// A benchmark that cannot fail measures nothing: each checks its own result.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

inline void check(benchmark::State& state, bool good) {
  if (!good) state.SkipWithError("wrong result");
}

inline std::int64_t iterations_of(const benchmark::State& state) {
  return static_cast<std::int64_t>(state.iterations());
}
