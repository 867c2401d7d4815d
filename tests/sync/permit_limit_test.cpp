// Permits and locks with a limit to the wait, and those that are given back by hand.
#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/semaphore.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::bounded_semaphore;
using eddy::mutex;
using eddy::semaphore;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

namespace {

template <class F>
std::string message_of(F fails) {
  try {
    fails();
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

task<bool> try_for(semaphore& s, std::chrono::nanoseconds d) {
  auto permit = co_await s.acquire_for(d);
  co_return static_cast<bool>(permit);
}

}  // namespace

TEST_CASE("semaphore: a wait with a limit brings a permit, or an empty one") {
  auto body = []() -> task<> {
    semaphore s(1);
    {
      auto at_once = co_await s.acquire_for(0s);
      CHECK(at_once);
      auto none = co_await s.acquire_for(0s);
      CHECK_FALSE(none);
      auto later = co_await s.acquire_for(1ms);
      CHECK_FALSE(later);
      auto point = co_await s.acquire_until(eddy::now() + 1ms);
      CHECK_FALSE(point);
      auto past = co_await s.acquire_until(eddy::now() - 1h);
      CHECK_FALSE(past);
      CHECK(s.waiting() == 0);
      auto waiter = spawn(try_for(s, 1h));
      co_await eddy::yield();
      CHECK(s.statistics().waiting == 1);
      at_once.release();
      const bool got = co_await waiter;
      CHECK(got);
    }
    CHECK(s.available() == 1);
    CHECK(s.statistics().available == 1);
    CHECK(s.statistics().most_waiting == 1);
  };
  eddy::run(body());
}

// The limit fires at the end of the turn in which the permit was handed over.
// Its clock must go on while a coroutine runs.
TEST_CASE("semaphore: granted in the turn of its limit, the permit is kept" * needs_a_kernel()) {
  auto body = []() -> task<> {
    semaphore s(1);
    auto mine = s.try_acquire();
    auto waiter = spawn(try_for(s, 1ms));
    co_await eddy::yield();
    const auto end = eddy::now() + 2ms;
    while (eddy::now() < end) {
    }
    mine.release();  // the limit has passed, but has not fired
    const bool got = co_await waiter;
    CHECK(got);
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: with a limit and cancelled, at every stage") {
  auto body = []() -> task<> {
    semaphore s(1);
    auto mine = s.try_acquire();
    auto waiting = spawn(try_for(s, 1h));
    auto granted = spawn(try_for(s, 1h));
    auto ended = spawn(try_for(s, 0s));
    auto unstarted = spawn(try_for(s, 1h));
    unstarted.cancel();
    co_await eddy::yield();
    ended.cancel();  // its limit has come, and it has not run since
    waiting.cancel();
    mine.release();
    granted.cancel();
    CHECK(s.available() == 1);
    CHECK(s.waiting() == 0);
    const bool a = co_await was_cancelled(waiting);
    const bool b = co_await was_cancelled(granted);
    const bool c = co_await was_cancelled(ended);
    const bool d = co_await was_cancelled(unstarted);
    CHECK(a);
    CHECK(b);
    CHECK(c);
    CHECK(d);
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

// cpython#90155: a semaphore whose woken waiter was cancelled stranded the rest, out of order.
TEST_CASE("semaphore: a woken waiter that is cancelled strands nobody, and order holds") {
  auto body = []() -> task<> {
    semaphore s(1);
    std::vector<int> order;
    auto hold = [](semaphore& sem, int name, std::vector<int>& o) -> task<> {
      auto permit = co_await sem.acquire();
      o.push_back(name);
    };
    auto mine = s.try_acquire();
    auto a = spawn(hold(s, 1, order));
    auto b = spawn(hold(s, 2, order));
    auto c = spawn(hold(s, 3, order));
    co_await eddy::yield();
    mine.release();
    a.cancel();
    auto d = spawn(hold(s, 4, order));
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
    co_await b;
    co_await c;
    co_await d;
    CHECK(order == std::vector<int>{2, 3, 4});
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("bounded_semaphore: release beyond its limit is an error") {
  bounded_semaphore s(2);
  CHECK(s.limit() == 2);
  std::string said = message_of([&] { s.release(); });
  CHECK(said.find("2 of 2 permits are free") != std::string::npos);
  CHECK(s.available() == 2);
  {
    auto held = s.try_acquire();
    said = message_of([&] { s.release(); });
    CHECK(said.find("1 of 2 permits are free") != std::string::npos);
    CHECK(s.available() == 1);
  }
  CHECK(s.available() == 2);
  auto forgotten = s.try_acquire();
  forgotten.forget();
  forgotten.forget();
  CHECK_FALSE(forgotten);
  forgotten.release();
  CHECK(s.available() == 1);
  s.release();
  CHECK(s.available() == 2);
  said = message_of([&] { s.release(); });
  CHECK(said.find("beyond its limit") != std::string::npos);
}

TEST_CASE("bounded_semaphore: waits as a semaphore does") {
  auto body = []() -> task<> {
    bounded_semaphore s(1);
    auto permit = co_await s.acquire();
    CHECK_FALSE(s.try_acquire());
    auto none = co_await s.acquire_for(0s);
    CHECK_FALSE(none);
    auto neither = co_await s.acquire_until(eddy::now());
    CHECK_FALSE(neither);
    permit.forget();
    auto next = spawn([](bounded_semaphore& sem) -> task<> {
      auto p = co_await sem.acquire();
      CHECK(p);
    }(s));
    co_await eddy::yield();
    CHECK(s.waiting() == 1);
    s.release();
    co_await next;
    CHECK(s.available() == 1);
    CHECK(s.statistics().most_waiting == 1);
  };
  eddy::run(body());
}

TEST_CASE("mutex: a lock with a limit") {
  auto body = []() -> task<> {
    mutex m;
    auto mine = co_await m.lock_for(0s);
    CHECK(mine);
    auto none = co_await m.lock_for(1ms);
    CHECK_FALSE(none);
    auto neither = co_await m.lock_until(eddy::now() + 1ms);
    CHECK_FALSE(neither);
    CHECK(m.waiting() == 0);
    CHECK(m.statistics().locked);
    CHECK(m.statistics().most_waiting == 1);
    none.release();  // of an empty guard: nothing
    CHECK(m.locked());
    mine.release();
    auto again = co_await m.lock_until(eddy::now() + 1h);
    CHECK(again);
  };
  eddy::run(body());
}

TEST_CASE("mutex: unlock is for a forgotten guard; what nobody has locked is an error") {
  auto body = []() -> task<> {
    mutex m;
    std::string said = message_of([&] { m.unlock(); });
    CHECK(said == "mutex: unlock of a mutex that nobody has locked");
    auto guard = co_await m.lock();
    said = message_of([&] { m.unlock(); });
    CHECK(said.find("a guard holds") != std::string::npos);
    CHECK(m.locked());
    guard.forget();
    CHECK(m.locked());
    m.unlock();
    CHECK_FALSE(m.locked());
    said = message_of([&] { m.unlock(); });
    CHECK(said.find("nobody") != std::string::npos);
    CHECK_FALSE(m.locked());
  };
  eddy::run(body());
}

TEST_CASE("event: statistics") {
  auto body = []() -> task<> {
    eddy::event e;
    auto wait = [](eddy::event& at) -> task<> { co_await at.wait(); };
    auto a = spawn(wait(e));
    auto b = spawn(wait(e));
    co_await eddy::yield();
    CHECK(e.statistics().waiting == 2);
    CHECK_FALSE(e.statistics().set);
    e.set();
    CHECK(e.statistics().set);
    CHECK(e.statistics().waiting == 0);
    CHECK(e.statistics().most_waiting == 2);
    co_await a;
    co_await b;
  };
  eddy::run(body());
}
