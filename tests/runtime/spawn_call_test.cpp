// spawn(fn, args...): a task that makes its body itself. And what a task that sleeps is made of.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timer.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::join_handle;
using eddy::run_options;
using eddy::spawn;
using eddy::task;
using eddy::yield;

// A million tasks may sleep: 256 bytes each, of which frame and heap entry are the compiler's and
// the timer heap's. bench/ measures the sum; what these are does not depend on how it optimises.
static_assert(sizeof(void*) != 8 || sizeof(eddy::detail::spawned) <= 88);
static_assert(sizeof(void*) != 8 || sizeof(eddy::detail::sleep_awaiter) <= 40);
static_assert(sizeof(void*) != 8 || sizeof(eddy::detail::task_promise<void>) <= 32);

namespace {

task<int> twice(int n) {
  co_await yield();
  co_return 2 * n;
}

// No coroutine: what it does is done when it is called.
task<int> checked(int n) {
  if (n < 0) throw std::invalid_argument("negative");
  if (n == 0) return {};
  return twice(n);
}

struct throws_when_moved {
  throws_when_moved() = default;
  throws_when_moved(throws_when_moved&& other) : left(other.left - 1) {
    if (left == 0) throw std::runtime_error("moved once too often");
  }
  int left = 1'000'000;
};

template <class Handle>
task<std::string> failure_of(Handle& h) {
  std::string text = "none";
  try {
    co_await h;
  } catch (const std::exception& e) {
    text = e.what();
  }
  co_return text;
}

}  // namespace

TEST_CASE("spawn call: the callable is called in the task's first step, and not before") {
  drive([]() -> task<> {
    int calls = 0;
    auto h = spawn([&calls](int n) { ++calls; return twice(n); }, 4);
    CHECK(calls == 0);
    const int eight = co_await h;
    CHECK(calls == 1);
    CHECK(eight == 8);
  });
}

TEST_CASE("spawn call: cancelled before its first step, the callable is never called") {
  tracked::reset();
  drive([]() -> task<> {
    int calls = 0;
    auto call = [&calls](tracked) { ++calls; return twice(1); };
    auto h = spawn("early", call, tracked(1));
    h.cancel();
    const std::string text = co_await failure_of(h);
    CHECK(text == "task \"early\" was cancelled");
    CHECK(calls == 0);
    { auto dropped = spawn(call, tracked(2)); }
    co_await yield();
    CHECK(calls == 0);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("spawn call: what the callable throws before there is a coroutine is the task's error") {
  drive([]() -> task<> {
    auto bad = spawn(checked, -1);
    const std::string thrown = co_await failure_of(bad);
    CHECK(thrown == "negative");
    auto again = spawn("again", checked, -1);
    while (!again.done()) co_await yield();
    CHECK_THROWS_AS(again.result(), std::invalid_argument);
    auto empty = spawn(checked, 0);
    const std::string nothing = co_await failure_of(empty);
    CHECK(nothing == "an empty task, handle or generator was awaited");
    auto good = spawn(checked, 3);
    const int six = co_await good;
    CHECK(six == 6);
  });
}

TEST_CASE("spawn call: an error that nobody joins is reported, as that of any task") {
  std::vector<std::string> reports;
  auto note = [&](std::exception_ptr e) {
    try {
      std::rethrow_exception(e);
    } catch (const std::exception& x) {
      reports.emplace_back(x.what());
    }
  };
  drive(
      []() -> task<> {
        spawn(checked, -1).detach();
        co_await yield();
      },
      run_options().on_error(note));
  REQUIRE(reports.size() == 1);
  CHECK(reports[0] == "negative");
}

TEST_CASE("spawn call: in a group, a callable that throws fails the group") {
  drive([]() -> task<> {
    bool sibling_cancelled = false;
    auto sibling = [](bool& cancelled) -> task<> {
      try {
        co_await eddy::sleep(std::chrono::hours(1));
      } catch (const eddy::cancelled&) {
        cancelled = true;
        throw;
      }
    };
    std::string text;
    try {
      co_await eddy::with_task_group([&](eddy::task_group& group) -> task<> {
        group.spawn(sibling, std::ref(sibling_cancelled));
        group.spawn("bad", checked, -1);
        co_return;
      });
    } catch (const std::invalid_argument& e) {
      text = e.what();
    }
    CHECK(text == "negative");
    CHECK(sibling_cancelled);
  });
}

TEST_CASE("spawn call: what the callable itself spawns is a child of the new task") {
  drive([]() -> task<> {
    gate open;
    std::optional<join_handle<>> inner;
    auto waits = [](gate& g) -> task<> { co_await g.wait(); };
    auto outer = spawn([&] {
      inner.emplace(spawn(waits, std::ref(open)));
      return twice(1);
    });
    for (int i = 0; i < 10; ++i) co_await yield();
    CHECK(inner.has_value());
    CHECK(!outer.done());  // withheld until its child has ended
    open.open();
    const int two = co_await outer;
    CHECK(two == 2);
    CHECK(inner->done());
  });
}

TEST_CASE("spawn call: captures and arguments outlive the body, and go with the handle") {
  tracked::reset();
  drive([]() -> task<> {
    auto body = [](const tracked& kept, tracked& argument) -> task<int> {
      co_await yield();
      co_return kept.get() + argument.get();
    };
    tracked captured(40);
    auto call = [captured, body](tracked& argument) { return body(captured, argument); };
    auto shim = [call](tracked argument) mutable -> task<int> {
      const int sum = co_await call(argument);
      co_return sum;
    };
    {
      auto h = spawn(std::move(shim), tracked(2));
      const int sum = co_await h;
      CHECK(sum == 42);
    }
  });
  CHECK(tracked::balanced());
}

TEST_CASE("spawn call: an argument that cannot be moved in leaves nothing behind") {
  tracked::reset();
  drive([]() -> task<> {
    auto body = [](throws_when_moved, tracked) -> task<> { co_return; };
    for (int left = 1; left < 4; ++left) {
      throws_when_moved fragile;
      fragile.left = left;
      std::string text;
      try {
        auto h = spawn("fragile", body, std::move(fragile), tracked(1));
        text = co_await failure_of(h);
      } catch (const std::runtime_error& e) {
        text = e.what();
      }
      CHECK(text == "moved once too often");
    }
  });
  CHECK(tracked::balanced());
}

TEST_CASE("spawn call: a handle outlives the loop") {
  tracked::reset();
  join_handle<int> kept;
  join_handle<int> failed;
  drive([&]() -> task<> {
    kept = spawn([](tracked t) -> task<int> { co_return t.get(); }, tracked(7));
    failed = spawn(checked, -1);
    while (!kept.done() || !failed.done()) co_await yield();
  });
  CHECK(kept.result() == 7);
  CHECK_THROWS_AS(failed.result(), std::invalid_argument);
  kept = join_handle<int>();
  CHECK(tracked::balanced());
}

TEST_CASE("spawn: a name is shown up to its first NUL, and may be of any length") {
  drive([]() -> task<> {
    auto name_in = [](std::string_view name) -> task<std::string> {
      auto h = spawn(twice(1), name);
      h.cancel();
      const std::string text = co_await failure_of(h);
      co_return text;
    };
    using namespace std::string_view_literals;
    const std::string cut = co_await name_in("ab\0cd"sv);
    CHECK(cut == "task \"ab\" was cancelled");
    const std::string none = co_await name_in("\0cd"sv);
    CHECK(none == "task \"\" was cancelled");
    const std::string longest(5000, 'n');
    const std::string all = co_await name_in(longest);
    CHECK(all == "task \"" + longest + "\" was cancelled");
  });
}
