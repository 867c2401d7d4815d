// The queues' timed forms, alone and when the limit and what was waited for come in one turn.
#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/queue.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "../support/simulated.hpp"
#include "queue_tasks.hpp"
#include "tasks.hpp"

using eddy::queue;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::nanoseconds short_limits[] = {0ns, 1ns, 1ms};

task<std::optional<int>> get_within(queue<int>& q, std::chrono::nanoseconds limit) {
  co_return co_await q.get_for(limit);
}
// Its limit comes at the end of the turn in which it begins.
task<std::optional<int>> get_this_turn(queue<int>& q) {
  co_return co_await q.get_until(eddy::now());
}
task<bool> put_this_turn(queue<int>& q, int item) {
  co_return co_await q.put_until(item, eddy::now());
}
task<bool> join_this_turn(queue<int>& q) { co_return co_await q.join_until(eddy::now()); }

task<> nothing() { co_return; }

// More tasks than one turn resumes, so that who is woken after them runs in the next one.
class crowd {
 public:
  crowd() {
    for (int i = 0; i < eddy::detail::turn_budget; ++i) tasks_.push_back(spawn(nothing()));
  }
  task<> leave() {
    for (auto& t : tasks_) co_await t;
  }

 private:
  std::vector<eddy::join_handle<>> tasks_;
};

}  // namespace

TEST_CASE("queue limits: what can be done at once is, whatever the limit") {
  auto body = []() -> task<> {
    queue<int> q(1);
    const bool put = co_await q.put_for(1, 0s);
    CHECK(put);
    const auto item = co_await q.get_until(eddy::now() - 1h);
    CHECK(item == 1);
    q.task_done();
    const bool joined = co_await q.join_for(0s);
    CHECK(joined);
  };
  eddy::run(body());
}

TEST_CASE("queue limits: nothing in time, and nobody is left in a line") {
  auto body = []() -> task<> {
    queue<std::unique_ptr<int>> q(1);
    for (const auto limit : short_limits) {
      const auto item = co_await q.get_for(limit);
      CHECK_FALSE(item);
    }
    CHECK(q.try_put(std::make_unique<int>(1)));
    for (const auto limit : short_limits) {
      auto second = std::make_unique<int>(2);
      const bool put = co_await q.put_for(std::move(second), limit);
      CHECK_FALSE(put);
      const bool joined = co_await q.join_for(limit);
      CHECK_FALSE(joined);
    }
    const bool joined = co_await q.join_until(eddy::now());
    CHECK_FALSE(joined);
    const auto now = q.statistics();
    CHECK(now.waiting_getters + now.waiting_putters + now.waiting_joiners == 0);
    CHECK(now.size == 1);
    CHECK(now.total_put == 1);
  };
  eddy::run(body());
}

TEST_CASE("queue limits: what comes in time is had, and the limit does not come later") {
  auto body = []() -> task<> {
    queue<int> q(1);
    auto getter = spawn(get_within(q, 1h));
    co_await eddy::yield();
    CHECK(q.waiting_getters() == 1);
    CHECK(q.try_put(1));
    const auto item = co_await getter;
    CHECK(item == 1);
    CHECK(q.try_put(2));
    auto putter = spawn([](queue<int>& items) -> task<bool> {
      co_return co_await items.put_for(3, 1h);
    }(q));
    auto joiner = spawn([](queue<int>& items) -> task<bool> {
      co_return co_await items.join_for(1h);
    }(q));
    co_await eddy::yield();
    CHECK(q.try_get() == 2);
    const bool put = co_await putter;
    CHECK(put);
    CHECK(q.try_get() == 3);
    for (int i = 0; i < 3; ++i) q.task_done();
    const bool joined = co_await joiner;
    CHECK(joined);
  };
  eddy::run(body());
}

TEST_CASE("queue limits: an item and the limit in one turn, the item first: the item is had" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q;
    co_await eddy::sleep(1ns);
    auto getter = spawn(get_this_turn(q));
    co_await eddy::yield();
    CHECK(q.waiting_getters() == 1);
    crowd others;
    CHECK(q.try_put(1));
    CHECK(q.waiting_getters() == 0);
    co_await eddy::sleep(1ns);  // the limit comes, and only then the getter runs
    const auto item = co_await getter;
    CHECK(item == 1);
    CHECK(q.empty());
    co_await others.leave();
  };
  eddy::run(body());
}

