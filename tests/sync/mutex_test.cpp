#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/mutex.hpp>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "tasks.hpp"

using eddy::mutex;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

static_assert(!std::is_copy_constructible_v<mutex> && !std::is_move_constructible_v<mutex>);
static_assert(!std::is_copy_constructible_v<mutex::guard>);
static_assert(std::is_nothrow_move_constructible_v<mutex::guard>);

namespace {

task<> enter(mutex& m, int name, std::vector<int>& order) {
  auto guard = co_await m.lock();
  order.push_back(name);
  co_await eddy::yield();
}

// Reads, waits, writes: loses increments unless it is alone.
task<> increment(mutex& m, int& value) {
  for (int i = 0; i < 10; ++i) {
    auto guard = co_await m.lock();
    const int before = value;
    co_await eddy::yield();
    value = before + 1;
  }
}

task<int> refusals(mutex& m) {
  co_await swallow_cancellation();
  int refused = 0;
  for (int i = 0; i < 3; ++i) {
    try {
      auto guard = co_await m.lock();
    } catch (const eddy::cancelled&) {
      ++refused;
    }
  }
  co_return refused;
}

}  // namespace

TEST_CASE("mutex: try_lock and the guard") {
  mutex m;
  CHECK_FALSE(m.locked());
  {
    auto guard = m.try_lock();
    CHECK(guard);
    CHECK(m.locked());
    CHECK_FALSE(m.try_lock());
    CHECK(m.locked());
    mutex::guard moved(std::move(guard));
    CHECK_FALSE(guard);
    CHECK(m.locked());
  }
  CHECK_FALSE(m.locked());
  auto guard = m.try_lock();
  guard.release();
  CHECK_FALSE(m.locked());
  CHECK(m.try_lock());
}

TEST_CASE("mutex: one at a time, across awaits") {
  auto body = []() -> task<> {
    mutex m;
    int value = 0;
    std::vector<task<>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(increment(m, value));
    co_await eddy::gather(std::move(tasks));
    CHECK(value == 100);
    CHECK_FALSE(m.locked());
  };
  eddy::run(body());
}

TEST_CASE("mutex: the lock is handed over in the order of asking") {
  auto body = []() -> task<> {
    mutex m;
    std::vector<int> order;
    auto mine = m.try_lock();
    std::vector<eddy::join_handle<>> tasks;
    for (int name = 0; name < 4; ++name) tasks.push_back(spawn(enter(m, name, order)));
    co_await eddy::yield();
    CHECK(m.waiting() == 4);
    mine.release();
    CHECK(m.locked());
    CHECK_FALSE(m.try_lock());
    co_await enter(m, 4, order);
    for (auto& t : tasks) co_await t;
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
    CHECK_FALSE(m.locked());
  };
  eddy::run(body());
}

TEST_CASE("mutex: an exception in the section unlocks") {
  auto body = []() -> task<> {
    mutex m;
    auto failing = [](mutex& mtx) -> task<> {
      auto guard = co_await mtx.lock();
      throw std::runtime_error("in the section");
    };
    bool thrown = false;
    try {
      co_await failing(m);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK_FALSE(m.locked());
  };
  eddy::run(body());
}

TEST_CASE("mutex: cancelled while waiting, and when granted but not yet run") {
  auto body = []() -> task<> {
    mutex m;
    std::vector<int> order;
    auto mine = m.try_lock();
    auto waiting = spawn(enter(m, 0, order));
    auto granted = spawn(enter(m, 1, order));
    auto next = spawn(enter(m, 2, order));
    co_await eddy::yield();
    waiting.cancel();
    CHECK(m.waiting() == 2);
    mine.release();
    granted.cancel();
    CHECK(m.locked());
    CHECK(m.waiting() == 0);
    const bool first_gone = co_await was_cancelled(waiting);
    const bool second_gone = co_await was_cancelled(granted);
    CHECK(first_gone);
    CHECK(second_gone);
    co_await next;
    CHECK(order == std::vector<int>{2});
    CHECK_FALSE(m.locked());
  };
  eddy::run(body());
}

TEST_CASE("mutex: cancelled when granted with nobody behind, it is free") {
  auto body = []() -> task<> {
    mutex m;
    std::vector<int> order;
    auto mine = m.try_lock();
    auto t = spawn(enter(m, 0, order));
    co_await eddy::yield();
    mine.release();
    t.cancel();
    CHECK_FALSE(m.locked());
    const bool gone = co_await was_cancelled(t);
    CHECK(gone);
    CHECK(order.empty());
  };
  eddy::run(body());
}

TEST_CASE("mutex: in a cancelled scope even a free lock is refused") {
  auto body = []() -> task<> {
    mutex m;
    auto t = spawn(refusals(m));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK_FALSE(m.locked());
  };
  eddy::run(body());
}

TEST_CASE("mutex: a task that locks it twice waits for itself, until a timeout") {
  auto body = []() -> task<> {
    mutex m;
    auto twice = [](mutex& mtx) -> task<> {
      auto first = co_await mtx.lock();
      auto second = co_await mtx.lock();
    };
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(std::chrono::nanoseconds(1), twice(m));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK_FALSE(m.locked());
    CHECK(m.waiting() == 0);
  };
  eddy::run(body());
}
