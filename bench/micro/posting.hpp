// The measures of posting, for whatever runs on the other thread: `Side` has post(fn), from its
// constructor's return to its destructor's call.
#pragma once

#include <semaphore>

#include "checks.hpp"
#include "measuring.hpp"

// An item is one function posted, run there, and this thread woken by it.
template <class Side>
void post_round_trips(benchmark::State& state) {
  Side other;
  std::binary_semaphore back(0);
  std::int64_t ran = 0;
  measuring m(state);
  for (auto _ : state) {
    other.post([&] {
      ++ran;
      back.release();
    });
    back.acquire();
  }
  m.stop(iterations_of(state));
  check(state, ran == iterations_of(state));
}

// An item is one of a thousand posted in a row; this thread then waits for the last.
template <class Side>
void post_many(benchmark::State& state) {
  constexpr std::int64_t in_a_row = 1000;
  Side other;
  std::binary_semaphore back(0);
  std::int64_t ran = 0;
  measuring m(state);
  for (auto _ : state) {
    for (std::int64_t i = 0; i + 1 < in_a_row; ++i) other.post([&ran] { ++ran; });
    other.post([&] {
      ++ran;
      back.release();
    });
    back.acquire();
  }
  m.stop(iterations_of(state) * in_a_row);
  state.SetItemsProcessed(iterations_of(state) * in_a_row);
  check(state, ran == iterations_of(state) * in_a_row);
}
