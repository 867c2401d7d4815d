#include "world.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
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

// Above every number that a process has really open.
constexpr int first_descriptor = 1 << 20;

// Behind a call that is not inlined: a coroutine may not keep the address of a thread's variable.
[[gnu::noinline]] world*& world_of_this_thread() noexcept {
  thread_local world* current = nullptr;
  return current;
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

bool seed_from_outside(std::uint64_t& seed) noexcept {
  const char* const text = std::getenv("EDDY_SIM_SEED");
  if (!text || !*text) return false;
  seed = std::strtoull(text, nullptr, 10);
  return true;
}

sim::settings from_outside() {
  sim::settings chosen;
  chosen.other_threads = true;
  chosen.turn_limit = UINT64_MAX;
  (void)seed_from_outside(chosen.seed);
  const char* const order = std::getenv("EDDY_SIM_ORDER");
  if (order && std::string_view(order) == "fifo") chosen.order = sim::order::fifo;
  return chosen;
}

world* world::current() noexcept { return world_of_this_thread(); }

world& here() noexcept { return *world::current(); }

world::world(const sim::settings& chosen)
    : schedule(chosen.seed, for_schedule),
      chances(chosen.seed, for_chances),
      program(chosen.seed, for_program),
      chosen_(chosen),
      files_(std::make_unique<file_system>(*this)),
      network_(std::make_unique<network>(*this)) {
  world*& current = world_of_this_thread();
  if (current) throw std::logic_error("sim: this thread has a simulated world already");
  current = this;
}

world::~world() {
  events_.abandon_all();
  world_of_this_thread() = nullptr;
}

void world::at(std::int64_t time_ns, event& e) {
  const std::uint64_t tie = calm() ? ++events_made_ : schedule.next();
  events_.insert(e, std::max(time_ns, now_), tie);
}

void world::after(std::int64_t delay_ns, callable<void()> what) {
  at(now_ + delay_ns, *new owned_event(std::move(what)));
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

// A usual machine, whatever this one is.
unsigned core_count() noexcept { return 4; }

}  // namespace system
}  // namespace eddy::inline v1::detail
