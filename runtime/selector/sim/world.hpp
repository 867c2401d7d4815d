// The simulated world: what stands in for the kernel, its clock and its other threads. One thread
// has one at a time; nothing in it waits, and all that happens in it follows from its seed.
//
// Time is virtual: it stands still while coroutines run, and engine::wait() moves it to the next
// event or deadline. Whatever takes time is an event: a file's answer, an offloaded call's end, a
// packet's arrival.
#pragma once

#include <bit>
#include <cstdint>
#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/operation.hpp>
#include <eddy/runtime/sim.hpp>
#include <memory>
#include <vector>

#include "../signals.hpp"
#include "doorbell.hpp"
#include "event_queue.hpp"
#include "random.hpp"

namespace eddy::inline v1::detail::simulation {

class abort_watch;
class file_system;
class network;

// What the trace hash is made of: events at the engine, without addresses or names.
enum class trace : std::uint8_t {
  turn,       // whether anybody is ready
  ready,      // how many, up to shuffle_window
  moved,      // which of the ready queue comes next
  budget,     // resumptions in this turn
  submit,     // an operation's code and size
  complete,   // its result
  cancel,     // its code
  wait,       // the deadline of a wait, relative
  time,       // where a wait has moved the clock to
  job,        // a call on a lane: begun or done
  signal,
  network,    // whatever the network finds worth telling
  stuck,
};

// The clock at the beginning of the world: a day, so that nothing underflows.
inline constexpr std::int64_t first_instant_ns = 86'400'000'000'000;

// `delay_ns` after `time_ns`, or never.
constexpr std::int64_t later(std::int64_t time_ns, std::int64_t delay_ns) noexcept {
  return delay_ns > never_ns - time_ns ? never_ns : time_ns + delay_ns;
}

// How far the ready queue is shuffled each turn: all of it would make a million ready tasks cost a
// million moves a turn.
inline constexpr std::size_t shuffle_window = 64;

class world {
 public:
  // Becomes the world of this thread. Throws std::logic_error if that has one.
  explicit world(const sim::settings& chosen);
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world();

  // Of this thread, or null.
  static world* current() noexcept;

  const sim::settings& chosen() const noexcept { return chosen_; }
  // Seed 0: everything takes its usual time and comes in order.
  bool calm() const noexcept { return chosen_.seed == 0; }
  std::int64_t now() const noexcept { return now_; }
  // That long from now; what is beyond the end of time never comes.
  std::int64_t in(std::int64_t delay_ns) const noexcept { return later(now_, delay_ns); }

  // Has it happen at the time, or at once in the next wait() if that has passed.
  void at(std::int64_t time_ns, event& e);
  void withdraw(event& e) noexcept { events_.remove(e); }
  // The same for what nobody will withdraw. `what` may not throw.
  void after(std::int64_t delay_ns, callable<void()> what);

  // Ends an operation: on the ready queue, once. Makes the present wait() return.
  void complete(operation& op, int result) noexcept;

  // engine's constructor and destructor, wait() and wake().
  void begin_loop() noexcept {
    ++loops_;
    turns_ = 0;
    stuck_ = 0;
  }
  void end_loop() noexcept { --loops_; }
  void wait(std::int64_t deadline_ns, loop_core* loop) noexcept;
  void wake() noexcept { bell_.ring(); }
  int begin_turn(loop_core& loop) noexcept;

  // A number for a file or socket: the lowest that is free, as kernels do, so that whoever keeps
  // one for too long meets another's. They are above all that this process has really open.
  int new_descriptor();
  void free_descriptor(int fd) noexcept;
  bool has_descriptor(int fd) const noexcept;

  void note(trace what, std::uint64_t value) noexcept {
    const std::uint64_t kind = std::uint64_t{static_cast<std::uint8_t>(what)} << 56;
    hash_ = (std::rotl(hash_, 5) ^ (value + kind)) * 0x9e3779b97f4a7c15;
  }
  void note(trace what, std::int64_t value) noexcept {
    note(what, static_cast<std::uint64_t>(value));
  }
  std::uint64_t trace_hash() const noexcept { return hash_ ^ hash_ >> 32; }

  // What the engine's scheduling draws from; what devices and the network do; the program's own;
  // what passes for entropy.
  random_source schedule;
  random_source chances;
  random_source program;
  random_source entropy;

  file_system& files() noexcept { return *files_; }
  network& net() noexcept { return *network_; }

  // False if nobody watches it. The list of those who do is theirs.
  bool raise(int signal) noexcept;
  signal_watch* first_watch = nullptr;

  abort_watch* aborts = nullptr;  // to be told if the process aborts in this world

 private:
  bool happen_due() noexcept;
  void wait_until(std::int64_t deadline_ns, loop_core* loop) noexcept;
  void idle(loop_core* loop) noexcept;
  std::int64_t lateness() noexcept;
  std::uint64_t draw_budget() noexcept;
  void shuffle(loop_core& loop, std::size_t budget) noexcept;

  sim::settings chosen_;
  std::int64_t now_ = first_instant_ns;
  std::uint64_t hash_ = 0;
  std::uint64_t events_made_ = 0;
  event_queue events_;
  std::vector<bool> descriptors_;  // which are taken
  bool progress_ = false;  // something was put on the ready queue in this wait()
  doorbell bell_;
  std::uint64_t longest_short_turn_ = 0;  // drawn at the first turn
  std::uint64_t turns_ = 0;  // of the loop, as the next
  unsigned stuck_ = 0;  // how often it was told so
  unsigned loops_ = 0;  // that run in it
  std::unique_ptr<file_system> files_;
  std::unique_ptr<network> network_;
};

// The world of this thread, where there must be one.
world& here() noexcept;

// For a loop that nobody made a world for: the calm one, or of the seed in EDDY_SIM_SEED.
sim::settings from_outside();
// The number in that variable of the environment, if it is there and not empty. Throws
// std::invalid_argument if it is no number from `least` to 2^64 - 1: a typing mistake should not
// run another world than was asked for, or none.
bool number_from_outside(const char* variable, std::uint64_t least, std::uint64_t& number);
// The seed in EDDY_SIM_SEED, if there is one; for those who have not chosen any.
bool seed_from_outside(std::uint64_t& seed);

enum class stuck : std::uint8_t { deadlock, livelock };

// Ends a program that does not end: its main task is cancelled, then all that is left, and `run`
// throws the reason; if it goes on for all that (`times`), the process is aborted.
void end_program(const world& w, loop_core& loop, stuck how, unsigned times) noexcept;

}  // namespace eddy::inline v1::detail::simulation
