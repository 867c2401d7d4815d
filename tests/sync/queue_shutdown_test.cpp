// The end of a queue, its counts, and bad use.
#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>
#include <eddy/sync/queue.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "../runtime/tracked.hpp"
#include "queue_tasks.hpp"
#include "tasks.hpp"

using eddy::queue;
using eddy::queue_shut_down;
using eddy::queue_shutdown;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

static_assert(std::is_base_of_v<std::exception, queue_shut_down>);
static_assert(std::is_nothrow_copy_constructible_v<queue_shut_down>);

namespace {

// What became of a get or a put: the item, -1 when it was refused as shut down.
constexpr int was_refused = -1;
task<int> get_or_refused(queue<int>& q) {
  int item = was_refused;
  try {
    item = co_await q.get();
  } catch (const queue_shut_down&) {
  }
  co_return item;
}
task<bool> put_refused(queue<int>& q, int item) {
  bool refused = false;
  try {
    co_await q.put(item);
  } catch (const queue_shut_down&) {
    refused = true;
  }
  co_return refused;
}

// All that is in a queue that was shut down, where try_get ends by throwing.
std::vector<int> what_is_left(queue<int>& q) {
  std::vector<int> items;
  while (!q.empty()) items.push_back(q.try_get().value());
  return items;
}

}  // namespace

