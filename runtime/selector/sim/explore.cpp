// One program in many worlds.
#include <signal.h>

#include <cstdio>
#include <eddy/runtime/sim.hpp>
#include <stdexcept>

#include "world.hpp"

namespace eddy::inline v1::sim {

namespace {

// As it is, or as EDDY_SIM_SEED and EDDY_SIM_COUNT say.
exploration chosen_from_outside(exploration where) {
  std::uint64_t seed = 0;
  if (detail::simulation::seed_from_outside(seed)) return where.first(seed).count(1);
  std::uint64_t count = 0;
  if (detail::simulation::number_from_outside("EDDY_SIM_COUNT", 1, count)) where.count(count);
  if (where.count() == 0) throw std::invalid_argument("sim: an exploration of no seeds");
  return where;
}

void tell(std::uint64_t seed, std::uint64_t runs, std::uint64_t hash) noexcept {
  std::fprintf(stderr, "EDDY_SIM_SEED=%llu replays it (run %llu, trace %016llx)\n",
               static_cast<unsigned long long>(seed), static_cast<unsigned long long>(runs),
               static_cast<unsigned long long>(hash));
}

}  // namespace

}  // namespace eddy::inline v1::sim

namespace eddy::inline v1::detail::simulation {

// While it lives, an abort in one of its worlds says of which seed it was.
class abort_watch {
 public:
  abort_watch() noexcept;
  abort_watch(const abort_watch&) = delete;
  abort_watch& operator=(const abort_watch&) = delete;
  ~abort_watch() { give_back(); }

  void give_back() noexcept { ::sigaction(SIGABRT, &found_, nullptr); }

 private:
  struct sigaction found_ = {};
};

extern "C" {
// Called by abort(), on the thread that has the world; so it may call what handlers in general may
// not. Whoever was to be told before comes next.
static void eddy_sim_on_abort(int) {
  const world* const w = world::current();
  if (!w || !w->aborts) return;
  std::fprintf(stderr, "EDDY_SIM_SEED=%llu replays it\n",
               static_cast<unsigned long long>(w->chosen().seed));
  w->aborts->give_back();
  ::raise(SIGABRT);
}
}

abort_watch::abort_watch() noexcept {
  struct sigaction action = {};
  action.sa_handler = eddy_sim_on_abort;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGABRT, &action, &found_);
}

}  // namespace eddy::inline v1::detail::simulation

namespace eddy::inline v1::sim {

namespace {

using detail::simulation::abort_watch;

finding try_seeds(callable<task<>()>& program, const exploration& where, abort_watch* aborts) {
  const exploration chosen = chosen_from_outside(where);
  finding found;
  for (std::uint64_t i = 0; i < chosen.count() && !found.error; ++i) {
    found.seed = chosen.first() + i;
    ++found.runs;
    detail::simulation::world here(options(chosen.with()).seed(found.seed).chosen());
    here.aborts = aborts;
    try {
      eddy::run(program());
    } catch (...) {
      found.error = std::current_exception();
    }
    found.trace_hash = here.trace_hash();
  }
  return found;
}

}  // namespace

finding search(callable<task<>()> program, const exploration& where) {
  return try_seeds(program, where, nullptr);
}

std::uint64_t explore(callable<task<>()> program, const exploration& where) {
  abort_watch watch;
  const finding found = try_seeds(program, where, &watch);
  if (!found.error) return found.runs;
  tell(found.seed, found.runs, found.trace_hash);
  std::rethrow_exception(found.error);
}

}  // namespace eddy::inline v1::sim
