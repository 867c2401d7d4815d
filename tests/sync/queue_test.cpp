#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/queue.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "../runtime/tracked.hpp"
#include "queue_tasks.hpp"
#include "tasks.hpp"

using eddy::queue;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

static_assert(!std::is_copy_constructible_v<queue<int>>);
static_assert(!std::is_move_constructible_v<queue<int>>);

TEST_CASE("queue: try_put and try_get, first in, first out") {
  queue<int> q(3);
  CHECK(q.empty());
  CHECK(q.capacity() == 3);
  CHECK_FALSE(q.try_get());
  for (int i = 0; i < 3; ++i) CHECK(q.try_put(i));
  CHECK(q.full());
  CHECK_FALSE(q.try_put(3));
  CHECK(q.size() == 3);
  CHECK(q.try_get() == 0);
  CHECK(q.try_put(4));
  CHECK(drained(q) == std::vector<int>{1, 2, 4});
  CHECK(q.unfinished() == 4);
}

TEST_CASE("queue: a refused try_put leaves the item as it was") {
  queue<std::unique_ptr<int>> q(1);
  CHECK(q.try_put(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  CHECK_FALSE(q.try_put(std::move(item)));
  REQUIRE(item);
  CHECK(*item == 2);
}

TEST_CASE("queue: without a bound it is never full, and keeps the order as it grows and wraps") {
  queue<int> q;
  std::deque<int> expected;
  bool same = true;
  for (int i = 0; i < 5000; ++i) {
    CHECK_FALSE(q.full());
    same = same && q.try_put(i);
    expected.push_back(i);
    if (i % 3 == 0) {
      const auto item = q.try_get();
      same = same && item && *item == expected.front();
      expected.pop_front();
    }
  }
  CHECK(same);
  CHECK(drained(q) == std::vector<int>(expected.begin(), expected.end()));
}

TEST_CASE("queue: what is there is taken, and what fits is put, without a suspend" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q(1);
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    co_await q.put(1);
    const int item = co_await q.get();
    CHECK(item == 1);
    q.task_done();
    co_await q.join();
    CHECK_FALSE(other_ran);
    for (int i = 0; !other_ran && i < 100'000; ++i) {
      co_await q.put(i);
      (void)co_await q.get();
    }
    CHECK(other_ran);
    co_await other;
  };
  eddy::run(body());
}

TEST_CASE("queue: getters are served in the order they came, and nobody takes what is promised") {
  auto body = []() -> task<> {
    queue<int> q;
    auto a = spawn(get_one(q));
    auto b = spawn(get_one(q));
    auto c = spawn(get_one(q));
    co_await eddy::yield();
    CHECK(q.waiting_getters() == 3);
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    CHECK(q.waiting_getters() == 1);
    CHECK(q.size() == 2);
    CHECK_FALSE(q.try_get());
    auto d = spawn(get_one(q));
    CHECK(q.try_put(3));
    CHECK(q.try_put(4));
    const int first = co_await a;
    const int second = co_await b;
    const int third = co_await c;
    const int fourth = co_await d;
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(third == 3);
    CHECK(fourth == 4);
  };
  eddy::run(body());
}

TEST_CASE("queue: putters wait at the bound and are served in the order they came") {
  auto body = []() -> task<> {
    queue<int> q(2);
    std::vector<eddy::join_handle<>> putters;
    for (int i = 0; i < 5; ++i) putters.push_back(spawn(put_one(q, i)));
    co_await let_others_run();
    CHECK(q.size() == 2);
    CHECK(q.waiting_putters() == 3);
    CHECK_FALSE(q.try_put(99));
    std::vector<int> items;
    for (int i = 0; i < 5; ++i) {
      const int item = co_await q.get();
      items.push_back(item);
      CHECK(q.size() <= 2);
    }
    CHECK(items == std::vector<int>{0, 1, 2, 3, 4});
    for (auto& p : putters) co_await p;
    CHECK(q.empty());
    CHECK(q.unfinished() == 5);
  };
  eddy::run(body());
}

TEST_CASE("queue: the room that a take makes goes to the waiting putter, not to a late one") {
  auto body = []() -> task<> {
    queue<int> q(1);
    CHECK(q.try_put(0));
    auto putter = spawn(put_one(q, 1));
    co_await eddy::yield();
    CHECK(q.try_get() == 0);
    CHECK(q.full());
    CHECK_FALSE(q.try_put(2));
    CHECK(q.try_get() == 1);
    co_await putter;
  };
  eddy::run(body());
}

TEST_CASE("queue: join waits for task_done of every item") {
  auto body = []() -> task<> {
    queue<int> q;
    co_await q.join();
    std::vector<int> order;
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    auto a = spawn(join_and_say(q, 0, order));
    auto b = spawn(join_and_say(q, 1, order));
    co_await eddy::yield();
    (void)co_await q.get();
    (void)co_await q.get();
    q.task_done();
    co_await let_others_run();
    CHECK(order.empty());
    CHECK(q.unfinished() == 1);
    q.task_done();
    CHECK(order.empty());
    CHECK(q.try_put(3));  // too late for those who were woken
    co_await a;
    co_await b;
    CHECK(order == std::vector<int>{0, 1});
  };
  eddy::run(body());
}

TEST_CASE("queue: task_done more often than put is an error that changes nothing") {
  queue<int> q;
  CHECK_THROWS_AS(q.task_done(), std::logic_error);
  CHECK(q.try_put(1));
  q.task_done();
  CHECK_THROWS_WITH_AS(q.task_done(),
                       "queue: task_done called more often than put (total put: 1)",
                       std::logic_error);
  CHECK(q.unfinished() == 0);
  CHECK(q.size() == 1);
}

TEST_CASE("queue: producers, consumers, join, cancel") {
  auto body = []() -> task<> {
    queue<int> q(3);
    std::vector<int> got;
    auto consume = [](queue<int>& items, std::vector<int>& all) -> task<> {
      for (;;) {
        const int item = co_await items.get();
        all.push_back(item);
        co_await eddy::yield();
        items.task_done();
      }
    };
    auto produce = [](queue<int>& items, int first) -> task<> {
      for (int i = 0; i < 50; ++i) co_await items.put(first + i);
    };
    std::vector<eddy::join_handle<>> consumers;
    for (int i = 0; i < 4; ++i) consumers.push_back(spawn(consume(q, got)));
    co_await eddy::gather(produce(q, 0), produce(q, 50), produce(q, 100));
    co_await q.join();
    for (auto& c : consumers) c.cancel();
    CHECK(q.waiting_getters() == 0);
    for (auto& c : consumers) {
      const bool c_gone = co_await was_cancelled(c);
      CHECK(c_gone);
    }
    std::sort(got.begin(), got.end());
    CHECK(got.size() == 150);
    CHECK(std::adjacent_find(got.begin(), got.end()) == got.end());
  };
  eddy::run(body());
}

TEST_CASE("queue: items that only move, and items that need arguments") {
  auto body = []() -> task<> {
    queue<std::unique_ptr<std::string>> q(1);
    auto item = std::make_unique<std::string>("a string that is too long for the small buffer");
    auto* address = item.get();
    co_await q.put(std::move(item));
    auto putter = spawn([](queue<std::unique_ptr<std::string>>& items) -> task<> {
      auto second = std::make_unique<std::string>("second");
      co_await items.put(std::move(second));
    }(q));
    co_await eddy::yield();
    auto first = co_await q.get();
    CHECK(first.get() == address);
    auto second = co_await q.get();
    CHECK(*second == "second");
    co_await putter;
    co_await q.emplace(std::make_unique<std::string>("third"));
    auto third = q.try_get();
    REQUIRE(third);
    CHECK(**third == "third");

    queue<std::pair<std::string, int>> pairs;
    co_await pairs.emplace("answer", 42);
    const auto pair = co_await pairs.get();
    CHECK(pair.first == "answer");
    CHECK(pair.second == 42);
  };
  eddy::run(body());
}

TEST_CASE(
    "queue: every item is destroyed exactly once, those left over and those of cancelled puts") {
  tracked::reset();
  auto body = []() -> task<> {
    queue<tracked> q(10);
    auto putters = [](queue<tracked>& items) -> task<> {
      for (int i = 0; i < 20; ++i) co_await items.put(tracked(i));
    };
    auto p = spawn(putters(q));
    co_await let_others_run();
    for (int i = 0; i < 5; ++i) {
      const tracked item = co_await q.get();
      CHECK(item.get() == i);
    }
    co_await let_others_run();
    CHECK(q.waiting_putters() == 1);
    p.cancel();
    const bool p_gone = co_await was_cancelled(p);
    CHECK(p_gone);
    CHECK(q.size() == 10);
    CHECK(tracked::alive() == 10);
    co_await q.get();
    co_await q.emplace(99);
    CHECK(tracked::alive() == 10);
  };
  eddy::run(body());
  CHECK(tracked::balanced());
}

TEST_CASE("queue: one get may be awaited again, whether it waited before or not") {
  eddy::run([]() -> task<> {
    queue<int> q(4);
    auto got = q.get();
    auto putter = spawn([](queue<int>& to) -> task<> {
      for (int i = 1; i <= 3; ++i) co_await to.put(i);
    }(q));
    CHECK(co_await got == 1);  // waits
    CHECK(co_await got == 2);
    CHECK(q.try_get() == 3);  // nothing is promised any more
    co_await putter;
  }());
}
