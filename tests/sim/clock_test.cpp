// The virtual clock, and what is said of a program that waits for ever.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/event.hpp>
#include <string>

#include "../../runtime/selector/system.hpp"
#include "../runtime/drive.hpp"

namespace sim = eddy::sim;
using eddy::task;
using namespace std::chrono_literals;

namespace {

const sim::options calm = sim::options().seed(0);

task<eddy::time_point::duration> nap(eddy::time_point::duration d) {
  const auto begin = eddy::now();
  co_await eddy::sleep(d);
  co_return eddy::now() - begin;
}

task<> wait_for(eddy::event& e) { co_await e.wait(); }

task<> wait_for_ever() {
  eddy::event never;
  auto other = eddy::spawn(wait_for(never), "other");
  co_await never.wait();
}

task<> waits_twice() {
  eddy::event never;
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
  co_await never.wait();
}

}  // namespace

TEST_CASE("sim: in the calm world an hour of sleep takes an hour, and no time") {
  CHECK(sim::run(nap(1h), calm) == 1h);
  CHECK(sim::run(nap(1ns), calm) == 1ns);
  CHECK(sim::run(nap(24h * 365 * 200), calm) == 24h * 365 * 200);
}

TEST_CASE("sim: every world begins at the same instant") {
  const auto begin = []() -> task<eddy::time_point> { co_return eddy::now(); };
  CHECK(sim::run(begin()) == sim::run(begin()));
}

TEST_CASE("sim: the wall clock begins at the same second, and goes with the other") {
  const auto dates = []() -> task<std::int64_t> {
    CHECK(eddy::detail::system::wall_seconds() == 1'700'000'000);
    co_await eddy::sleep(1h + 999ms);
    co_return eddy::detail::system::wall_seconds();
  };
  CHECK(sim::run(dates(), calm) == 1'700'003'600);
}

TEST_CASE("sim: in other worlds timers are never early, sometimes late") {
  int late = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto took = sim::run(nap(1s), sim::options().seed(seed));
    CHECK(took >= 1s);
    CHECK(took < 1s + 5ms);
    late += took > 1s;
  }
  CHECK(late > 10);
  CHECK(late < 90);
}

TEST_CASE("sim: time passes while a program polls") {
  const auto poll = []() -> task<int> {
    const auto end = eddy::now() + 1ms;
    int polls = 0;
    while (eddy::now() < end) {
      ++polls;
      co_await eddy::yield();
    }
    co_return polls;
  };
  CHECK(sim::run(poll(), calm) > 100);
  CHECK(sim::run(poll(), sim::options().seed(7)) > 10);
}

TEST_CASE("sim: a deadlock is reported, with who waits and where") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const std::string text = message_of<sim::deadlock>(
        [&] { sim::run(wait_for_ever(), sim::options().seed(seed)); });
    CHECK(contains(text, "nothing is left to happen"));
    CHECK(contains(text, "\"main\" (clock_test.cpp:"));
    CHECK(contains(text, "\"other\" (clock_test.cpp:"));
  }
}

TEST_CASE("sim: a deadlock ends a program that swallows its cancellation once") {
  CHECK_THROWS_AS(sim::run(waits_twice()), sim::deadlock);
}

TEST_CASE("sim: in a loop of a host a deadlock is thrown by poll_once") {
  const sim::world here(calm);
  eddy::loop loop;
  eddy::event never;
  auto waits = loop.spawn(wait_for(never));
  CHECK(loop.poll_once(1h));
  CHECK_THROWS_AS(loop.poll_once(eddy::time_point::duration::max()), sim::deadlock);
  CHECK_FALSE(loop.poll_once());
  CHECK(waits.done());
}

TEST_CASE("sim: a program that never sleeps and never ends is a livelock") {
  const auto spin = []() -> task<> {
    for (;;) co_await eddy::yield();
  };
  const std::string text = message_of<sim::livelock>(
      [&] { sim::run(spin(), sim::options().turn_limit(1000)); });
  CHECK(contains(text, "not ended after 1000 turns"));
  CHECK(contains(text, "\"main\" (clock_test.cpp:"));
}

TEST_CASE("sim: one world a thread, and none is an error that says what to do") {
  const sim::world here(calm);
  CHECK_THROWS_AS(sim::world(), std::logic_error);
  CHECK(sim::seed() == 0);
}

TEST_CASE("sim: without a world") {
  CHECK(contains(message_of<std::logic_error>([] { (void)sim::random(); }),
                 "sim::random: this thread has no simulated world"));
  CHECK_THROWS_AS(sim::raise(2), std::logic_error);
}
