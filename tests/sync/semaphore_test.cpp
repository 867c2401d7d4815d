#include <doctest/doctest.h>

#include <algorithm>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/semaphore.hpp>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::semaphore;
using eddy::spawn;
using eddy::task;
using namespace sync_test;

static_assert(!std::is_copy_constructible_v<semaphore> && !std::is_move_constructible_v<semaphore>);
static_assert(!std::is_copy_constructible_v<semaphore::permit>);
static_assert(!std::is_copy_assignable_v<semaphore::permit>);
static_assert(std::is_nothrow_move_constructible_v<semaphore::permit>);
static_assert(std::is_nothrow_move_assignable_v<semaphore::permit>);

namespace {

// Takes a permit, says so, and holds it for one yield.
task<> hold(semaphore& s, int name, std::vector<int>& order) {
  auto permit = co_await s.acquire();
  order.push_back(name);
  co_await eddy::yield();
}

task<> hold_until_cancelled(semaphore& s) {
  auto permit = co_await s.acquire();
  co_await eddy::sleep(std::chrono::hours(1));
}

task<int> refusals(semaphore& s) {
  co_await swallow_cancellation();
  int refused = 0;
  for (int i = 0; i < 3; ++i) {
    try {
      auto permit = co_await s.acquire();
    } catch (const eddy::cancelled&) {
      ++refused;
    }
  }
  co_return refused;
}

}  // namespace

TEST_CASE("semaphore: permits are counted without waiting") {
  semaphore s(2);
  CHECK(s.available() == 2);
  auto a = s.try_acquire();
  auto b = s.try_acquire();
  CHECK(a);
  CHECK(b);
  CHECK(s.available() == 0);
  auto none = s.try_acquire();
  CHECK_FALSE(none);
  none.release();
  CHECK(s.available() == 0);
  b.release();
  b.release();
  CHECK_FALSE(b);
  CHECK(s.available() == 1);
  {
    auto c = s.try_acquire();
    CHECK(s.available() == 0);
  }
  CHECK(s.available() == 1);
  s.release();
  CHECK(s.available() == 2);
}

TEST_CASE("semaphore: a permit moves, and an overwritten one is released") {
  semaphore s(2);
  auto a = s.try_acquire();
  semaphore::permit b(std::move(a));
  CHECK_FALSE(a);
  CHECK(b);
  CHECK(s.available() == 1);
  auto c = s.try_acquire();
  CHECK(s.available() == 0);
  c = std::move(b);
  CHECK(c);
  CHECK(s.available() == 1);
  auto& self = c;
  c = std::move(self);
  CHECK(c);
  CHECK(s.available() == 1);
  c = semaphore::permit();
  CHECK(s.available() == 2);
}

