// Joining spawned tasks: once, by one, and in every order with the end of the task, the loss of its
// handle and a cancellation of the joiner.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::join_handle;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<int> number(int n) { co_return n; }

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

}  // namespace

TEST_CASE("spawn: a second join is a logic_error, also while the first waits") {
  drive([]() -> task<> {
    auto h = spawn(number(1), "counter");
    co_await h;
    std::string text;
    try {
      co_await h;
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "twice"));
    CHECK(contains(text, "counter"));

    gate g;
    auto slow = spawn([&]() -> task<int> {
      co_await g.wait();
      co_return 5;
    });
    auto first = spawn([&]() -> task<int> { co_return co_await slow.join(); });
    co_await yield();
    bool refused = false;
    try {
      co_await slow;
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
    g.open();
    const int n = co_await first;
    CHECK(n == 5);

    join_handle<> none;
    CHECK(none.done());
    bool empty = false;
    try {
      co_await none;
    } catch (const std::logic_error&) {
      empty = true;
    }
    CHECK(empty);
  });
}

// The budget of a turn makes some join of an ended task take the way through the ready queue; each
// number of awaits before it is tried, so that one of them is that join.
TEST_CASE("spawn: two joins of an ended task: one gets the result, wherever the budget ends") {
  for (int before = 0; before < 300; ++before) {
    const int results = drive([before]() -> task<int> {
      gate open;
      open.open();
      auto ended =
          spawn([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(1); });
      while (!ended.done()) co_await yield();
      int got = 0;
      auto join = [&](int awaits) -> task<> {
        for (int i = 0; i < awaits; ++i) co_await open.wait();
        try {
          const auto result = co_await ended.join();
          got += result ? 1 : 100;
        } catch (const std::logic_error&) {
          got += 10;
        }
      };
      auto a = spawn(join, before);
      auto b = spawn(join, 0);
      co_await a;
      co_await b;
      co_return got;
    });
    REQUIRE(results == 11);
  }
}

TEST_CASE("spawn: the handle may be dropped under a join that is about to return") {
  for (int before = 0; before < 300; ++before) {
    tracked::reset();
    drive([before]() -> task<> {
      gate open;
      open.open();
      std::optional<join_handle<tracked>> ended(
          spawn([]() -> task<tracked> { co_return tracked(1); }));
      while (!ended->done()) co_await yield();
      int got = 1;
      auto a = spawn([&]() -> task<> {
        for (int i = 0; i < before; ++i) co_await open.wait();
        if (!ended) co_return;
        const tracked result = co_await ended->join();
        got = result.get();
      });
      auto b = spawn([&]() -> task<> {
        ended.reset();
        co_return;
      });
      co_await a;
      co_await b;
      CHECK(got == 1);
    });
    REQUIRE(tracked::balanced());
  }
}

TEST_CASE("spawn: a refused second join does not touch a task that is gone meanwhile") {
  for (int before = 0; before < 300; ++before) {
    drive([before]() -> task<> {
      gate open;
      open.open();
      gate start;
      std::optional<join_handle<int>> target;
      int refused = 0;
      auto second = spawn([&]() -> task<> {
        co_await start.wait();
        for (int i = 0; i < before; ++i) co_await open.wait();
        if (!target) co_return;
        try {
          co_await target->join();
        } catch (const std::logic_error&) {
          ++refused;
        }
      });
      auto short_lived = [&]() -> task<int> {
        co_await start.wait();
        co_return 1;
      };
      target.emplace(spawn(short_lived(), "short-lived"));
      auto first = spawn([&]() -> task<> {
        co_await target->join();
        target.reset();
      });
      co_await yield();
      co_await yield();
      start.open();  // resumes `second` and the target in one turn, and `first` behind them
      co_await first;
      co_await second;
      CHECK(refused <= 1);
    });
  }
}

TEST_CASE("spawn: cancelling the joiner leaves the task alone") {
  drive([]() -> task<> {
    gate g;
    auto work = spawn([&]() -> task<int> {
      co_await g.wait();
      co_return 6;
    });
    auto joiner = spawn([&]() -> task<int> { co_return co_await work.join(); });
    co_await turns(2);
    joiner.cancel();
    bool told = false;
    try {
      co_await joiner;
    } catch (const eddy::task_cancelled&) {
      told = true;
    }
    CHECK(told);
    CHECK_FALSE(work.done());
    g.open();
    const int n = co_await work;
    CHECK(n == 6);
  });
}

TEST_CASE("spawn: a joiner that is woken and cancelled at once leaves the result to the next") {
  drive([]() -> task<> {
    gate g;
    auto work = spawn([&]() -> task<std::unique_ptr<int>> {
      co_await g.wait();
      co_return std::make_unique<int>(6);
    });
    auto joiner = spawn([&]() -> task<> { co_await work.join(); });
    co_await turns(2);
    g.open();
    auto canceller = spawn([&]() -> task<> {  // runs after `work` has ended, before its joiner
      joiner.cancel();
      co_return;
    });
    co_await canceller;
    bool told = false;
    try {
      co_await joiner;
    } catch (const eddy::task_cancelled&) {
      told = true;
    }
    CHECK(told);
    const auto result = co_await work;
    REQUIRE(result);
    CHECK(*result == 6);
  });
}

