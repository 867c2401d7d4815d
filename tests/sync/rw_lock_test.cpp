#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/rw_lock.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::rw_lock;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<rw_lock> && !std::is_move_constructible_v<rw_lock>);
static_assert(!std::is_copy_constructible_v<rw_lock::shared_guard>);
static_assert(std::is_nothrow_move_assignable_v<rw_lock::exclusive_guard>);

namespace {

// Notes "r1" when it shares the lock and "w1" when it has it alone; holds it for one yield.
task<> read(rw_lock& lock, char name, std::string& order) {
  auto guard = co_await lock.lock_shared();
  order += 'r';
  order += name;
  co_await eddy::yield();
}

task<> write(rw_lock& lock, char name, std::string& order) {
  auto guard = co_await lock.lock();
  order += 'w';
  order += name;
  co_await eddy::yield();
  CHECK(lock.readers() == 0);
}

}  // namespace

TEST_CASE("rw_lock: shared by many or held by one, without waiting") {
  rw_lock lock;
  auto a = lock.try_lock_shared();
  auto b = lock.try_lock_shared();
  CHECK(a);
  CHECK(b);
  CHECK(lock.readers() == 2);
  CHECK_FALSE(lock.try_lock());
  a.release();
  a.release();
  CHECK(lock.readers() == 1);
  b = rw_lock::shared_guard();
  auto w = lock.try_lock();
  CHECK(w);
  CHECK(lock.writing());
  CHECK_FALSE(lock.try_lock());
  CHECK_FALSE(lock.try_lock_shared());
  rw_lock::exclusive_guard moved(std::move(w));
  CHECK_FALSE(w);
  moved.release();
  CHECK_FALSE(lock.writing());
  CHECK(lock.try_lock());
}

TEST_CASE("rw_lock: a free lock is taken without a suspend, but not for ever" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    rw_lock lock;
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    { auto guard = co_await lock.lock(); }
    { auto guard = co_await lock.lock_shared(); }
    CHECK_FALSE(other_ran);
    for (int i = 0; !other_ran && i < 100'000; ++i) auto guard = co_await lock.lock_shared();
    CHECK(other_ran);
    co_await other;
  };
  eddy::run(body());
}

TEST_CASE("rw_lock: readers after a waiting writer wait, and go together") {
  auto body = []() -> task<> {
    rw_lock lock;
    std::string order;
    auto mine = lock.try_lock_shared();
    std::vector<eddy::join_handle<>> tasks;
    tasks.push_back(spawn(read(lock, '1', order)));
    tasks.push_back(spawn(write(lock, '2', order)));
    tasks.push_back(spawn(read(lock, '3', order)));
    tasks.push_back(spawn(read(lock, '4', order)));
    tasks.push_back(spawn(write(lock, '5', order)));
    tasks.push_back(spawn(read(lock, '6', order)));
    co_await let_others_run();
    CHECK(order == "r1");
    CHECK(lock.waiting() == 5);
    CHECK_FALSE(lock.try_lock_shared());
    mine.release();
    CHECK(lock.writing());
    for (auto& t : tasks) co_await t;
    CHECK(order == "r1w2r3r4w5r6");
    CHECK(lock.statistics().most_waiting == 5);
    CHECK(lock.statistics().readers == 0);
    CHECK_FALSE(lock.statistics().writing);
  };
  eddy::run(body());
}

TEST_CASE("rw_lock: neither kind starves the other") {
  auto body = []() -> task<> {
    rw_lock lock;
    std::string order;
    std::vector<task<>> tasks;
    for (int i = 0; i < 20; ++i) {
      tasks.push_back(i % 3 == 0 ? write(lock, 'x', order) : read(lock, 'x', order));
    }
    co_await eddy::gather(std::move(tasks));
    std::string expected;
    for (int i = 0; i < 20; ++i) expected += i % 3 == 0 ? "wx" : "rx";
    CHECK(order == expected);
  };
  eddy::run(body());
}

TEST_CASE("rw_lock: a cancelled writer lets the readers behind it in") {
  auto body = []() -> task<> {
    rw_lock lock;
    std::string order;
    auto mine = lock.try_lock_shared();
    auto writer = spawn(write(lock, '1', order));
    auto reader = spawn(read(lock, '2', order));
    co_await eddy::yield();
    CHECK(lock.waiting() == 2);
    writer.cancel();
    CHECK(lock.waiting() == 0);
    CHECK(lock.readers() == 2);
    const bool gone = co_await was_cancelled(writer);
    CHECK(gone);
    co_await reader;
    CHECK(order == "r2");
    CHECK(lock.readers() == 1);
  };
  eddy::run(body());
}

TEST_CASE("rw_lock: granted and cancelled in one turn, it goes to the next in line") {
  auto body = []() -> task<> {
    rw_lock lock;
    std::string order;
    auto mine = lock.try_lock();
    auto writer = spawn(write(lock, '1', order));
    auto first = spawn(read(lock, '2', order));
    auto second = spawn(read(lock, '3', order));
    auto last = spawn(write(lock, '4', order));
    co_await eddy::yield();
    mine.release();
    CHECK(lock.writing());
    writer.cancel();
    CHECK_FALSE(lock.writing());
    CHECK(lock.readers() == 2);
    first.cancel();
    CHECK(lock.readers() == 1);
    second.cancel();
    CHECK(lock.writing());
    const bool a = co_await was_cancelled(writer);
    const bool b = co_await was_cancelled(first);
    const bool c = co_await was_cancelled(second);
    CHECK(a);
    CHECK(b);
    CHECK(c);
    co_await last;
    CHECK(order == "w4");
    CHECK_FALSE(lock.writing());
  };
  eddy::run(body());
}

TEST_CASE("rw_lock: in a cancelled scope even a free lock is refused") {
  auto body = []() -> task<> {
    rw_lock lock;
    auto t = spawn([](rw_lock& l) -> task<int> {
      co_await swallow_cancellation();
      int refused = 0;
      for (int i = 0; i < 4; ++i) {
        try {
          if (i % 2 == 0) {
            auto guard = co_await l.lock();
          } else {
            auto guard = co_await l.lock_shared();
          }
        } catch (const eddy::cancelled&) {
          ++refused;
        }
      }
      co_return refused;
    }(lock));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 4);
    CHECK_FALSE(lock.writing());
    CHECK(lock.readers() == 0);
  };
  eddy::run(body());
}

TEST_CASE("rw_lock: with a limit") {
  auto body = []() -> task<> {
    rw_lock lock;
    std::string order;
    auto mine = lock.try_lock_shared();
    auto no_writer = co_await lock.lock_for(0s);
    CHECK_FALSE(no_writer);
    auto a_reader = co_await lock.lock_shared_for(1h);
    CHECK(a_reader);
    // The writer gives up; the reader behind it goes on.
    auto impatient = spawn([](rw_lock& l) -> task<> {
      auto guard = co_await l.lock_until(eddy::now() + 1ms);
      CHECK_FALSE(guard);
    }(lock));
    co_await eddy::yield();
    auto reader = spawn(read(lock, '1', order));
    co_await impatient;
    co_await reader;
    CHECK(order == "r1");
    CHECK(lock.readers() == 2);
    mine.release();
    a_reader.release();
    auto writer = co_await lock.lock_for(1h);
    CHECK(writer);
    auto no_reader = co_await lock.lock_shared_until(eddy::now());
    CHECK_FALSE(no_reader);
    CHECK(lock.waiting() == 0);
  };
  eddy::run(body());
}
