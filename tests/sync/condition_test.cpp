#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/condition.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::condition;
using eddy::mutex;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<condition>);
static_assert(!std::is_move_constructible_v<condition>);

namespace {

struct place {
  mutex m;
  condition changed;
  std::vector<int> order;
  int items = 0;
};

task<> wait_once(place& p, int name) {
  auto guard = co_await p.m.lock();
  co_await p.changed.wait(guard);
  CHECK(guard);
  CHECK(p.m.locked());
  p.order.push_back(name);
}

// Notes that it has the lock when its cancellation arrives: -name.
task<> wait_and_note(place& p, int name) {
  auto guard = co_await p.m.lock();
  bool gone = false;
  try {
    co_await p.changed.wait(guard);
    p.order.push_back(name);
  } catch (const eddy::cancelled&) {
    gone = true;
  }
  CHECK(guard);
  CHECK(p.m.locked());
  if (gone) p.order.push_back(-name);
  if (gone) throw eddy::cancelled();
}

task<> take_item(place& p, int name) {
  auto guard = co_await p.m.lock();
  co_await p.changed.wait(guard, [&p] { return p.items > 0; });
  --p.items;
  p.order.push_back(name);
}

task<> wait_for_a_while(place& p, std::chrono::nanoseconds d, int name) {
  auto guard = co_await p.m.lock();
  const bool notified = co_await p.changed.wait_for(guard, d);
  CHECK(guard);
  p.order.push_back(notified ? name : -name);
}

template <class F>
std::string message_of(F fails) {
  try {
    fails();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("condition: the lock is free while one waits, and held again after" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    place p;
    auto waiter = spawn(wait_once(p, 1));
    co_await eddy::yield();
    CHECK(p.changed.waiting() == 1);
    CHECK_FALSE(p.m.locked());
    p.changed.notify_one();
    CHECK(p.changed.waiting() == 0);
    // Nobody is resumed inside notify_one, but the lock is the waiter's.
    CHECK(p.m.locked());
    CHECK(p.order.empty());
    co_await waiter;
    CHECK(p.order == std::vector<int>{1});
    CHECK_FALSE(p.m.locked());
  };
  eddy::run(body());
}

TEST_CASE("condition: notified in the order they came, one or all, after the notifier unlocks" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    place p;
    std::vector<eddy::join_handle<>> tasks;
    for (int name = 1; name <= 4; ++name) tasks.push_back(spawn(wait_once(p, name)));
    co_await let_others_run();
    CHECK(p.changed.waiting() == 4);
    p.changed.notify_one();
    co_await let_others_run();
    CHECK(p.order == std::vector<int>{1});
    {
      auto guard = co_await p.m.lock();
      p.changed.notify_all();
      co_await let_others_run();
      CHECK(p.order == std::vector<int>{1});
      CHECK(p.m.waiting() == 3);
    }
    for (auto& t : tasks) co_await t;
    CHECK(p.order == std::vector<int>{1, 2, 3, 4});
    CHECK(p.changed.statistics().most_waiting == 4);
    CHECK(p.changed.statistics().waiting == 0);
  };
  eddy::run(body());
}

TEST_CASE("condition: notifying when nobody waits is not stored") {
  auto body = []() -> task<> {
    place p;
    p.changed.notify_one();
    p.changed.notify_all();
    auto waiter = spawn(wait_once(p, 1));
    co_await let_others_run();
    CHECK_FALSE(waiter.done());
    p.changed.notify_one();
    co_await waiter;
  };
  eddy::run(body());
}

TEST_CASE("condition: with a predicate it waits until that holds") {
  auto body = []() -> task<> {
    place p;
    auto a = spawn(take_item(p, 1));
    auto b = spawn(take_item(p, 2));
    co_await let_others_run();
    p.changed.notify_all();
    co_await let_others_run();
    CHECK(p.order.empty());
    CHECK(p.changed.waiting() == 2);
    p.items = 1;
    p.changed.notify_all();
    co_await let_others_run();
    CHECK(p.order == std::vector<int>{1});
    CHECK(p.items == 0);
    p.items = 1;
    p.changed.notify_one();
    co_await a;
    co_await b;
    CHECK(p.order == std::vector<int>{1, 2});
    p.items = 1;
    co_await take_item(p, 3);  // without waiting
    CHECK(p.items == 0);
  };
  eddy::run(body());
}

TEST_CASE("condition: a predicate that throws ends the wait with the lock held") {
  auto body = []() -> task<> {
    place p;
    auto guard = co_await p.m.lock();
    bool thrown = false;
    try {
      co_await p.changed.wait(guard, []() -> bool { throw std::runtime_error("no"); });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK(guard);
  };
  eddy::run(body());
}

TEST_CASE("condition: waiting without the lock, or with another one, is an error" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    place p;
    mutex::guard none;
    std::string said;
    try {
      co_await p.changed.wait(none);
    } catch (const std::logic_error& error) {
      said = error.what();
    }
    CHECK(said.find("without the lock") != std::string::npos);
    said = message_of([&] { auto t = p.changed.wait(none, [] { return true; }); });
    CHECK(said.find("without the lock") != std::string::npos);
    said = message_of([&] { auto t = p.changed.wait_for(none, 1s, [] { return true; }); });
    CHECK(said.find("without the lock") != std::string::npos);

    auto waiter = spawn(wait_once(p, 1));
    co_await eddy::yield();
    mutex other;
    auto guard = other.try_lock();
    said.clear();
    try {
      co_await p.changed.wait(guard);
    } catch (const std::logic_error& error) {
      said = error.what();
    }
    CHECK(said.find("another mutex") != std::string::npos);
    CHECK(guard);
    CHECK(p.changed.waiting() == 1);
    p.changed.notify_one();
    co_await waiter;
  };
  eddy::run(body());
}

TEST_CASE("condition: a cancelled wait has its lock again before it throws") {
  auto body = []() -> task<> {
    place p;
    auto waiter = spawn(wait_and_note(p, 1));
    co_await eddy::yield();
    auto mine = co_await p.m.lock();
    waiter.cancel();
    CHECK(p.changed.waiting() == 0);
    co_await let_others_run();
    // It stands in line for the lock that this task holds, and no cancellation takes it out.
    CHECK_FALSE(waiter.done());
    CHECK(p.m.waiting() == 1);
    mine.release();
    const bool gone = co_await was_cancelled(waiter);
    CHECK(gone);
    CHECK(p.order == std::vector<int>{-1});
    CHECK_FALSE(p.m.locked());
  };
  eddy::run(body());
}

TEST_CASE("condition: a wait begun in a cancelled scope keeps its lock and throws" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    place p;
    auto t = spawn([](place& at) -> task<> {
      auto guard = co_await at.m.lock();
      co_await swallow_cancellation();
      for (int i = 0; i < 2; ++i) {
        bool gone = false;
        try {
          co_await at.changed.wait(guard);
        } catch (const eddy::cancelled&) {
          gone = true;
        }
        CHECK(gone);
        CHECK(guard);
        CHECK(at.m.locked());
      }
    }(p));
    co_await eddy::yield();
    t.cancel();
    co_await t;
    CHECK_FALSE(p.m.locked());
    CHECK(p.changed.waiting() == 0);
  };
  eddy::run(body());
}

