// The virtual clock.
#include <doctest/doctest.h>

#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/timer.hpp>

namespace sim = eddy::sim;
using namespace std::chrono_literals;

namespace {

eddy::task<> an_hour() {
  const auto begin = eddy::now();
  co_await eddy::sleep(1h);
  CHECK(eddy::now() - begin == 1h);
}

}  // namespace

TEST_CASE("sim: an hour of sleep takes no time") { sim::run(an_hour()); }
