// What a benchmark costs beside its time: allocations, system calls, instructions, CPU.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>

// Counts what the loop of a benchmark costs, on all threads of the process.
//
//   measuring m(state);                            // behind what the benchmark sets up
//   for (auto _ : state) …
//   m.stop(state.iterations() * items_a_round);
//
// stop() sets counters of one item each: `cpu_ns` (of the process, all threads), and in a counting
// pass (counting.cpp: LD_PRELOAD=libcounting.so) `allocations`, `syscalls` and `instructions` (user
// mode only). The last two come from perf_event_open and are absent where that is refused or the
// machine cannot count; count.py has them from strace and callgrind then. Outside a counting pass
// nothing runs inside the loop, so that no figure of time pays for a counter.
class measuring {
 public:
  explicit measuring(benchmark::State& state);
  measuring(const measuring&) = delete;
  measuring& operator=(const measuring&) = delete;

  void stop(std::int64_t items);

  static constexpr std::size_t kinds = 4;
  using totals = std::array<std::int64_t, kinds>;

 private:
  benchmark::State& state_;
  totals began_;
};
