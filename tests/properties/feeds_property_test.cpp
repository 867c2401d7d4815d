// merge, map_concurrent and as_completed in random worlds: sources, calls and readers that wait,
// fail, give up and stop at random.
#include <doctest/doctest.h>

#include "../runtime/feed_world.hpp"
#include "property.hpp"

using namespace properties;

namespace {

template <eddy::task<> (*Plays)(feed_test::world&)>
std::string play(const schedule& s) {
  std::vector<std::exception_ptr> unread;
  feed_test::world w(s.seed);
  run_in(s, Plays(w), &unread);
  w.expect(w.failing() || unread.empty(), "an error from nowhere");
  w.expect(w.alive == 0, "something is left");
  return w.wrong();
}

}  // namespace

TEST_CASE("property: merge") { property(4000, play<feed_test::plays_merge>); }

TEST_CASE("property: map_concurrent") { property(4000, play<feed_test::plays_map>); }

TEST_CASE("property: as_completed") { property(4000, play<feed_test::plays_as_completed>); }
