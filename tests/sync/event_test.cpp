#include <doctest/doctest.h>

#include <algorithm>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::event;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

static_assert(!std::is_copy_constructible_v<event> && !std::is_move_constructible_v<event>);

namespace {

task<> wait_for(event& e, int name, std::vector<int>& order) {
  co_await e.wait();
  order.push_back(name);
}

task<int> refusals(event& e) {
  co_await swallow_cancellation();
  int refused = 0;
  for (int i = 0; i < 3; ++i) {
    try {
      co_await e.wait();
    } catch (const eddy::cancelled&) {
      ++refused;
    }
  }
  co_return refused;
}

}  // namespace

TEST_CASE("event: set and reset") {
  event e;
  CHECK_FALSE(e.is_set());
  e.set();
  e.set();
  CHECK(e.is_set());
  e.reset();
  CHECK_FALSE(e.is_set());
}

TEST_CASE("event: a set event is passed without a suspend, but not for ever" * needs_full_turns()) {
  auto body = []() -> task<> {
    event e;
    e.set();
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    co_await e.wait();
    CHECK_FALSE(other_ran);
    for (int i = 0; !other_ran && i < 100'000; ++i) co_await e.wait();
    CHECK(other_ran);
    co_await other;
  };
  eddy::run(body());
}

TEST_CASE("event: set wakes all, in the order they came, and resumes nobody itself") {
  auto body = []() -> task<> {
    event e;
    std::vector<int> order;
    std::vector<eddy::join_handle<>> tasks;
    for (int name = 0; name < 5; ++name) tasks.push_back(spawn(wait_for(e, name, order)));
    co_await let_others_run();
    CHECK(order.empty());
    CHECK(e.waiting() == 5);
    e.set();
    CHECK(order.empty());
    CHECK(e.waiting() == 0);
    for (auto& t : tasks) co_await t;
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  };
  eddy::run(body());
}

TEST_CASE("event: who was woken goes on, though it is reset before they run") {
  auto body = []() -> task<> {
    event e;
    std::vector<int> order;
    auto early = spawn(wait_for(e, 0, order));
    co_await eddy::yield();
    e.set();
    e.reset();
    auto late = spawn(wait_for(e, 1, order));
    co_await let_others_run();
    CHECK(early.done());
    CHECK_FALSE(late.done());
    CHECK(order == std::vector<int>{0});
    CHECK(e.waiting() == 1);
    e.set();
    co_await early;
    co_await late;
    CHECK(order == std::vector<int>{0, 1});
  };
  eddy::run(body());
}

TEST_CASE("event: cancelled while waiting, the others are woken all the same") {
  auto body = []() -> task<> {
    event e;
    std::vector<int> order;
    auto a = spawn(wait_for(e, 0, order));
    auto b = spawn(wait_for(e, 1, order));
    auto c = spawn(wait_for(e, 2, order));
    co_await eddy::yield();
    b.cancel();
    CHECK(e.waiting() == 2);
    e.set();
    const bool gone = co_await was_cancelled(b);
    CHECK(gone);
    co_await a;
    co_await c;
    CHECK(order == std::vector<int>{0, 2});
  };
  eddy::run(body());
}

TEST_CASE("event: cancelled when woken but not yet run") {
  auto body = []() -> task<> {
    event e;
    std::vector<int> order;
    auto a = spawn(wait_for(e, 0, order));
    auto b = spawn(wait_for(e, 1, order));
    co_await eddy::yield();
    e.set();
    a.cancel();
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
    co_await b;
    CHECK(order == std::vector<int>{1});
    CHECK(e.is_set());
  };
  eddy::run(body());
}

TEST_CASE("event: in a cancelled scope even a set event is refused") {
  auto body = []() -> task<> {
    event e;
    e.set();
    auto t = spawn(refusals(e));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK(e.waiting() == 0);
  };
  eddy::run(body());
}

TEST_CASE("event: the cancellation of a gather, and a timeout, leave nobody in the list") {
  auto body = []() -> task<> {
    event e;
    std::vector<int> order;
    auto both = [](event& ev, std::vector<int>& names) -> task<> {
      co_await eddy::gather(wait_for(ev, 0, names), wait_for(ev, 1, names));
    };
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(std::chrono::nanoseconds(1), both(e, order));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(e.waiting() == 0);
    CHECK(order.empty());
  };
  eddy::run(body());
}

TEST_CASE("event: a wait with a limit") {
  auto body = []() -> task<> {
    eddy::event e;
    const bool at_once = co_await e.wait_for(std::chrono::seconds(0));
    CHECK_FALSE(at_once);
    const bool in_time = co_await e.wait_for(std::chrono::milliseconds(1));
    CHECK_FALSE(in_time);
    CHECK(e.waiting() == 0);
    e.set();
    const bool was_set = co_await e.wait_until(eddy::now());
    CHECK(was_set);
  };
  eddy::run(body());
}

TEST_CASE("event: waits whose limits are the same end in the order they began, among sleeps") {
  auto body = []() -> task<> {
    event never;
    std::vector<int> order;
    const auto t = eddy::now() + std::chrono::milliseconds(5);
    auto one = [&](int name) -> task<> {
      if (name % 3 == 0) {
        co_await eddy::sleep_until(t);
      } else {
        const bool in_time = co_await never.wait_until(t);
        CHECK(!in_time);
      }
      order.push_back(name);
    };
    std::vector<task<>> all;
    for (int i = 0; i < 100; ++i) all.push_back(one(i));
    co_await eddy::gather(std::move(all));
    REQUIRE(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
  };
  eddy::run(body());
}