TEST_CASE("condition: notified by notify_one, then cancelled: the next is notified") {
  for (const bool lock_is_held : {false, true}) {
    auto body = [](bool held) -> task<> {
      place p;
      auto a = spawn(wait_and_note(p, 1));
      auto b = spawn(wait_and_note(p, 2));
      auto c = spawn(wait_and_note(p, 3));
      co_await let_others_run();
      mutex::guard mine;
      if (held) mine = co_await p.m.lock();
      p.changed.notify_one();
      CHECK(p.changed.waiting() == 2);
      a.cancel();
      CHECK(p.changed.waiting() == 1);
      mine.release();
      const bool gone = co_await was_cancelled(a);
      CHECK(gone);
      co_await b;
      CHECK(p.order == std::vector<int>{-1, 2});
      c.cancel();
      const bool last_gone = co_await was_cancelled(c);
      CHECK(last_gone);
    };
    eddy::run(body(lock_is_held));
  }
}

TEST_CASE("condition: cancelled after notify_all, nobody is notified in its place") {
  auto body = []() -> task<> {
    place p;
    auto a = spawn(wait_and_note(p, 1));
    co_await eddy::yield();
    auto mine = co_await p.m.lock();
    p.changed.notify_all();
    mine.release();
    auto late = spawn(wait_and_note(p, 2));
    co_await let_others_run();
    CHECK(a.done());
    auto b = spawn(wait_and_note(p, 3));
    co_await eddy::yield();
    mine = co_await p.m.lock();
    p.changed.notify_all();
    auto other = spawn(wait_and_note(p, 4));
    b.cancel();
    mine.release();
    co_await let_others_run();
    CHECK_FALSE(other.done());
    p.changed.notify_all();
    co_await other;
    co_await late;
    CHECK(p.order == std::vector<int>{1, 2, -3, 4});
  };
  eddy::run(body());
}

