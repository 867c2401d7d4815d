#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/queue.hpp>
#include <vector>

#include "../support/simulated.hpp"
#include "queue_tasks.hpp"
#include "tasks.hpp"

using eddy::queue;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

namespace {

// In a cancelled scope: how many of a put, a get and a join were refused.
task<int> refusals(queue<int>& q) {
  co_await swallow_cancellation();
  int refused = 0;
  try {
    co_await q.put(7);
  } catch (const eddy::cancelled&) {
    ++refused;
  }
  try {
    (void)co_await q.get();
  } catch (const eddy::cancelled&) {
    ++refused;
  }
  try {
    co_await q.join();
  } catch (const eddy::cancelled&) {
    ++refused;
  }
  co_return refused;
}

// Puts, and says whether the put happened and whether the suspension after it was refused.
struct put_story {
  bool put = false;
  bool then_cancelled = false;
};
task<> put_and_tell(queue<int>& q, int item, put_story& story) {
  co_await q.put(item);
  story.put = true;
  try {
    co_await eddy::yield();
  } catch (const eddy::cancelled&) {
    story.then_cancelled = true;
  }
}

}  // namespace

TEST_CASE("queue: a getter cancelled while it waits takes nothing") {
  auto body = []() -> task<> {
    queue<int> q;
    auto a = spawn(get_one(q));
    auto b = spawn(get_one(q));
    co_await eddy::yield();
    a.cancel();
    CHECK(q.waiting_getters() == 1);
    CHECK(q.try_put(1));
    const bool a_gone = co_await was_cancelled(a);
    CHECK(a_gone);
    const int item = co_await b;
    CHECK(item == 1);
    CHECK(q.empty());
  };
  eddy::run(body());
}

TEST_CASE("queue: a getter cancelled when promised an item but not yet run passes it on") {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> items;
    auto a = spawn(get_into(q, items));
    auto b = spawn(get_into(q, items));
    auto c = spawn(get_into(q, items));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    a.cancel();
    CHECK(q.waiting_getters() == 0);
    CHECK_FALSE(q.try_get());
    const bool a_gone = co_await was_cancelled(a);
    CHECK(a_gone);
    co_await b;
    co_await c;
    CHECK(items == std::vector<int>{1, 2});
  };
  eddy::run(body());
}

TEST_CASE(
    "queue: a promised item whose getter is cancelled stays first, though the queue was refilled") {
  auto body = []() -> task<> {
    queue<int> q(2);
    auto a = spawn(get_one(q));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    CHECK_FALSE(q.try_put(3));
    auto putter = spawn(put_one(q, 3));
    a.cancel();
    const bool a_gone = co_await was_cancelled(a);
    CHECK(a_gone);
    CHECK(q.size() == 2);
    CHECK(q.waiting_putters() == 1);
    CHECK(drained(q) == std::vector<int>{1, 2, 3});
    co_await putter;
  };
  eddy::run(body());
}

TEST_CASE("queue: a putter cancelled while it waits has put nothing") {
  auto body = []() -> task<> {
    queue<int> q(1);
    CHECK(q.try_put(0));
    auto a = spawn(put_one(q, 1));
    auto b = spawn(put_one(q, 2));
    co_await eddy::yield();
    a.cancel();
    CHECK(q.waiting_putters() == 1);
    const bool a_gone = co_await was_cancelled(a);
    CHECK(a_gone);
    CHECK(drained(q) == std::vector<int>{0, 2});
    co_await b;
    CHECK(q.unfinished() == 2);
  };
  eddy::run(body());
}