// What an item popped for a getter that has timed out did in asyncio: vanish.
TEST_CASE("queue limits: an item that comes for a getter whose limit has come does not vanish" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> items;
    co_await eddy::sleep(1ns);
    auto producer = spawn([](queue<int>& to) -> task<> {
      // When this goes on, both limits have come and the getter has not run yet.
      co_await eddy::sleep_until(eddy::now());
      CHECK(to.waiting_getters() == 1);
      CHECK(to.try_put(1));
      CHECK_FALSE(to.try_get());
    }(q));
    auto late = spawn(get_this_turn(q));
    auto next = spawn(get_into(q, items));
    co_await eddy::yield();
    CHECK(q.waiting_getters() == 2);
    const auto nothing = co_await late;
    CHECK_FALSE(nothing);
    co_await producer;
    co_await next;
    CHECK(items == std::vector<int>{1});
    CHECK(q.empty());
  };
  eddy::run(body());
}

TEST_CASE("queue limits: promised an item and cancelled before it runs, it passes it on") {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> items;
    auto late = spawn(get_within(q, 1h));
    auto next = spawn(get_into(q, items));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    late.cancel();
    const bool gone = co_await was_cancelled(late);
    CHECK(gone);
    co_await next;
    CHECK(items == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("queue limits: cancelled when the limit has come and it has not run: promises stay" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> items;
    std::vector<eddy::join_handle<std::optional<int>>> late;
    co_await eddy::sleep(1ns);
    auto canceller = spawn([](queue<int>& to, auto& getters) -> task<> {
      co_await eddy::sleep_until(eddy::now());
      CHECK(to.waiting_getters() == 1);
      CHECK(to.try_put(1));
      CHECK_FALSE(getters[0].done());
      getters[0].cancel();
      CHECK_FALSE(to.try_get());
    }(q, late));
    late.push_back(spawn(get_this_turn(q)));
    auto next = spawn(get_into(q, items));
    const bool gone = co_await was_cancelled(late[0]);
    CHECK(gone);
    co_await next;
    CHECK(items == std::vector<int>{1});
    co_await canceller;
  };
  eddy::run(body());
}

TEST_CASE("queue limits: room and the limit in one turn, the room first: the item is put" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q(1);
    CHECK(q.try_put(1));
    co_await eddy::sleep(1ns);
    auto putter = spawn(put_this_turn(q, 2));
    co_await eddy::yield();
    CHECK(q.waiting_putters() == 1);
    crowd others;
    CHECK(q.try_get() == 1);
    CHECK(q.size() == 1);
    co_await eddy::sleep(1ns);
    const bool put = co_await putter;
    CHECK(put);
    CHECK(q.try_get() == 2);
    co_await others.leave();
  };
  eddy::run(body());
}

TEST_CASE("queue limits: room after the limit, in one turn: the item is not put" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q(1);
    CHECK(q.try_put(1));
    co_await eddy::sleep(1ns);
    auto consumer = spawn([](queue<int>& from) -> task<> {
      co_await eddy::sleep_until(eddy::now());
      CHECK(from.waiting_putters() == 0);
      CHECK(from.try_get() == 1);
    }(q));
    auto putter = spawn(put_this_turn(q, 2));
    co_await eddy::yield();
    CHECK(q.waiting_putters() == 1);
    const bool put = co_await putter;
    CHECK_FALSE(put);
    co_await consumer;
    CHECK(q.empty());
    CHECK(q.statistics().total_put == 1);
  };
  eddy::run(body());
}

TEST_CASE("queue limits: the last task_done and the limit of a join in one turn" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    queue<int> q;
    CHECK(q.try_put(1));
    co_await eddy::sleep(1ns);
    auto joiner = spawn(join_this_turn(q));
    co_await eddy::yield();
    crowd others;
    q.task_done();
    co_await eddy::sleep(1ns);
    const bool joined = co_await joiner;
    CHECK(joined);
    co_await others.leave();
  };
  eddy::run(body());
}

TEST_CASE("queue limits: in a cancelled scope they are refused, also those that need not wait") {
  auto body = []() -> task<> {
    queue<int> q(2);
    CHECK(q.try_put(1));
    q.task_done();
    auto t = spawn([](queue<int>& items) -> task<int> {
      co_await swallow_cancellation();
      int refused = 0;
      try {
        (void)co_await items.put_for(7, 0s);
      } catch (const eddy::cancelled&) {
        ++refused;
      }
      try {
        (void)co_await items.get_for(1h);
      } catch (const eddy::cancelled&) {
        ++refused;
      }
      try {
        (void)co_await items.join_for(0s);
      } catch (const eddy::cancelled&) {
        ++refused;
      }
      co_return refused;
    }(q));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK(drained(q) == std::vector<int>{1});
  };
  eddy::run(body());
}
