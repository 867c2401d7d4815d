// For tests that a simulated world does not suit.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <eddy/runtime/loop.hpp>

inline bool is_simulated() { return eddy::selector_name() == "simulated"; }

// It has no real signals and descriptors, and not the system's clock.
inline doctest::skip needs_a_kernel() { return doctest::skip(is_simulated()); }

// With a seed its turns are short, and its timers late.
inline doctest::skip needs_full_turns() {
  return doctest::skip(is_simulated() && std::getenv("EDDY_SIM_SEED"));
}
