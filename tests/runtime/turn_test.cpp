// The order in which a loop runs things: nobody is resumed inside another's call, nobody starves.
#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "../support/simulated.hpp"
#include "drive.hpp"
#include "gate.hpp"

using eddy::join_handle;
using eddy::loop;
using eddy::sleep;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using eddy::detail::turn_budget;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

task<> nothing() { co_return; }

task<> nested(int depth) {
  if (depth > 0) co_await nested(depth - 1);
}

}  // namespace

TEST_CASE("turn: tasks that yield take turns, first come first served") {
  std::string log;
  drive([&]() -> task<> {
    auto worker = [&](char name) -> task<> {
      for (int i = 0; i < 3; ++i) {
        log += name;
        co_await yield();
      }
    };
    std::vector<join_handle<>> all;
    for (const char name : {'a', 'b', 'c'}) all.push_back(spawn(worker, name));
    for (auto& h : all) co_await h;
  });
  CHECK(log == "abcabcabc");
}

TEST_CASE("turn: waking, cancelling, spawning and dropping resume nobody inside the call" *
          needs_full_turns()) {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    auto waits = [&](char name) -> task<> {
      try {
        co_await g.wait();
        log += name;
      } catch (const eddy::cancelled&) {
        log += name;
        log += '!';
        throw;
      }
    };
    auto a = spawn(waits, 'a');
    auto b = spawn(waits, 'b');
    auto c = spawn(waits, 'c');
    auto d = spawn(waits, 'd');
    co_await yield();
    log += '[';
    c.cancel();
    g.admit_one();
    d = join_handle<>();
    auto e = spawn(waits, 'e');
    g.open();
    log += ']';
    co_await a;
    co_await b;
    co_await e;
  });
  CHECK(log == "[]c!ad!eb");
}

TEST_CASE("turn: what is woken runs behind what was ready before") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    auto waits = [&](char name) -> task<> {
      co_await g.wait();
      log += name;
    };
    auto yields = [&](char name) -> task<> {
      co_await yield();
      log += name;
    };
    auto a = spawn(waits, 'a');
    auto b = spawn(waits, 'b');
    co_await yield();
    auto y = spawn(yields, 'y');
    g.open();
    co_await turns(1);
    log += '.';
    co_await y;
    co_await a;
    co_await b;
  });
  CHECK(log == "ab.y");
}

// Depths around transfer_limit: where the stack is unwound must not show.
TEST_CASE("turn: the end of a transfer chain is seen by nobody") {
  for (int depth = 0; depth < 300; depth += 7) {
    std::string log;
    drive([&]() -> task<> {
      auto other = spawn([&]() -> task<> {
        log += 'o';
        co_return;
      });
      co_await nested(depth);
      log += 'n';
      co_await yield();
      co_await nested(depth);
      log += 'n';
      co_await other;
    });
    REQUIRE(log == "non");
  }
}

TEST_CASE("turn: gathered children that end together resume the parent once, at the last") {
  std::string log;
  drive([&]() -> task<> {
    auto child = [&](char name) -> task<> {
      log += name;
      co_return;
    };
    auto other = spawn([&]() -> task<> {
      co_await yield();
      log += 'o';
    });
    co_await eddy::gather(child('a'), child('b'), child('c'));
    log += 'p';
    co_await other;
  });
  CHECK(log == "abcpo");
}

// A function that posts itself again is delivered once a turn: it counts what runs in between.
TEST_CASE("turn: at most 256 resumptions, then the mail, the selector and the timers have theirs" *
          needs_full_turns()) {
  CHECK(turn_budget == 256);
  long resumed = 0;
  std::vector<long> seen;
  drive([&]() -> task<> {
    auto yields = [&]() -> task<> {
      for (;;) {
        ++resumed;
        co_await yield();
      }
    };
    std::vector<join_handle<>> flood;
    for (int i = 0; i < 1000; ++i) flood.push_back(spawn(yields));
    loop& here = loop::current();
    std::function<void()> again = [&] {
      seen.push_back(resumed);
      if (seen.size() < 50) here.post(again);
    };
    here.post(again);
    while (seen.size() < 50) co_await yield();
  });
  for (std::size_t i = 2; i < seen.size(); ++i) {
    CHECK(seen[i] - seen[i - 1] <= turn_budget);
    CHECK(seen[i] - seen[i - 1] >= turn_budget - 1);  // the task that waits here is one of them
  }
}

