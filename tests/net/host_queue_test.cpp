#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "../../net/http/host_queue.hpp"

using eddy::http::host_queue;
using eddy::http::queued_host;

TEST_CASE("a host_queue hands out its members by turn") {
  host_queue queue;
  CHECK(queue.first() == nullptr);
  std::vector<queued_host> hosts(100);
  std::vector<std::uint64_t> turns(hosts.size());
  for (std::size_t i = 0; i < turns.size(); ++i) turns[i] = i + 1;
  std::shuffle(turns.begin(), turns.end(), std::mt19937(1));
  for (std::size_t i = 0; i < hosts.size(); ++i) queue.add(hosts[i], turns[i]);
  for (std::uint64_t expected = 1; expected <= hosts.size(); ++expected) {
    queued_host* const first = queue.first();
    REQUIRE(first);
    CHECK(first->is_queued);
    CHECK(first->turn == expected);
    queue.remove(*first);
    CHECK_FALSE(first->is_queued);
  }
  CHECK(queue.first() == nullptr);
}

TEST_CASE("a host_queue is right after any sequence of additions and removals") {
  std::mt19937 draw(3);
  host_queue queue;
  std::vector<queued_host> hosts(60);
  std::vector<queued_host*> inside;
  std::uint64_t turn = 0;
  for (int i = 0; i < 20000; ++i) {
    queued_host& h = hosts[draw() % hosts.size()];
    if (h.is_queued) {
      queue.remove(h);
      std::erase(inside, &h);
    } else {
      // Mostly at the end, and sometimes before many.
      queue.add(h, draw() % 4 == 0 ? turn / 2 * 3 + 1 : (turn += 3));
      inside.push_back(&h);
    }
    const auto least = std::min_element(
        inside.begin(), inside.end(),
        [](const queued_host* left, const queued_host* right) { return left->turn < right->turn; });
    REQUIRE((queue.first() == nullptr) == inside.empty());
    if (!inside.empty()) REQUIRE(queue.first()->turn == (*least)->turn);
  }
}
