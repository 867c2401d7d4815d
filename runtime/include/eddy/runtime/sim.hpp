// The simulator: a program in a world of its own, with a virtual clock, seeded schedules, files and
// a network in memory. For tests: link with eddy_sim instead of eddy (pkg-config eddy-sim).
#pragma once

#include <cstdint>
#include <eddy/runtime/callable.hpp>
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
  random,  // any of those that are ready may be next, also before those that came first
};

// See options.
struct settings {
  std::uint64_t seed = 0;
  bool has_seed = false;
  sim::order order = sim::order::random;
  bool other_threads = false;
  unsigned file_faults = 0;
  std::uint64_t turn_limit = 10'000'000;
};

// What a world is like.
//
//   sim::run(program(), sim::options().seed(42));
class options {
 public:
  options() noexcept {}

  // Everything that is not determined follows from it: how many resumptions a turn has and in what
  // order, how late timers are, how long a file, a packet or an offloaded call takes, what
  // sim::random() says. 0 is the calm world: first come, first served, full turns, timers on the
  // nanosecond, everything takes its usual time. Without a call of this: the environment's
  // EDDY_SIM_SEED, else 0; std::invalid_argument if that is no number.
  options& seed(std::uint64_t n) noexcept {
    chosen_.seed = n;
    chosen_.has_seed = true;
    return *this;
  }
  // Default: random. A program that relies on the order in which the ready are resumed, which a
  // real loop keeps, wants fifo. Who is granted an item, a permit or a lock first is the same in
  // both.
  options& order(sim::order o) noexcept {
    chosen_.order = o;
    return *this;
  }
  // Of a thousand calls on files, how many fail, with EIO, ENOSPC or EMFILE. Not in the calm world.
  // Default: 0.
  options& file_faults(unsigned in_thousand) noexcept {
    chosen_.file_faults = in_thousand;
    return *this;
  }
  // A program that has not ended after so many turns of the loop does so with sim::livelock.
  // Default: 10 million, which is seconds, or a minute if each turn is a full one.
  options& turn_limit(std::uint64_t turns) noexcept {
    chosen_.turn_limit = turns;
    return *this;
  }
  // Other threads of the process post to the loop: when nothing is left to happen, the world waits
  // for them, for at most five real seconds. What they do, and when, is in no seed. Default: no.
  options& other_threads(bool on = true) noexcept {
    chosen_.other_threads = on;
    return *this;
  }

  const settings& chosen() const noexcept { return chosen_; }

 private:
  settings chosen_;
};

// Nothing is left to happen, and the program waits; what() names its tasks and where they wait. A
// real loop would sleep for ever. The main task is cancelled, and `run` throws this when it has
// ended. A program that goes on waiting after that, in a shield, is aborted.
class deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The program has had options::turn_limit turns. As deadlock.
class livelock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The world of this thread, as long as it lives; for programs that call eddy::run, or make a loop,
// themselves, and for what is to be there before they start. Loops that are made without one have
// the calm world, or that of EDDY_SIM_SEED, and may have other threads.
class world {
 public:
  // Throws std::logic_error if this thread has one. It ends on this thread, after the loops in it;
  // else the process is aborted.
  explicit world(const options& o = options());
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world();

  std::uint64_t seed() const noexcept;
  // What has happened so far, in 64 bits: the same for one seed and program on every compiler, at
  // every level of optimisation.
  std::uint64_t trace_hash() const noexcept;

 private:
  detail::simulation::world* world_;
};

// eddy::run in a world of its own.
template <class T>
T run(task<T> main, const options& o = options()) {
  const world here(o);
  return eddy::run(std::move(main));
}

// Of this thread's world; std::logic_error if there is none.
std::uint64_t seed();
std::uint64_t trace_hash();
// Numbers for the program's own use, which follow from the seed: any, and one below `n`, which is
// at least 1. Drawing them changes nothing else.
std::uint64_t random();
std::uint64_t random(std::uint64_t n);
// Sends the program a signal, as kill(2) would. False if nobody waits for it: what it does then is
// not simulated.
bool raise(int signal);

// Which seeds are tried.
class exploration {
 public:
  exploration() noexcept {}
  // Default: 1.
  exploration& first(std::uint64_t seed) noexcept {
    first_ = seed;
    return *this;
  }
  // How many, one after the other. Default: 1,000; EDDY_SIM_COUNT in the environment is above that
  // and this. None at all is a std::invalid_argument.
  exploration& count(std::uint64_t n) noexcept {
    count_ = n;
    return *this;
  }
  // What the worlds are like, but for their seeds.
  exploration& with(const options& o) noexcept {
    options_ = o;
    return *this;
  }

  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t count() const noexcept { return count_; }
  const options& with() const noexcept { return options_; }

 private:
  std::uint64_t first_ = 1;
  std::uint64_t count_ = 1000;
  options options_;
};

// What an exploration has found.
struct finding {
  std::uint64_t runs = 0;
  std::exception_ptr error;  // null: no seed fails
  std::uint64_t seed = 0;    // of the last run
  std::uint64_t trace_hash = 0;
};

// Runs program() in a world for each seed, until one throws. With EDDY_SIM_SEED in the environment
// that seed alone.
finding search(callable<task<>()> program, const exploration& where = exploration());

// The same for a test: throws what the first run that fails throws, and tells on standard error how
// to play it again, also when the program aborts (an assert). Returns how many runs there were.
//
//   sim::explore([] { return program(); });
//   // EDDY_SIM_SEED=42 replays it (run 42, trace 7c0ffee5eed5a1ad)
std::uint64_t explore(callable<task<>()> program, const exploration& where = exploration());

}  // namespace sim
}  // namespace eddy::inline v1