TEST_CASE("queue shutdown: puts are refused, gets go on until it is empty") {
  auto body = []() -> task<> {
    queue<int> q(3, "jobs");
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    CHECK_FALSE(q.is_shut_down());
    q.shutdown();
    CHECK(q.is_shut_down());
    CHECK(q.capacity() == 3);
    CHECK_THROWS_WITH_AS((void)q.try_put(3), "jobs: put after shutdown", queue_shut_down);
    const bool refused = co_await put_refused(q, 3);
    CHECK(refused);
    const int first = co_await get_or_refused(q);
    CHECK(first == 1);
    CHECK(q.try_get() == 2);
    CHECK_THROWS_WITH_AS((void)q.try_get(), "jobs: get after shutdown", queue_shut_down);
    const int none = co_await get_or_refused(q);
    CHECK(none == was_refused);
    q.shutdown();
    q.task_done();
    q.task_done();
    co_await q.join();
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: a refused try_put leaves the item as it was") {
  queue<std::unique_ptr<int>> q;
  q.shutdown();
  auto item = std::make_unique<int>(1);
  CHECK_THROWS_AS((void)q.try_put(std::move(item)), queue_shut_down);
  REQUIRE(item);
}

TEST_CASE("queue shutdown: the timed forms are refused, they do not wait for their limit") {
  auto body = []() -> task<> {
    queue<int> q(1);
    int refused = 0;
    auto timed_getter = [](queue<int>& items, int& count) -> task<> {
      try {
        (void)co_await items.get_for(1h);
      } catch (const queue_shut_down&) {
        ++count;
      }
    };
    auto timed_putter = [](queue<int>& items, int& count) -> task<> {
      try {
        (void)co_await items.put_for(2, 1h);
      } catch (const queue_shut_down&) {
        ++count;
      }
    };
    auto getter = spawn(timed_getter(q, refused));
    co_await eddy::yield();
    q.shutdown();
    co_await getter;
    CHECK(refused == 1);
    co_await timed_getter(q, refused);
    co_await timed_putter(q, refused);
    CHECK(refused == 3);

    queue<int> full(1);
    CHECK(full.try_put(1));
    auto putter = spawn(timed_putter(full, refused));
    co_await eddy::yield();
    full.shutdown();
    co_await putter;
    CHECK(refused == 4);
    CHECK(what_is_left(full) == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: those who wait are woken, and the items of putters are not put") {
  auto body = []() -> task<> {
    queue<int> empty;
    auto getter = spawn(get_or_refused(empty));
    auto second = spawn(get_or_refused(empty));
    queue<int> full(1);
    CHECK(full.try_put(1));
    auto putter = spawn(put_refused(full, 2));
    co_await eddy::yield();
    empty.shutdown();
    full.shutdown();
    CHECK(empty.waiting_getters() == 0);
    CHECK(full.waiting_putters() == 0);
    const int got = co_await getter;
    CHECK(got == was_refused);
    const int got_too = co_await second;
    CHECK(got_too == was_refused);
    const bool refused = co_await putter;
    CHECK(refused);
    CHECK(what_is_left(full) == std::vector<int>{1});
    CHECK(full.unfinished() == 1);
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: a getter that was promised an item and has not run gets it") {
  auto body = []() -> task<> {
    queue<int> q;
    auto promised = spawn(get_or_refused(q));
    auto behind = spawn(get_or_refused(q));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    q.shutdown();
    CHECK_FALSE(q.try_get());  // not empty, but promised
    const int first = co_await promised;
    const int second = co_await behind;
    CHECK(first == 1);
    CHECK(second == was_refused);
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: a promise that is cancelled passes on; nobody is refused too early") {
  auto body = []() -> task<> {
    queue<int> q;
    auto promised = spawn(get_or_refused(q));
    auto behind = spawn(get_or_refused(q));
    auto last = spawn(get_or_refused(q));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    q.shutdown();
    promised.cancel();
    const bool gone = co_await was_cancelled(promised);
    CHECK(gone);
    const int second = co_await behind;
    const int third = co_await last;
    CHECK(second == 1);
    CHECK(third == was_refused);
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: immediate drops the items, also those that were promised") {
  auto body = []() -> task<> {
    queue<int> q(2);
    auto promised = spawn(get_or_refused(q));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    CHECK(q.try_put(2));
    auto served = spawn(put_refused(q, 3));
    auto joiner = spawn([](queue<int>& items) -> task<> { co_await items.join(); }(q));
    q.shutdown(queue_shutdown::immediate);
    CHECK(q.empty());
    CHECK(q.unfinished() == 0);
    CHECK_THROWS_AS(q.task_done(), std::logic_error);
    const int item = co_await promised;
    CHECK(item == was_refused);
    const bool refused = co_await served;
    CHECK(refused);
    co_await joiner;
    q.shutdown();
    q.shutdown(queue_shutdown::immediate);
    CHECK(q.is_shut_down());
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: immediate after a drain was asked for; who waits for the rest is told") {
  auto body = []() -> task<> {
    queue<int> q;
    auto promised = spawn(get_or_refused(q));
    auto behind = spawn(get_or_refused(q));
    co_await eddy::yield();
    CHECK(q.try_put(1));
    q.shutdown();
    CHECK(q.waiting_getters() == 1);
    q.shutdown(queue_shutdown::immediate);
    CHECK(q.waiting_getters() == 0);
    const int first = co_await promised;
    const int second = co_await behind;
    CHECK(first == was_refused);
    CHECK(second == was_refused);
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: immediate leaves to be reported what was taken; join waits for it") {
  auto body = []() -> task<> {
    queue<int> q;
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) CHECK(q.try_put(i));
    CHECK(q.try_get() == 0);
    auto joiner = spawn(join_and_say(q, 0, order));
    co_await eddy::yield();
    q.shutdown(queue_shutdown::immediate);
    CHECK(q.unfinished() == 1);
    co_await let_others_run();
    CHECK(order.empty());
    q.task_done();
    co_await joiner;
    CHECK(order == std::vector<int>{0});
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: immediate, with items that were reported before they were taken") {
  queue<int> q;
  CHECK(q.try_put(1));
  CHECK(q.try_put(2));
  q.task_done();
  q.shutdown(queue_shutdown::immediate);
  CHECK(q.unfinished() == 0);
}

TEST_CASE("queue shutdown: a putter that was served and has not run has put") {
  auto body = []() -> task<> {
    queue<int> q(1);
    CHECK(q.try_put(1));
    auto putter = spawn(put_refused(q, 2));
    co_await eddy::yield();
    CHECK(q.try_get() == 1);
    q.shutdown();
    const bool refused = co_await putter;
    CHECK_FALSE(refused);
    CHECK(what_is_left(q) == std::vector<int>{2});
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: woken to be refused and cancelled before it runs") {
  auto body = []() -> task<> {
    queue<int> q;
    auto waiting = spawn(get_or_refused(q));
    auto promised = spawn(get_or_refused(q));
    co_await eddy::yield();
    q.shutdown();
    waiting.cancel();
    promised.cancel();
    const bool gone = co_await was_cancelled(waiting);
    CHECK(gone);
    const bool gone_too = co_await was_cancelled(promised);
    CHECK(gone_too);

    queue<int> dropped;
    auto getter = spawn(get_or_refused(dropped));
    co_await eddy::yield();
    CHECK(dropped.try_put(1));
    dropped.shutdown(queue_shutdown::immediate);
    getter.cancel();
    const bool gone_three = co_await was_cancelled(getter);
    CHECK(gone_three);
    CHECK_THROWS_AS((void)dropped.try_get(), queue_shut_down);

    // A putter keeps its answer; the cancellation meets its next suspension.
    queue<int> full(1);
    CHECK(full.try_put(1));
    auto putter = spawn(put_refused(full, 2));
    co_await eddy::yield();
    full.shutdown();
    putter.cancel();
    const bool refused = co_await putter;
    CHECK(refused);
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: in a cancelled scope it is the cancellation that is thrown") {
  auto body = []() -> task<> {
    queue<int> q;
    q.shutdown();
    auto t = spawn([](queue<int>& items) -> task<> {
      co_await swallow_cancellation();
      (void)co_await items.get();
    }(q));
    co_await eddy::yield();
    t.cancel();
    const bool gone = co_await was_cancelled(t);
    CHECK(gone);
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: the refusals of one task do not starve the others") {
  auto body = []() -> task<> {
    queue<int> q;
    q.shutdown();
    bool other_ran = false;
    auto run_soon = [](bool& flag) -> task<> {
      flag = true;
      co_return;
    };
    auto beside_gets = spawn(run_soon(other_ran));
    for (int i = 0; !other_ran && i < 1000; ++i) {
      const int item = co_await get_or_refused(q);
      CHECK(item == was_refused);
    }
    CHECK(other_ran);
    co_await beside_gets;
    other_ran = false;
    auto beside_puts = spawn(run_soon(other_ran));
    for (int i = 0; !other_ran && i < 1000; ++i) {
      const bool refused = co_await put_refused(q, i);
      CHECK(refused);
    }
    CHECK(other_ran);
    co_await beside_puts;
  };
  eddy::run(body());
}

TEST_CASE("queue shutdown: items are destroyed, and their destructors may ask the queue") {
  struct asks {
    explicit asks(queue<std::unique_ptr<asks>>& where, int& count) : q(where), refused(count) {}
    ~asks() {
      try {
        (void)q.try_get();
      } catch (const queue_shut_down&) {
        ++refused;
      }
    }
    queue<std::unique_ptr<asks>>& q;
    int& refused;
  };
  int refused = 0;
  queue<std::unique_ptr<asks>> q;
  for (int i = 0; i < 3; ++i) CHECK(q.try_put(std::make_unique<asks>(q, refused)));
  q.shutdown(queue_shutdown::immediate);
  CHECK(refused == 3);

  tracked::reset();
  {
    queue<tracked> items;
    for (int i = 0; i < 20; ++i) CHECK(items.try_put(tracked(i)));
    for (int i = 0; i < 5; ++i) CHECK(items.try_get().has_value());
    items.shutdown(queue_shutdown::immediate);
    CHECK(tracked::alive() == 0);
  }
  CHECK(tracked::balanced());
}

TEST_CASE("queue: statistics") {
  auto body = []() -> task<> {
    queue<int> q(2);
    for (int i = 0; i < 2; ++i) CHECK(q.try_put(i));
    CHECK(q.try_get() == 0);
    q.task_done();
    eddy::queue_statistics now = q.statistics();
    CHECK(now.size == 1);
    CHECK(now.capacity == 2);
    CHECK(now.high_water == 2);
    CHECK(now.total_put == 2);
    CHECK(now.unfinished == 1);
    CHECK_FALSE(now.shut_down);
    std::vector<eddy::join_handle<>> putters;
    for (int i = 2; i < 6; ++i) putters.push_back(spawn(put_one(q, i)));
    auto joiner = spawn([](queue<int>& items) -> task<> { co_await items.join(); }(q));
    co_await eddy::yield();
    now = q.statistics();
    CHECK(now.size == 2);
    CHECK(now.waiting_putters == 3);
    CHECK(now.waiting_getters == 0);
    CHECK(now.waiting_joiners == 1);
    CHECK(drained(q) == std::vector<int>{1, 2, 3, 4, 5});
    for (auto& p : putters) co_await p;
    std::vector<int> items;
    auto getter = spawn(get_into(q, items));
    co_await eddy::yield();
    now = q.statistics();
    CHECK(now.waiting_getters == 1);
    CHECK(now.high_water == 2);
    CHECK(now.total_put == 6);
    CHECK(q.try_put(6));
    co_await getter;
    while (q.unfinished() > 0) q.task_done();
    co_await joiner;
    q.shutdown();
    CHECK(q.statistics().shut_down);
  };
  eddy::run(body());
}

TEST_CASE("queues: messages name the queue") {
  eddy::lifo_queue<int> last;
  CHECK_THROWS_WITH_AS(last.task_done(),
                       "lifo_queue: task_done called more often than put (total put: 0)",
                       std::logic_error);
  eddy::priority_queue<int> least;
  least.shutdown();
  CHECK_THROWS_WITH_AS((void)least.try_put(1), "priority_queue: put after shutdown",
                       queue_shut_down);
  const std::string long_name(500, 'x');
  queue<int> q(0, long_name.c_str());
  q.shutdown();
  try {
    (void)q.try_get();
    FAIL("not refused");
  } catch (const std::exception& e) {
    CHECK(std::string(e.what()).starts_with("xxxx"));
    CHECK(std::string(e.what()).size() < 200);
  }
}
