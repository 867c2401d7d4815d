// The simulator: the same program in a world of its own, with a virtual clock, seeded schedules,
// files and a network in memory. For tests: link with eddy_sim instead of eddy.
#pragma once

#include <cstdint>
#include <eddy/runtime/run.hpp>
#include <stdexcept>

namespace eddy::inline v1 {

namespace detail::simulation {
class world;
}

namespace sim {

// What a seed may do to the ready queue.
enum class order : std::uint8_t {
  fifo,    // nothing: first come, first served, as a real loop does
  random,  // any of those that are ready may be next
};

struct settings {
  std::uint64_t seed = 0;
  bool has_seed = false;
  sim::order order = sim::order::random;
  bool other_threads = false;
};

class options {
 public:
  options() noexcept {}
  // 0 is the calm world.
  options& seed(std::uint64_t n) noexcept {
    chosen_.seed = n;
    chosen_.has_seed = true;
    return *this;
  }
  options& order(sim::order o) noexcept {
    chosen_.order = o;
    return *this;
  }
  // Other threads of the process post to the loop: when nothing is left to happen, the world waits
  // for them in reality.
  options& other_threads(bool on = true) noexcept {
    chosen_.other_threads = on;
    return *this;
  }
  const settings& chosen() const noexcept { return chosen_; }

 private:
  settings chosen_;
};

// The world of this thread, as long as this lives.
class world {
 public:
  explicit world(const options& o = options());
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world();

  std::uint64_t seed() const noexcept;
  std::uint64_t trace_hash() const noexcept;

 private:
  detail::simulation::world* world_;
};

// Nothing can happen any more, and the program waits.
class deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class T>
T run(task<T> main, const options& o = options()) {
  const world here(o);
  return eddy::run(std::move(main));
}

}  // namespace sim
}  // namespace eddy::inline v1