TEST_CASE("turn: a flood of ready tasks holds up no timer and no offload") {
  drive([]() -> task<> {
    bool stop = false;
    auto yields = [&]() -> task<> {
      while (!stop) co_await yield();
    };
    std::vector<join_handle<>> flood;
    for (int i = 0; i < 2000; ++i) flood.push_back(spawn(yields));
    co_await sleep(2ms);
    const int n = co_await eddy::offload([] { return 3; });
    CHECK(n == 3);
    stop = true;
    for (auto& h : flood) co_await h;
  });
}

// Awaits that complete at once do not suspend, but for the budget of the turn.
TEST_CASE("turn: an await that is always ready starves nobody" * needs_full_turns()) {
  drive([]() -> task<> {
    gate open;
    open.open();
    for (int turn = 0; turn < 3; ++turn) {  // the budget is there anew each turn
      long rounds = 0;
      long rounds_at_other = 0;
      bool stop = false;
      auto greedy = spawn([&]() -> task<> {
        while (!stop) {
          ++rounds;
          co_await open.wait();
        }
      });
      auto other = spawn([&]() -> task<> {
        rounds_at_other = rounds;
        co_await yield();
        co_await sleep(1ms);  // a timer gets its turn too
        stop = true;
      });
      co_await other;
      co_await greedy;
      CHECK(rounds_at_other > turn_budget / 2);  // it does not yield at every await
      CHECK(rounds_at_other <= turn_budget);
      co_await sleep(1ms);
    }
  });
}

TEST_CASE("turn: who spends the budget ends it, and the next has all of it" * needs_full_turns()) {
  drive([]() -> task<> {
    gate open;
    open.open();
    int greedy_rounds = 0;
    int seen_first = -1;
    int seen_last = -2;
    auto greedy = spawn([&]() -> task<> {
      for (; greedy_rounds < 3 * turn_budget; ++greedy_rounds) co_await open.wait();
    });
    auto other = spawn([&]() -> task<> {
      seen_first = greedy_rounds;
      for (int i = 0; i < turn_budget - 1; ++i) co_await open.wait();
      seen_last = greedy_rounds;
    });
    co_await other;
    co_await greedy;
    CHECK(seen_first > 0);
    CHECK(seen_last == seen_first);
  });
}

TEST_CASE("turn: joins of ended tasks and empty gathers are under the budget too") {
  for (const bool joins : {true, false}) {
    int done = 0;
    int done_at_other = -1;
    drive([&]() -> task<> {
      std::vector<join_handle<>> ended;
      for (int i = 0; i < 1000; ++i) ended.push_back(spawn(nothing()));
      co_await yield();
      while (!ended.back().done()) co_await yield();
      auto greedy = spawn([&]() -> task<> {
        for (auto& h : ended) {
          if (joins) {
            co_await h;
          } else {
            co_await eddy::gather(std::vector<task<>>());
          }
          ++done;
        }
      });
      auto other = spawn([&]() -> task<> {
        done_at_other = done;
        co_return;
      });
      co_await greedy;
      co_await other;
    });
    CHECK(done == 1000);
    CHECK(done_at_other > 0);
    CHECK(done_at_other <= turn_budget);
  }
}

TEST_CASE("turn: the same program has the same order every time") {
  std::string first;
  for (int round = 0; round < 3; ++round) {
    std::string log;
    drive([&]() -> task<> {
      gate g;
      auto worker = [&](int n) -> task<> {
        for (int i = 0; i < n % 5; ++i) co_await yield();
        if (n % 3 == 0) co_await g.wait();
        co_await nested(n * 3);
        log += static_cast<char>('A' + n % 26);
        if (n == 31) g.open();
      };
      std::vector<task<>> gathered;
      std::vector<join_handle<>> spawned;
      for (int i = 0; i < 40; ++i) {
        if (i % 2 == 0) {
          gathered.push_back(worker(i));
        } else {
          spawned.push_back(spawn(worker, i));
        }
      }
      co_await eddy::gather(std::move(gathered));
      for (auto& h : spawned) co_await h;
    });
    if (round == 0) first = log;
    REQUIRE(log.size() == 40);
    CHECK(log == first);
  }
}