TEST_CASE("semaphore: a free permit is taken without a suspend" * needs_full_turns()) {
  auto body = []() -> task<> {
    semaphore s(1);
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    auto permit = co_await s.acquire();
    CHECK_FALSE(other_ran);
    co_await other;
    CHECK(other_ran);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: taking free permits for ever does not starve the others" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    semaphore s(1);
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    int rounds = 0;
    for (; !other_ran && rounds < 100'000; ++rounds) auto permit = co_await s.acquire();
    CHECK(other_ran);
    CHECK(rounds > 1);
    co_await other;
  };
  eddy::run(body());
}

TEST_CASE("semaphore: waiters are served in the order they came, and nobody overtakes") {
  auto body = []() -> task<> {
    semaphore s(1);
    std::vector<int> order;
    auto mine = s.try_acquire();
    std::vector<eddy::join_handle<>> tasks;
    for (int name = 0; name < 5; ++name) tasks.push_back(spawn(hold(s, name, order)));
    co_await eddy::yield();
    CHECK(s.waiting() == 5);
    mine.release();
    // The permit belongs to the first in line, who has not run yet.
    CHECK(s.available() == 0);
    CHECK_FALSE(s.try_acquire());
    CHECK(s.waiting() == 4);
    co_await hold(s, 5, order);
    for (auto& t : tasks) co_await t;
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: at most N at a time") {
  struct count {
    int now = 0;
    int most = 0;
  };
  auto body = []() -> task<> {
    semaphore s(3);
    count inside;
    auto work = [](semaphore& sem, count& c) -> task<> {
      auto permit = co_await sem.acquire();
      c.most = std::max(c.most, ++c.now);
      co_await let_others_run();
      --c.now;
    };
    std::vector<task<>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(work(s, inside));
    co_await eddy::gather(std::move(tasks));
    CHECK(inside.most == 3);
    CHECK(inside.now == 0);
    CHECK(s.available() == 3);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: an exception in the section releases the permit") {
  auto body = []() -> task<> {
    semaphore s(1);
    auto failing = [](semaphore& sem) -> task<> {
      auto permit = co_await sem.acquire();
      throw std::runtime_error("in the section");
    };
    bool thrown = false;
    try {
      co_await failing(s);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: cancelled while waiting, it leaves the line and takes nothing") {
  auto body = []() -> task<> {
    semaphore s(1);
    std::vector<int> order;
    auto mine = s.try_acquire();
    auto a = spawn(hold(s, 0, order));
    auto b = spawn(hold(s, 1, order));
    auto c = spawn(hold(s, 2, order));
    co_await eddy::yield();
    b.cancel();
    CHECK(s.waiting() == 2);
    const bool gone = co_await was_cancelled(b);
    CHECK(gone);
    mine.release();
    co_await a;
    co_await c;
    CHECK(order == std::vector<int>{0, 2});
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: cancelled when granted but not yet run, the permit goes to the next") {
  auto body = []() -> task<> {
    semaphore s(1);
    std::vector<int> order;
    auto mine = s.try_acquire();
    auto a = spawn(hold(s, 0, order));
    auto b = spawn(hold(s, 1, order));
    co_await eddy::yield();
    mine.release();
    a.cancel();
    CHECK(s.available() == 0);
    CHECK(s.waiting() == 0);
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
    co_await b;
    CHECK(order == std::vector<int>{1});
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: cancelled when granted with nobody behind, the permit is free again") {
  auto body = []() -> task<> {
    semaphore s(1);
    std::vector<int> order;
    auto mine = s.try_acquire();
    auto a = spawn(hold(s, 0, order));
    co_await eddy::yield();
    mine.release();
    a.cancel();
    CHECK(s.available() == 1);
    auto again = s.try_acquire();
    CHECK(again);
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
    CHECK(order.empty());
  };
  eddy::run(body());
}

TEST_CASE("semaphore: a grant passes through a whole line that is cancelled at once") {
  auto body = []() -> task<> {
    semaphore s(2);
    std::vector<int> order;
    auto one = s.try_acquire();
    auto two = s.try_acquire();
    std::vector<task<>> waiters;
    for (int name = 0; name < 6; ++name) waiters.push_back(hold(s, name, order));
    auto group = spawn([](std::vector<task<>> all) -> task<> {
      co_await eddy::gather(std::move(all));
    }(std::move(waiters)));
    auto survivor = spawn(hold(s, 6, order));
    co_await let_others_run();
    CHECK(s.waiting() == 7);
    one.release();
    two.release();
    group.cancel();
    CHECK(s.waiting() == 0);
    CHECK(s.available() == 1);
    const bool gone = co_await was_cancelled(group);
    CHECK(gone);
    co_await survivor;
    CHECK(order == std::vector<int>{6});
    CHECK(s.available() == 2);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: a cancelled holder releases as it unwinds" * needs_full_turns()) {
  auto body = []() -> task<> {
    semaphore s(1);
    auto holder = spawn(hold_until_cancelled(s));
    co_await eddy::yield();
    CHECK(s.available() == 0);
    holder.cancel();
    // Nobody is resumed inside cancel().
    CHECK(s.available() == 0);
    auto mine = co_await s.acquire();
    CHECK(mine);
    const bool gone = co_await was_cancelled(holder);
    CHECK(gone);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: in a cancelled scope even a free permit is refused") {
  auto body = []() -> task<> {
    semaphore s(1);
    auto t = spawn(refusals(s));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK(s.available() == 1);
    CHECK(s.waiting() == 0);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: with_timeout gives the place in the line up") {
  auto body = []() -> task<> {
    semaphore s(1);
    std::vector<int> order;
    auto mine = s.try_acquire();
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(std::chrono::nanoseconds(1), hold(s, 0, order));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(s.waiting() == 0);
    mine.release();
    CHECK(s.available() == 1);
    co_await eddy::with_timeout(std::chrono::hours(1), hold(s, 1, order));
    CHECK(order == std::vector<int>{1});
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: cancelled when it took a free permit and was made to yield" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    semaphore s(1);
    int rounds = 0;
    auto spin = spawn([](semaphore& sem, int& n) -> task<> {
      for (;; ++n) auto permit = co_await sem.acquire();
    }(s, rounds));
    co_await eddy::yield();
    CHECK(rounds > 0);
    CHECK(s.available() == 0);
    spin.cancel();
    CHECK(s.available() == 1);
    const int before = rounds;
    const bool gone = co_await was_cancelled(spin);
    CHECK(gone);
    CHECK(rounds == before);
    CHECK(s.available() == 1);
  };
  eddy::run(body());
}

TEST_CASE("semaphore: one acquire may be awaited again, by another task, too") {
  eddy::run([]() -> task<> {
    semaphore s(0);
    auto acquire = s.acquire();
    auto first = spawn([](auto& once) -> task<> {
      auto permit = co_await once;  // waits
      permit.release();
      co_await eddy::sleep(std::chrono::hours(1));
    }(acquire));
    co_await eddy::yield();
    s.release();
    co_await eddy::yield();
    {
      auto permit = co_await acquire;  // does not wait, and is nothing to the first task
      CHECK(s.available() == 0);
    }
    CHECK(s.available() == 1);
    first.cancel();
    CHECK_THROWS_AS(co_await first, eddy::task_cancelled);
  }());
}
