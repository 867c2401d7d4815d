// What the property tests have in common: many worlds of the simulator, each with a seed and an
// order from which everything follows. A test's play takes one of them, and says what is wrong.
//
//   EDDY_SIM_SEED=42 eddy_property_tests_sim -tc='…'   one world again
//   EDDY_PROPERTY_SCHEDULES=10000000                   a longer run, of so many worlds in all
//   EDDY_PROPERTY_SHARD=1/2                            the second half of them
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/sim.hpp>
#include <functional>
#include <string>
#include <vector>

namespace properties {

// The worlds that all properties play together, roughly, if nothing else is said: the sum of their
// shares. (A sweep plays some dozens for each of its own.)
inline constexpr std::uint64_t usual_schedules = 170'000;

// One of the worlds: odd seeds have the order of a real loop, even ones any.
struct schedule {
  std::uint64_t seed;
  bool fifo() const { return seed % 2 == 1; }
  eddy::sim::options options() const {
    return eddy::sim::options().seed(seed).turn_limit(200'000).order(
        fifo() ? eddy::sim::order::fifo : eddy::sim::order::random);
  }
};

// Plays `share` of the usual number of schedules, or of the number that was asked for, until one
// fails. `play` returns what is wrong, or nothing; what it throws is wrong, too.
void property(std::uint64_t share, const std::function<std::string(const schedule&)>& play);

// For a play that runs more than one world.
void count_schedule();

// Runs the main task in the world of a schedule. Errors that nobody can join are added to `errors`.
template <class T>
T run_in(const schedule& s, eddy::task<T> main, std::vector<std::exception_ptr>* errors = nullptr) {
  const eddy::sim::world here(s.options());
  eddy::run_options options;
  if (errors) {
    options.on_error([errors](std::exception_ptr e) { errors->push_back(std::move(e)); });
  }
  return eddy::run(std::move(main), std::move(options));
}

// Numbers that follow from the seed of this thread's world.
inline int below(int n) {
  return static_cast<int>(eddy::sim::random(static_cast<std::uint64_t>(n)));
}
inline bool chance(int percent) { return below(100) < percent; }

// The first thing that was found wrong.
class verdict {
 public:
  void expect(bool holds, const char* what) {
    if (!holds && wrong_.empty()) wrong_ = what;
  }
  void wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  const std::string& text() const { return wrong_; }

 private:
  std::string wrong_;
};

// Counts what is alive: a frame that is not freed, or is when it should not be, shows.
class living {
 public:
  explicit living(int& n) noexcept : n_(n) { ++n_; }
  living(const living&) = delete;
  living& operator=(const living&) = delete;
  ~living() { --n_; }

 private:
  int& n_;
};

}  // namespace properties
