// The public face of the simulated world.
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_files.hpp>
#include <stdexcept>
#include <string>

#include "files.hpp"
#include "world.hpp"

namespace eddy::inline v1::sim {

namespace {

detail::simulation::world& world_for(const char* what) {
  detail::simulation::world* const w = detail::simulation::world::current();
  if (!w) {
    throw std::logic_error(std::string("sim::") + what +
                           ": this thread has no simulated world; make a sim::world, or call it "
                           "inside sim::run");
  }
  return *w;
}

settings with_seed(settings chosen) {
  if (!chosen.has_seed) (void)detail::simulation::seed_from_outside(chosen.seed);
  return chosen;
}

}  // namespace

world::world(const options& o) : world_(new detail::simulation::world(with_seed(o.chosen()))) {}

world::~world() { delete world_; }

std::uint64_t world::seed() const noexcept { return world_->chosen().seed; }

std::uint64_t world::trace_hash() const noexcept { return world_->trace_hash(); }

std::uint64_t seed() { return world_for("seed").chosen().seed; }

std::uint64_t trace_hash() { return world_for("trace_hash").trace_hash(); }

std::uint64_t random() { return world_for("random").program.next(); }

std::uint64_t random(std::uint64_t n) {
  if (n == 0) throw std::invalid_argument("sim::random: there is no number below 0");
  return world_for("random").program.below(n);
}

bool raise(int signal) { return world_for("raise").raise(signal); }

void write_file(std::string_view path, std::string_view bytes) {
  world_for("write_file").files().put(path, bytes);
}

std::optional<std::string> read_file(std::string_view path) {
  const std::string* const found = world_for("read_file").files().find(path);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

bool remove_file(std::string_view path) { return world_for("remove_file").files().remove(path); }

void fail_file(file_call call, std::string_view path, int error, unsigned skipped) {
  world_for("fail_file").files().fail(call, path, error, skipped);
}

}  // namespace eddy::inline v1::sim
