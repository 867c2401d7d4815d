// Runs of one program in many simulated worlds.
#pragma once

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_network.hpp>
#include <eddy/runtime/task.hpp>
#include <system_error>

namespace network_bench {

// The trace hash of one run in the world of that seed.
inline std::uint64_t run_with(std::uint64_t seed, eddy::task<> (*program)()) {
  const eddy::sim::world here(eddy::sim::options().seed(seed));
  eddy::run(program());
  return here.trace_hash();
}

// The calm world and `count` others. The first few run twice, to the same end.
inline void for_seeds(std::uint64_t count, eddy::task<> (*program)()) {
  constexpr std::uint64_t replayed = 8;
  for (std::uint64_t seed = 0; seed <= count; ++seed) {
    CAPTURE(seed);
    const std::uint64_t hash = run_with(seed, program);
    if (seed < replayed) CHECK(run_with(seed, program) == hash);
  }
}

// The errno value with which it fails; 0 if it does not.
template <class T>
eddy::task<int> error_of(eddy::task<T> body) {
  try {
    (void)co_await std::move(body);
  } catch (const std::system_error& e) {
    co_return e.code().value();
  }
  co_return 0;
}
template <>
inline eddy::task<int> error_of(eddy::task<void> body) {
  try {
    co_await std::move(body);
  } catch (const std::system_error& e) {
    co_return e.code().value();
  }
  co_return 0;
}

}  // namespace network_bench
