// What lifo_queue and priority_queue do otherwise than queue: the order of the items.
#include <doctest/doctest.h>

#include <algorithm>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/queue.hpp>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../runtime/tracked.hpp"
#include "queue_tasks.hpp"
#include "tasks.hpp"

using eddy::lifo_queue;
using eddy::priority_queue;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

namespace {

template <class Queue>
task<int> get_from(Queue& q) {
  co_return co_await q.get();
}
template <class Queue>
task<> put_into(Queue& q, int item) {
  co_await q.put(item);
}

struct by_value {
  bool operator()(const tracked& a, const tracked& b) const { return a.get() < b.get(); }
};

// A priority and who has it.
using job = std::pair<int, char>;
struct by_first {
  bool operator()(const job& a, const job& b) const { return a.first < b.first; }
};

}  // namespace

TEST_CASE("lifo_queue: last in, first out, as it grows") {
  lifo_queue<int> q;
  std::vector<int> expected;
  bool same = true;
  for (int i = 0; i < 1000; ++i) {
    same = same && q.try_put(i);
    expected.push_back(i);
    if (i % 3 != 0) continue;
    same = same && q.try_get() == expected.back();
    expected.pop_back();
  }
  CHECK(same);
  std::reverse(expected.begin(), expected.end());
  CHECK(drained(q) == expected);
}

TEST_CASE("lifo_queue: a getter takes what is last when it runs, getters in the order they came") {
  auto body = []() -> task<> {
    lifo_queue<int> q;
    auto a = spawn(get_from(q));
    auto b = spawn(get_from(q));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    CHECK_FALSE(q.try_get());
    CHECK(q.try_put(3));
    const int first = co_await a;
    const int second = co_await b;
    CHECK(first == 3);
    CHECK(second == 2);
    CHECK(q.try_get() == 1);
  };
  eddy::run(body());
}

TEST_CASE("lifo_queue: a putter that waited is in the queue when it is served") {
  auto body = []() -> task<> {
    lifo_queue<int> q(2);
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    auto third = spawn(put_into(q, 3));
    auto fourth = spawn(put_into(q, 4));
    co_await eddy::yield();
    CHECK(q.waiting_putters() == 2);
    CHECK(drained(q) == std::vector<int>{2, 3, 4, 1});
    co_await third;
    co_await fourth;
  };
  eddy::run(body());
}

TEST_CASE("priority_queue: the least comes first, in any order of putting") {
  std::mt19937 random(7);
  for (int count = 0; count < 70; ++count) {
    priority_queue<int> q;
    std::vector<int> expected;
    for (int i = 0; i < count; ++i) {
      const int item = static_cast<int>(random() % 50);
      CHECK(q.try_put(item));
      expected.push_back(item);
    }
    std::sort(expected.begin(), expected.end());
    CHECK(drained(q) == expected);
  }
}

TEST_CASE("priority_queue: equal ones come out in the order they were put") {
  std::mt19937 random(11);
  priority_queue<job, by_first> q;
  std::vector<job> expected;
  bool same = true;
  for (int i = 0; i < 3000; ++i) {
    if (random() % 3 != 0) {
      const job next(static_cast<int>(random() % 4), static_cast<char>('a' + i % 26));
      same = same && q.try_put(next);
      const auto after = std::upper_bound(expected.begin(), expected.end(), next, by_first());
      expected.insert(after, next);
    } else if (!expected.empty()) {
      same = same && q.try_get() == expected.front();
      expected.erase(expected.begin());
    }
  }
  CHECK(same);
  while (const auto item = q.try_get()) {
    same = same && *item == expected.front();
    expected.erase(expected.begin());
  }
  CHECK(same);
  CHECK(expected.empty());
}

TEST_CASE("priority_queue: other comparisons, with a state too") {
  priority_queue<int, std::greater<>> greatest;
  for (int i : {2, 9, 4}) CHECK(greatest.try_put(i));
  CHECK(drained(greatest) == std::vector<int>{9, 4, 2});

  int middle = 5;
  auto nearest = [&middle](int a, int b) { return std::abs(a - middle) < std::abs(b - middle); };
  priority_queue<int, decltype(nearest)> q(0, "nearest", nearest);
  for (int i : {1, 7, 5, 9}) CHECK(q.try_put(i));
  CHECK(drained(q) == std::vector<int>{5, 7, 1, 9});
}

TEST_CASE("priority_queue: a getter takes what is least when it runs") {
  auto body = []() -> task<> {
    priority_queue<int> q;
    auto a = spawn(get_from(q));
    auto b = spawn(get_from(q));
    co_await eddy::yield();
    CHECK(q.try_put(3));
    CHECK(q.try_put(2));
    CHECK(q.try_put(1));
    const int first = co_await a;
    const int second = co_await b;
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(q.try_get() == 3);
  };
  eddy::run(body());
}

TEST_CASE("priority_queue: a permission that passes on leaves the least item in its place") {
  auto body = []() -> task<> {
    priority_queue<int> q;
    auto a = spawn(get_from(q));
    auto b = spawn(get_from(q));
    co_await eddy::yield();
    CHECK(q.try_put(2));
    a.cancel();
    CHECK(q.try_put(1));
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
    const int item = co_await b;
    CHECK(item == 1);
    CHECK(drained(q) == std::vector<int>{2});
  };
  eddy::run(body());
}

TEST_CASE("priority_queue: what waits for room is served in its turn, whatever its priority") {
  auto body = []() -> task<> {
    priority_queue<int> q(1);
    CHECK(q.try_put(5));
    auto nine = spawn(put_into(q, 9));
    auto one = spawn(put_into(q, 1));
    co_await eddy::yield();
    CHECK(drained(q) == std::vector<int>{5, 9, 1});
    co_await nine;
    co_await one;
  };
  eddy::run(body());
}

TEST_CASE("lifo_queue, priority_queue: every item is destroyed exactly once") {
  tracked::reset();
  {
    lifo_queue<tracked> last;
    priority_queue<tracked, by_value> least;
    for (int i = 0; i < 100; ++i) {
      CHECK(last.try_put(tracked(i * 37 % 100)));
      CHECK(least.try_put(tracked(i * 37 % 100)));
    }
    for (int i = 0; i < 50; ++i) {
      CHECK(last.try_get().has_value());
      const auto item = least.try_get();
      CHECK(item->get() == i);
    }
    CHECK(tracked::alive() == 100);
    least.shutdown(eddy::queue_shutdown::immediate);
    CHECK(tracked::alive() == 50);
  }
  CHECK(tracked::balanced());
}

TEST_CASE("lifo_queue, priority_queue: items that only move") {
  lifo_queue<std::unique_ptr<int>> last;
  CHECK(last.try_put(std::make_unique<int>(1)));
  CHECK(last.try_put(std::make_unique<int>(2)));
  const auto item = last.try_get();
  REQUIRE(item);
  CHECK(**item == 2);

  priority_queue<std::unique_ptr<int>> any;  // by address
  CHECK(any.try_put(std::make_unique<int>(1)));
  CHECK(any.try_get().has_value());
}
