// The public face of the simulated world.
#include <eddy/runtime/sim.hpp>

#include "world.hpp"

namespace eddy::inline v1::sim {

world::world(const options& o) : world_(new detail::simulation::world(o.chosen())) {}

world::~world() { delete world_; }

std::uint64_t world::seed() const noexcept { return world_->chosen().seed; }

std::uint64_t world::trace_hash() const noexcept { return world_->trace_hash(); }

}  // namespace eddy::inline v1::sim
