#include <doctest/doctest.h>

#include <array>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <vector>

namespace {

using eddy::detail::ready_node;
using eddy::detail::ready_queue;

// From the first to the last, whose link nobody may read.
std::vector<const ready_node*> all_of(const ready_queue& queue) {
  std::vector<const ready_node*> result;
  if (queue.empty()) return result;
  const ready_node* at = &queue.first();
  for (; at != &queue.last(); at = at->next) result.push_back(at);
  result.push_back(at);
  return result;
}

eddy::task<> note_turns(std::vector<int>& turns, int who, int times) {
  for (int i = 0; i < times; ++i) {
    turns.push_back(who);
    co_await eddy::yield();
  }
}

}  // namespace

TEST_CASE("ready_queue: first in, first out, also what is pushed while it is read") {
  ready_queue queue;
  std::array<ready_node, 5> n;
  CHECK(queue.empty());
  queue.push(n[0]);
  CHECK(all_of(queue) == std::vector<const ready_node*>{&n[0]});
  queue.clear();
  CHECK(queue.empty());

  queue.push(n[1]);
  queue.push(n[2]);
  ready_node* const second = queue.first().next;  // the first is taken
  queue.push(n[3]);
  queue.begin_at(*second);
  CHECK(all_of(queue) == std::vector<const ready_node*>{&n[2], &n[3]});

  ready_node& first = queue.first();
  ready_node& last = queue.last();
  queue.clear();
  queue.push(n[4]);
  queue.push(first, last);
  CHECK(all_of(queue) == std::vector<const ready_node*>{&n[4], &n[2], &n[3]});
}

// A turn resumes 256: it ends in the middle of these, at another one each time.
TEST_CASE("ready_queue: the order is kept over the ends of turns") {
  constexpr int tasks = 300;
  constexpr int times = 7;
  std::vector<int> turns;
  eddy::run([](std::vector<int>& noted) -> eddy::task<> {
    std::vector<eddy::task<>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(note_turns(noted, i, times));
    co_await eddy::gather(std::move(all));
  }(turns));
  REQUIRE(turns.size() == tasks * times);
  for (std::size_t i = 0; i < turns.size(); ++i) REQUIRE(turns[i] == static_cast<int>(i % tasks));
}
