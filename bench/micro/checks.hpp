// A benchmark that cannot fail measures nothing: each checks its own result.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>

// The program then ends with 1.
inline bool a_check_failed = false;

// With EDDY_BENCH_SPOIL in the environment every check fails: for the test that this is noticed.
inline void check(benchmark::State& state, bool good) {
  static const bool spoiled = std::getenv("EDDY_BENCH_SPOIL") != nullptr;
  if (good && !spoiled) return;
  a_check_failed = true;
  state.SkipWithError("wrong result");
}

inline std::int64_t iterations_of(const benchmark::State& state) {
  return static_cast<std::int64_t>(state.iterations());
}