TEST_CASE("condition: wait_for ends at its limit, with the lock") {
  auto body = []() -> task<> {
    place p;
    co_await wait_for_a_while(p, 0ns, 1);
    co_await wait_for_a_while(p, 1ms, 2);
    CHECK(p.order == std::vector<int>{-1, -2});
    auto guard = co_await p.m.lock();
    const bool notified = co_await p.changed.wait_until(guard, eddy::now() + 1ms);
    CHECK_FALSE(notified);
    CHECK(guard);
    CHECK(p.changed.waiting() == 0);
    const bool held = co_await p.changed.wait_for(guard, 1ms, [] { return false; });
    CHECK_FALSE(held);
    int asked = 0;
    const bool at_last = co_await p.changed.wait_until(guard, eddy::now() + 1ms,
                                                       [&asked] { return ++asked == 2; });
    CHECK(at_last);
    CHECK(asked == 2);
    const bool at_once = co_await p.changed.wait_for(guard, 0ms, [] { return true; });
    CHECK(at_once);
  };
  eddy::run(body());
}

TEST_CASE("condition: the limit of a wait with a predicate counts from its begin") {
  auto body = []() -> task<> {
    place p;
    auto busy = spawn([](place& at) -> task<> {
      for (;;) {
        co_await eddy::sleep(1ms);
        at.changed.notify_all();
      }
    }(p));
    auto guard = co_await p.m.lock();
    const auto begin = eddy::now();
    const bool held = co_await p.changed.wait_for(guard, 5ms, [] { return false; });
    CHECK_FALSE(held);
    CHECK(eddy::now() - begin >= 5ms);
    guard.release();
    busy.cancel();
    const bool gone = co_await was_cancelled(busy);
    CHECK(gone);
  };
  eddy::run(body());
}

TEST_CASE("condition: a notification beats the limit, also while the lock is waited for") {
  auto body = []() -> task<> {
    place p;
    auto waiter = spawn(wait_for_a_while(p, 1ms, 1));
    co_await eddy::yield();
    auto mine = co_await p.m.lock();
    p.changed.notify_one();
    co_await eddy::sleep(5ms);  // the limit passes
    CHECK_FALSE(waiter.done());
    mine.release();
    co_await waiter;
    CHECK(p.order == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("condition: timed out and cancelled while it waits for the lock") {
  auto body = []() -> task<> {
    place p;
    auto waiter = spawn(wait_for_a_while(p, 1ms, 1));
    co_await eddy::yield();
    auto mine = co_await p.m.lock();
    co_await eddy::sleep(5ms);
    CHECK(p.m.waiting() == 1);
    waiter.cancel();
    CHECK(p.m.waiting() == 1);
    mine.release();
    const bool gone = co_await was_cancelled(waiter);
    CHECK(gone);
    CHECK(p.order.empty());
    CHECK_FALSE(p.m.locked());
  };
  eddy::run(body());
}

TEST_CASE("condition: with_timeout around a wait gets the lock back first") {
  auto body = []() -> task<> {
    place p;
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(1ms, wait_and_note(p, 1));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(p.order == std::vector<int>{-1});
    CHECK_FALSE(p.m.locked());
  };
  eddy::run(body());
}
