// The primitives of sync beside plain models of them, which know after each step who waits, who was
// granted what and how many there are. tests/sync plays the same worlds on each selector; here each
// has a loop of its own whose turns, timers and, for even seeds, order follow from the seed.
#include <doctest/doctest.h>

#include "../sync/lock_worlds.hpp"
#include "../sync/permit_worlds.hpp"
#include "../sync/queue_world.hpp"
#include "property.hpp"

using namespace properties;

namespace {

template <class World>
std::string play(const schedule& s) {
  auto body = [&s]() -> eddy::task<std::string> {
    World w(s.seed / 2);
    if (!s.fifo()) w.in_any_order();
    co_return co_await w.play();
  };
  return run_in(s, body());
}

}  // namespace

TEST_CASE("property: queue") { property(6000, play<sync_test::queue_world<sync_test::fifo_kind>>); }

TEST_CASE("property: lifo_queue") {
  property(6000, play<sync_test::queue_world<sync_test::lifo_kind>>);
}

TEST_CASE("property: priority_queue") {
  property(6000, play<sync_test::queue_world<sync_test::priority_kind>>);
}

TEST_CASE("property: semaphore") {
  property(6000, play<sync_test::permit_world<sync_test::any_semaphore>>);
}

TEST_CASE("property: mutex") {
  property(6000, play<sync_test::permit_world<sync_test::any_mutex>>);
}

TEST_CASE("property: event") { property(6000, play<sync_test::event_world>); }

TEST_CASE("property: condition") { property(6000, play<sync_test::condition_world>); }

TEST_CASE("property: barrier") { property(6000, play<sync_test::barrier_world>); }

TEST_CASE("property: rw_lock") { property(6000, play<sync_test::rw_world>); }
