// The queue of events beside a plain model of it.
#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <eddy/runtime/core.hpp>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "../../runtime/selector/sim/event_queue.hpp"
#include "../../runtime/selector/sim/random.hpp"

using namespace eddy::detail::simulation;

namespace {

class marked final : public event {
 public:
  void happen() noexcept override {}
  void abandon() noexcept override { abandoned = true; }
  bool abandoned = false;
};

using key = std::pair<std::int64_t, std::uint64_t>;

}  // namespace

TEST_CASE("sim: events come by time, ties by their number, also when others are withdrawn") {
  random_source random(1, 1);
  std::deque<marked> events;
  event_queue queue;
  std::map<key, marked*> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t what = random.below(10);
    if (what < 5) {
      const key at(random.between(0, 50), random.next());
      marked& e = events.emplace_back();
      queue.insert(e, at.first, at.second);
      model.emplace(at, &e);
    } else if (what < 8 && !model.empty()) {
      auto gone = model.begin();
      std::advance(gone, random.below(model.size()));
      REQUIRE(gone->second->is_queued());
      queue.remove(*gone->second);
      CHECK_FALSE(gone->second->is_queued());
      model.erase(gone);
    } else {
      const std::int64_t now = random.between(0, 50);
      const bool is_due = !model.empty() && model.begin()->first.first <= now;
      CHECK(queue.pop_due(now) == (is_due ? model.begin()->second : nullptr));
      if (is_due) model.erase(model.begin());
    }
    CHECK(queue.size() == model.size());
    CHECK(queue.first_time() ==
          (model.empty() ? eddy::detail::never_ns : model.begin()->first.first));
  }
  queue.abandon_all();
  for (const auto& [at, e] : model) CHECK(e->abandoned);
}

TEST_CASE("sim: random numbers are the same everywhere, and within their limits") {
  random_source random(42, 1);
  CHECK(random.next() == 16909178023859267131U);
  CHECK(random.next() == 13091766922488973708U);
  CHECK(random_source(42, 1).next() != random_source(42, 2).next());
  CHECK(random_source(42, 1).next() != random_source(43, 1).next());
  std::vector<int> seen(5);
  for (int i = 0; i < 5000; ++i) {
    ++seen[random.below(5)];
    const std::int64_t between = random.between(-3, 3);
    CHECK((between >= -3 && between <= 3));
    const std::uint64_t small = random.small(100);
    CHECK((small >= 1 && small <= 100));
    CHECK(random.small(1) == 1);
  }
  for (const int n : seen) CHECK((n > 900 && n < 1100));
}