TEST_CASE("spawn: a join whose handle is dropped and which is then cancelled frees the task") {
  tracked::reset();
  drive([]() -> task<> {
    gate g;
    auto body = [&](tracked t) -> task<int> {
      co_await g.wait();
      co_return t.get();
    };
    std::optional<join_handle<int>> work(spawn(body(tracked(1))));
    auto joiner = spawn([&]() -> task<> { co_await work->join(); });
    co_await turns(2);
    work.reset();                             // cancels the task, which the joiner still waits for
    auto canceller = spawn([&]() -> task<> {  // when the task has ended and the joiner is woken
      CHECK_FALSE(joiner.done());
      joiner.cancel();
      co_return;
    });
    co_await canceller;
    while (!joiner.done()) co_await yield();
    CHECK(tracked::alive() == 0);
  });
  CHECK(tracked::balanced());
}

namespace {

// The text of the logic_error that joining throws.
template <class Handle>
task<std::string> fault_of(Handle& handle) {
  try {
    co_await handle;
  } catch (const std::logic_error& error) {
    co_return error.what();
  }
  co_return "no fault";
}

}  // namespace

TEST_CASE("spawn: a task that joins itself is told so, by name, and goes on") {
  drive([]() -> task<> {
    join_handle<> h;
    std::string direct;
    std::string through_gather;
    h = spawn("ouroboros", [&]() -> task<> {
      direct = co_await fault_of(h);
      auto [text] = co_await eddy::gather(fault_of(h));
      through_gather = text;
    });
    co_await h;
    CHECK(contains(direct, "ouroboros"));
    CHECK(contains(direct, "itself"));
    CHECK(through_gather == direct);
  });
}

TEST_CASE("spawn: a task that joins one that waits for it is told so, at any depth") {
  for (const int depth : {1, 2, 50}) {
    drive([depth]() -> task<> {
      join_handle<> top;
      std::string text;
      std::vector<join_handle<>> kept;
      std::function<task<>(int)> descend = [&](int left) -> task<> {
        if (left == 0) {
          text = co_await fault_of(top);
          co_return;
        }
        kept.push_back(spawn(descend(left - 1)));
      };
      top = spawn(descend(depth), "patriarch");
      co_await top;
      CHECK(contains(text, "task \"patriarch\" is joined by itself or by a task"));
    });
  }
}

TEST_CASE("spawn: a child of a group that joins the task around the group is told so") {
  drive([]() -> task<> {
    join_handle<> outer;
    std::string text;
    std::string sibling_text;
    outer = spawn("outer", [&]() -> task<> {
      co_await eddy::with_task_group([&](eddy::task_group& g) -> task<> {
        auto sibling = g.spawn(number(3));
        g.spawn([&]() -> task<> { text = co_await fault_of(outer); });
        auto child = g.spawn([&]() -> task<> { sibling_text = co_await fault_of(sibling); });
        co_await child;
      });
    });
    co_await outer;
    CHECK(contains(text, "task \"outer\" is joined by itself"));
    CHECK(sibling_text == "no fault");
  });
}

TEST_CASE("spawn: children, siblings and cousins may be joined, and an ancestor that has ended") {
  drive([]() -> task<> {
    gate g;
    auto slow = spawn([&]() -> task<int> {
      co_await g.wait();
      co_return 1;
    });
    std::vector<join_handle<>> kept;
    auto parent = spawn([&]() -> task<> {
      kept.push_back(spawn([&]() -> task<> {
        const std::string text = co_await fault_of(slow);  // the sibling of its parent
        CHECK(text == "no fault");
      }));
      co_return;
    });
    co_await turns(3);
    g.open();
    co_await parent;
    // A detached task is no child any more.
    join_handle<> leaves;
    std::string text = "not run";
    leaves = spawn([&]() -> task<> {
      auto detached = spawn([&]() -> task<> { text = co_await fault_of(leaves); });
      detached.detach();
      co_return;
    });
    while (text == "not run") co_await yield();
    CHECK(text == "no fault");
  });
}

TEST_CASE("spawn: a value is read once, whether by a join or by result()") {
  drive([]() -> task<> {
    auto twice = spawn(number(1), "read");
    CHECK(contains(message_of<std::logic_error>([&] { twice.result(); }), "has not ended"));
    while (!twice.done()) co_await yield();
    CHECK(twice.result() == 1);
    CHECK(contains(message_of<std::logic_error>([&] { twice.result(); }), "read"));
    const std::string text = co_await fault_of(twice);
    CHECK(contains(text, "twice"));

    auto joined = spawn(number(2), "joined");
    co_await joined;
    CHECK(contains(message_of<std::logic_error>([&] { joined.result(); }), "twice"));

    auto cancelled = spawn(number(3), "cut");
    cancelled.cancel();
    while (!cancelled.done()) co_await yield();
    CHECK(contains(message_of<eddy::task_cancelled>([&] { cancelled.result(); }), "cut"));
    const std::string again = co_await fault_of(cancelled);
    CHECK(contains(again, "twice"));
    join_handle<int> none;
    CHECK(contains(message_of<std::logic_error>([&] { none.result(); }), "empty"));
  });
}

TEST_CASE("spawn: a function may be given a name before it") {
  drive([]() -> task<> {
    gate never;
    auto waits = [](gate& g, int n) -> task<int> {
      co_await g.wait();
      co_return n;
    };
    auto h = spawn("waiter", waits, std::ref(never), 3);
    const std::string dynamic = "named at run time";
    auto other = spawn(dynamic, waits, std::ref(never), 4);
    co_await yield();
    h.cancel();
    other.cancel();
    std::string text;
    try {
      co_await h;
    } catch (const eddy::task_cancelled& error) {
      text = error.what();
    }
    CHECK(text == "task \"waiter\" was cancelled");
    while (!other.done()) co_await yield();
    CHECK(contains(message_of<eddy::task_cancelled>([&] { other.result(); }), dynamic));
  });
}
