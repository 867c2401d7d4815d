#include "world.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "../system.hpp"
#include "files.hpp"
#include "network.hpp"

namespace eddy::inline v1::detail {
namespace simulation {

namespace {

// What the streams of random numbers are for.
constexpr std::uint64_t for_schedule = 1;
constexpr std::uint64_t for_chances = 2;
constexpr std::uint64_t for_program = 3;
constexpr std::uint64_t for_entropy = 4;

// Above every number that a process has really open.
constexpr int first_descriptor = 1 << 20;

// Behind a call that is not inlined: a coroutine may not keep the address of a thread's variable.
[[gnu::noinline]] world*& world_of_this_thread() noexcept {
  thread_local world* current = nullptr;
  return current;
}

// A destructor cannot throw, and what follows would use what is gone.
[[noreturn]] void give_up(const char* why) noexcept {
  std::fprintf(stderr, "%s\n", why);
  std::abort();
}

class owned_event final : public event {
 public:
  explicit owned_event(callable<void()>&& what) noexcept : what_(std::move(what)) {}
  void happen() noexcept override {
    callable<void()> what = std::move(what_);
    delete this;
    what();
  }
  void abandon() noexcept override { delete this; }

 private:
  ~owned_event() = default;
  callable<void()> what_;
};

}  // namespace

bool number_from_outside(const char* variable, std::uint64_t least, std::uint64_t& number) {
  const char* const value = std::getenv(variable);
  if (!value || !*value) return false;
  const std::string_view text(value);
  std::uint64_t read = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (error != std::errc() || end != text.data() + text.size() || read < least) {
    throw std::invalid_argument(std::string(variable)
                                    .append("=")
                                    .append(text)
                                    .append(": not a number from ")
                                    .append(std::to_string(least))
                                    .append(" to ")
                                    .append(std::to_string(UINT64_MAX)));
  }
  number = read;
  return true;
}

bool seed_from_outside(std::uint64_t& seed) {
  return number_from_outside("EDDY_SIM_SEED", 0, seed);
}

sim::settings from_outside() {
  sim::settings chosen;
  chosen.other_threads = true;
  chosen.turn_limit = UINT64_MAX;
  (void)seed_from_outside(chosen.seed);
  const char* const order = std::getenv("EDDY_SIM_ORDER");
  if (order && std::string_view(order) == "fifo") {
    chosen.order = sim::order::fifo;
  } else if (order && *order && std::string_view(order) != "random") {
    throw std::invalid_argument(std::string("EDDY_SIM_ORDER=").append(order) +
                                ": not fifo or random");
  }
  return chosen;
}

world* world::current() noexcept { return world_of_this_thread(); }

world& here() noexcept { return *world::current(); }

world::world(const sim::settings& chosen)
    : schedule(chosen.seed, for_schedule),
      chances(chosen.seed, for_chances),
      program(chosen.seed, for_program),
      entropy(chosen.seed, for_entropy),
      chosen_(chosen),
      files_(std::make_unique<file_system>(*this)),
      network_(std::make_unique<network>(*this)) {
  check_chance("options::file_faults", chosen.file_faults);
  world*& current = world_of_this_thread();
  if (current) throw std::logic_error("sim: this thread has a simulated world already");
  current = this;
}

world::~world() {
  if (current() != this) give_up("sim: a world ends on another thread than its own");
  if (loops_ > 0) give_up("sim: a world ends before a loop in it; end the loop first");
  events_.abandon_all();
  world_of_this_thread() = nullptr;
}

void world::at(std::int64_t time_ns, event& e) {
  const std::uint64_t tie = calm() ? ++events_made_ : schedule.next();
  events_.insert(e, std::max(time_ns, now_), tie);
}

void world::after(std::int64_t delay_ns, callable<void()> what) {
  at(in(delay_ns), *new owned_event(std::move(what)));
}

void world::complete(operation& op, int result) noexcept {
  note(trace::complete, std::int64_t{result});
  progress_ = true;
  op.result = result;
  op.wake();
}

int world::new_descriptor() {
  const auto free = std::find(descriptors_.begin(), descriptors_.end(), false);
  const auto index = free - descriptors_.begin();
  if (free == descriptors_.end()) {
    descriptors_.push_back(true);
  } else {
    *free = true;
  }
  return first_descriptor + static_cast<int>(index);
}

bool world::has_descriptor(int fd) const noexcept {
  const auto index = static_cast<std::size_t>(fd - first_descriptor);
  return fd >= first_descriptor && index < descriptors_.size() && descriptors_[index];
}

void world::free_descriptor(int fd) noexcept {
  descriptors_[static_cast<std::size_t>(fd - first_descriptor)] = false;
}

}  // namespace simulation

namespace system {

std::int64_t clock_ns() noexcept {
  const auto* w = simulation::world::current();
  if (w) return w->now();
  // A thread without a world is a real one, and waits in real time.
  const auto real = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(real).count();
}

int fill_random(void* out, std::size_t size) noexcept {
  auto* const w = simulation::world::current();
  if (!w) return -ENOSYS;
  auto* to = static_cast<unsigned char*>(out);
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<unsigned char>(w->entropy.next());
  return 0;
}

// A world begins at 2023-11-14 22:13:20 UTC.
std::int64_t wall_seconds() noexcept {
  constexpr std::int64_t first_second = 1'700'000'000;
  const auto* w = simulation::world::current();
  if (w) return first_second + (w->now() - simulation::first_instant_ns) / 1'000'000'000;
  const auto real = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(real).count();
}

// A usual machine, whatever this one is.
unsigned core_count() noexcept { return 4; }

}  // namespace system
}  // namespace eddy::inline v1::detail
