#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/barrier.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::barrier;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<barrier> && !std::is_move_constructible_v<barrier>);

namespace {

task<std::size_t> arrive(barrier& b) { co_return co_await b.arrive_and_wait(); }

// What the error says, or nothing.
task<std::string> arrive_at_broken(barrier& b) {
  std::string said;
  try {
    co_await b.arrive_and_wait();
  } catch (const eddy::broken_barrier& error) {
    said = error.what();
  }
  co_return said;
}

}  // namespace

TEST_CASE("barrier: of no parties is refused") {
  CHECK_THROWS_AS(barrier(0), std::invalid_argument);
}

TEST_CASE("barrier: nobody goes on before all have arrived, then all in order" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    barrier b(3);
    CHECK(b.parties() == 3);
    for (int round = 0; round < 3; ++round) {
      auto first = spawn(arrive(b));
      auto second = spawn(arrive(b));
      co_await let_others_run();
      CHECK(b.waiting() == 2);
      CHECK_FALSE(first.done());
      const std::size_t mine = co_await b.arrive_and_wait();
      CHECK(mine == 2);
      CHECK(b.waiting() == 0);
      CHECK_FALSE(first.done());  // nobody is resumed inside
      const std::size_t one = co_await first;
      const std::size_t two = co_await second;
      CHECK(one == 0);
      CHECK(two == 1);
    }
    CHECK(b.statistics().trips == 3);
    CHECK(b.statistics().most_waiting == 2);
    CHECK(b.statistics().waiting == 0);
  };
  eddy::run(body());
}

TEST_CASE("barrier: of one party never waits, but not for ever" * needs_full_turns()) {
  auto body = []() -> task<> {
    barrier b(1);
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    const std::size_t index = co_await b.arrive_and_wait();
    CHECK(index == 0);
    CHECK_FALSE(other_ran);
    for (int i = 0; !other_ran && i < 100'000; ++i) (void)co_await b.arrive_and_wait();
    CHECK(other_ran);
    co_await other;
  };
  eddy::run(body());
}

TEST_CASE("barrier: cancelled while waiting, it has not arrived") {
  auto body = []() -> task<> {
    barrier b(3);
    auto a = spawn(arrive(b));
    auto gone = spawn(arrive(b));
    auto c = spawn(arrive(b));
    gone.cancel();  // before it has started
    co_await let_others_run();
    CHECK(b.waiting() == 2);
    a.cancel();
    CHECK(b.waiting() == 1);
    const bool first_gone = co_await was_cancelled(gone);
    const bool second_gone = co_await was_cancelled(a);
    CHECK(first_gone);
    CHECK(second_gone);
    auto d = spawn(arrive(b));
    co_await let_others_run();
    CHECK(b.waiting() == 2);
    const std::size_t mine = co_await b.arrive_and_wait();
    const std::size_t index_c = co_await c;
    const std::size_t index_d = co_await d;
    CHECK(index_c == 0);
    CHECK(index_d == 1);
    CHECK(mine == 2);
  };
  eddy::run(body());
}

TEST_CASE("barrier: cancelled after all have arrived, it has arrived; the next await throws" *
          needs_full_turns()) {
  auto body = []() -> task<> {
    barrier b(2);
    std::size_t index = 99;
    bool went_on = false;
    auto a = spawn([](barrier& at, std::size_t& i, bool& on) -> task<> {
      i = co_await at.arrive_and_wait();
      co_await eddy::yield();
      on = true;
    }(b, index, went_on));
    co_await eddy::yield();
    const std::size_t mine = co_await b.arrive_and_wait();
    CHECK(mine == 1);
    a.cancel();
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
    CHECK(index == 0);
    CHECK_FALSE(went_on);
    CHECK(b.waiting() == 0);
  };
  eddy::run(body());
}

TEST_CASE("barrier: in a cancelled scope nobody arrives") {
  auto body = []() -> task<> {
    barrier b(1);
    auto t = spawn([](barrier& at) -> task<int> {
      co_await swallow_cancellation();
      int refused = 0;
      for (int i = 0; i < 3; ++i) {
        try {
          co_await at.arrive_and_wait();
        } catch (const eddy::cancelled&) {
          ++refused;
        }
      }
      co_return refused;
    }(b));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK(b.statistics().trips == 0);
  };
  eddy::run(body());
}

TEST_CASE("barrier: abort ends those who wait and those who come, until reset") {
  auto body = []() -> task<> {
    barrier b(3);
    auto a = spawn(arrive_at_broken(b));
    co_await eddy::yield();
    CHECK_FALSE(b.broken());
    b.abort();
    CHECK(b.broken());
    CHECK(b.waiting() == 0);
    const std::string said = co_await a;
    CHECK(said == "the barrier of 3 parties was aborted");
    const std::string again = co_await arrive_at_broken(b);
    CHECK(again == said);
    b.reset();
    CHECK_FALSE(b.broken());
    auto c = spawn(arrive_at_broken(b));
    co_await eddy::yield();
    b.reset();
    const std::string after_reset = co_await c;
    CHECK(after_reset == "the barrier of 3 parties was reset");
    auto d = spawn(arrive(b));
    auto e = spawn(arrive(b));
    const std::size_t last = co_await arrive(b);
    CHECK(last < 3);
    co_await d;
    co_await e;
  };
  eddy::run(body());
}

TEST_CASE("barrier: aborted after all have arrived, those have gone through") {
  auto body = []() -> task<> {
    barrier b(2);
    auto a = spawn(arrive(b));
    co_await eddy::yield();
    co_await b.arrive_and_wait();
    b.abort();
    const std::size_t index = co_await a;
    CHECK(index == 0);
  };
  eddy::run(body());
}

TEST_CASE("barrier: aborted and cancelled in one turn is cancelled") {
  auto body = []() -> task<> {
    barrier b(2);
    auto a = spawn(arrive(b));
    co_await eddy::yield();
    b.abort();
    a.cancel();
    const bool gone = co_await was_cancelled(a);
    CHECK(gone);
  };
  eddy::run(body());
}

TEST_CASE("barrier: a limit that comes first takes the arrival back and breaks nothing") {
  auto body = []() -> task<> {
    barrier b(2);
    const auto at_once = co_await b.arrive_and_wait_for(0s);
    CHECK_FALSE(at_once);
    const auto later = co_await b.arrive_and_wait_until(eddy::now() + 1ms);
    CHECK_FALSE(later);
    CHECK(b.waiting() == 0);
    CHECK_FALSE(b.broken());
    auto a = spawn(arrive(b));
    co_await eddy::yield();
    const auto mine = co_await b.arrive_and_wait_for(1h);
    REQUIRE(mine);
    CHECK(*mine == 1);
    co_await a;
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(1ms, arrive(b));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(b.waiting() == 0);
  };
  eddy::run(body());
}
