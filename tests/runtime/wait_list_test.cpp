#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <eddy/runtime/wait_list.hpp>
#include <random>

namespace {

using eddy::detail::listed_waiter;
using eddy::detail::wait_list;

class stander final : public listed_waiter {
 public:
  stander() noexcept {}
  void on_cancel() noexcept override {}
};

std::deque<listed_waiter*> all_of(const wait_list& list) {
  std::deque<listed_waiter*> result;
  for (listed_waiter* w = list.front(); w; w = list.after(*w)) result.push_back(w);
  return result;
}

}  // namespace

TEST_CASE("wait_list: who is the first after another has left from the front can leave, too") {
  wait_list list;
  std::array<stander, 3> w;
  list.push_back(w[0]);
  list.push_back(w[1]);
  CHECK(&list.pop_front() == &w[0]);
  list.push_back(w[0]);  // its link is used again
  list.remove(w[1]);
  CHECK(all_of(list) == std::deque<listed_waiter*>{&w[0]});
  CHECK(&list.pop_front() == &w[0]);
  list.push_back(w[2]);
  list.remove(w[2]);
  CHECK(list.empty());
  list.push_back(w[1]);
  CHECK(list.front() == &w[1]);
}

TEST_CASE("wait_list: it keeps the order, whoever leaves") {
  std::mt19937 random(1);  // the same each time
  wait_list list;
  std::array<stander, 6> standers;
  std::deque<listed_waiter*> model;
  for (int step = 0; step < 20'000; ++step) {
    stander& w = standers[random() % standers.size()];
    const auto place = std::find(model.begin(), model.end(), &w);
    if (place == model.end()) {
      list.push_back(w);
      model.push_back(&w);
    } else if (random() % 2 == 0) {
      list.remove(w);
      model.erase(place);
    } else {
      REQUIRE(&list.pop_front() == model.front());
      model.pop_front();
    }
    REQUIRE(list.size() == model.size());
    REQUIRE(list.empty() == model.empty());
    REQUIRE(all_of(list) == model);
  }
}
