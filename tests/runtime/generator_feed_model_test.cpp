#include <doctest/doctest.h>

#include "drive.hpp"
#include "feed_world.hpp"

using eddy::task;
using namespace feed_test;

namespace {

constexpr std::uint64_t seeds = 1500;

template <class Play>
void play_seeds(Play play) {
  int failures = 0;
  eddy::run_options options;
  // Those that nobody has read.
  options.on_error([&](std::exception_ptr) { ++failures; });
  drive(
      [&]() -> task<> {
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
          world w(seed);
          failures = 0;
          co_await play(w);
          w.expect(w.failing() || failures == 0, "an error from nowhere");
          if (w.wrong().empty()) continue;
          FAIL_CHECK("seed ", seed, ": ", w.wrong());
          co_return;
        }
      },
      std::move(options));
}

}  // namespace

TEST_CASE("merge: random schedules keep each source's order and lose nothing") {
  play_seeds(plays_merge);
}

TEST_CASE("map_concurrent: random schedules keep the order and the limit and lose nothing") {
  play_seeds(plays_map);
}

TEST_CASE("as_completed: random schedules lose nothing") { play_seeds(plays_as_completed); }