TEST_CASE("queue: a putter cancelled when served but not yet run has put; the cancel comes next") {
  auto body = []() -> task<> {
    queue<int> q(1);
    CHECK(q.try_put(0));
    put_story story;
    auto putter = spawn(put_and_tell(q, 1, story));
    co_await eddy::yield();
    CHECK(q.try_get() == 0);
    CHECK(q.size() == 1);
    putter.cancel();
    co_await putter;
    CHECK(story.put);
    CHECK(story.then_cancelled);
    CHECK(drained(q) == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("queue: a join cancelled while it waits, and when woken but not yet run") {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> order;
    CHECK(q.try_put(1));
    auto waiting = spawn(join_and_say(q, 0, order));
    auto woken = spawn(join_and_say(q, 1, order));
    auto third = spawn(join_and_say(q, 2, order));
    co_await eddy::yield();
    waiting.cancel();
    q.task_done();
    woken.cancel();
    const bool waiting_gone = co_await was_cancelled(waiting);
    CHECK(waiting_gone);
    const bool woken_gone = co_await was_cancelled(woken);
    CHECK(woken_gone);
    co_await third;
    CHECK(order == std::vector<int>{2});
  };
  eddy::run(body());
}

TEST_CASE("queue: in a cancelled scope put, get and join are refused, whatever the queue holds") {
  auto body = []() -> task<> {
    queue<int> q(2);
    CHECK(q.try_put(1));
    q.task_done();
    auto t = spawn(refusals(q));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK(q.unfinished() == 0);
    CHECK(q.waiting_getters() + q.waiting_putters() == 0);
    CHECK(drained(q) == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("queue: a whole group cancelled at once, some of it promised") {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> items;
    auto group = spawn([](queue<int>& all, std::vector<int>& got) -> task<> {
      co_await eddy::gather(get_into(all, got), get_into(all, got), get_into(all, got));
    }(q, items));
    auto survivor = spawn(get_into(q, items));
    co_await let_others_run();
    CHECK(q.waiting_getters() == 4);
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    group.cancel();
    const bool group_gone = co_await was_cancelled(group);
    CHECK(group_gone);
    co_await survivor;
    CHECK(items == std::vector<int>{1});
    CHECK(drained(q) == std::vector<int>{2});
  };
  eddy::run(body());
}

TEST_CASE("queue: with_timeout leaves nobody in a line and no item lost") {
  auto body = []() -> task<> {
    queue<int> q(1);
    int timeouts = 0;
    try {
      (void)co_await eddy::with_timeout(std::chrono::nanoseconds(1), get_one(q));
    } catch (const eddy::timeout_error&) {
      ++timeouts;
    }
    CHECK(q.waiting_getters() == 0);
    CHECK(q.try_put(1));
    try {
      co_await eddy::with_timeout(std::chrono::nanoseconds(1), put_one(q, 2));
    } catch (const eddy::timeout_error&) {
      ++timeouts;
    }
    CHECK(timeouts == 2);
    CHECK(q.waiting_putters() == 0);
    CHECK(drained(q) == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("queue: a getter cancelled when it found an item and was made to yield" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q;
    for (int i = 0; i < 1000; ++i) CHECK(q.try_put(i));
    int taken = 0;
    auto spin = spawn([](queue<int>& items, int& n) -> task<> {
      for (;; ++n) {
        const int item = co_await items.get();
        CHECK(item == n);
      }
    }(q, taken));
    co_await eddy::yield();
    CHECK(taken > 0);
    CHECK(taken < 1000);
    spin.cancel();
    const bool gone = co_await was_cancelled(spin);
    CHECK(gone);
    CHECK(q.size() == static_cast<std::size_t>(1000 - taken));
    CHECK(q.try_get() == taken);
    CHECK(drained(q).size() == static_cast<std::size_t>(999 - taken));
  };
  eddy::run(body());
}

TEST_CASE("queue: a putter cancelled when it found room and was made to yield has put") {
  auto body = []() -> task<> {
    queue<int> q;
    int put = 0;
    auto spin = spawn([](queue<int>& items, int& n) -> task<> {
      for (;; ++n) co_await items.put(n);
    }(q, put));
    co_await eddy::yield();
    const std::size_t inside = q.size();
    CHECK(inside == static_cast<std::size_t>(put + 1));
    spin.cancel();
    const bool gone = co_await was_cancelled(spin);
    CHECK(gone);
    CHECK(q.size() == inside);
    CHECK(static_cast<std::size_t>(put) == inside);
  };
  eddy::run(body());
}
