// Groups in which nothing goes wrong: what they return, who may spawn, what the handles do.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::child_handle;
using eddy::spawn;
using eddy::task;
using eddy::task_group;
using eddy::with_task_group;
using eddy::yield;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

task<> appends_after(int n, std::string& log, std::string text) {
  co_await turns(n);
  log += text;
}

task<int> number(int n) {
  co_await yield();
  co_return n;
}

task<int> number_through(gate& g, int n) {
  co_await g.wait();
  co_return n;
}

template <class Join>
task<std::string> fault_of(Join& handle) {
  try {
    co_await handle;
  } catch (const std::logic_error& error) {
    co_return error.what();
  }
  co_return "no fault";
}

}  // namespace

TEST_CASE("task_group: returns what the body returns, when all children have ended") {
  std::string log;
  drive([&]() -> task<> {
    auto body = [&](task_group& g) -> task<int> {
      g.spawn(appends_after(3, log, "a"));
      g.spawn(appends_after(1, log, "b"));
      CHECK(g.size() == 2);
      log += 'm';
      co_return 4;
    };
    const int n = co_await with_task_group(body);
    log += 'r';
    CHECK(n == 4);
  });
  CHECK(log == "mbar");
}

TEST_CASE("task_group: the body may outlast the children, and there may be none") {
  std::string log;
  drive([&]() -> task<> {
    co_await with_task_group([&](task_group& g) -> task<> {
      g.spawn(appends_after(1, log, "a"));
      co_await turns(5);
      CHECK(g.size() == 0);
      CHECK_FALSE(g.is_cancelled());
      log += 'm';
    });
    co_await with_task_group([](task_group&) -> task<> { co_return; });
  });
  CHECK(log == "am");
}

TEST_CASE("task_group: references and move-only values are returned") {
  drive([]() -> task<> {
    int variable = 0;
    int& alias = co_await with_task_group([&](task_group&) -> task<int&> { co_return variable; });
    CHECK(&alias == &variable);
    const auto box = co_await with_task_group(
        [](task_group&) -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); });
    REQUIRE(box);
    CHECK(*box == 3);
  });
}

TEST_CASE("task_group: callable and arguments live as long as the group, and no longer") {
  tracked::reset();
  drive([]() -> task<> {
    const tracked captured(1);
    auto body = [captured](task_group& g, tracked a, std::unique_ptr<int> b,
                           const tracked& c) -> task<int> {
      g.spawn([&captured, &a]() -> task<> {
        co_await turns(4);
        CHECK(captured.get() + a.get() == 3);
      });
      co_await turns(2);
      co_return captured.get() + a.get() + *b + c.get();
    };
    auto four = std::make_unique<int>(4);
    const int sum = co_await with_task_group(body, tracked(2), std::move(four), tracked(8));
    CHECK(sum == 15);
    CHECK(tracked::alive() == 2);  // `captured`, and the copy in `body`
  });
  CHECK(tracked::balanced());
}

TEST_CASE("task_group: children may borrow the locals of the body's caller and of the body") {
  const int sum = drive([]() -> task<int> {
    int total = 0;
    auto add = [](int& to, int n) -> task<> {
      co_await yield();
      to += n;
    };
    co_await with_task_group([&](task_group& g) -> task<> {
      for (int i = 1; i <= 4; ++i) g.spawn(add, std::ref(total), i);
      co_return;
    });
    co_return total;
  });
  CHECK(sum == 10);
}

TEST_CASE("task_group: children spawn into the group, also when the body has ended") {
  std::string log;
  std::function<task<>(task_group&, int)> descend = [&](task_group& g, int depth) -> task<> {
    co_await yield();
    log += std::to_string(depth);
    if (depth > 0) g.spawn(descend(g, depth - 1));
  };
  drive([&]() -> task<> {
    co_await with_task_group([&](task_group& g) -> task<> {
      g.spawn(descend(g, 5));
      co_return;
    });
    log += 'r';
  });
  CHECK(log == "543210r");
}

TEST_CASE("task_group: a plain function may spawn, and return the body") {
  std::string log;
  drive([&]() -> task<> {
    auto makes = [&](task_group& g) {
      g.spawn(appends_after(1, log, "a"));
      return appends_after(0, log, "b");
    };
    co_await with_task_group(makes);
  });
  CHECK(log == "ba");
}

TEST_CASE("task_group: a handle joins, cancels and tells, and its loss changes nothing") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    const int result = co_await with_task_group([&](task_group& g) -> task<int> {
      g.spawn(appends_after(2, log, "dropped "));
      auto a = g.spawn(number(5));
      CHECK_FALSE(a.done());
      const int five = co_await a;
      CHECK(a.done());
      auto b = g.spawn(number(6));
      while (!b.done()) co_await yield();
      const int six = b.result();
      auto c = g.spawn(number_through(never, 0), "hanging");
      co_await yield();
      c.cancel();
      std::string told;
      try {
        co_await c;
      } catch (const eddy::task_cancelled& error) {
        told = error.what();
      }
      CHECK(told == "task \"hanging\" was cancelled");
      CHECK_FALSE(g.is_cancelled());
      child_handle<int> d = g.spawn(number(7));
      child_handle<int> e = std::move(d);
      CHECK_FALSE(d);  // NOLINT: the moved-from state is what is tested
      e = g.spawn(number(8));
      const int eight = co_await e.join();
      co_return five + six + eight;
    });
    CHECK(result == 19);
  });
  CHECK(log == "dropped ");
}

TEST_CASE("task_group: a child is joined once") {
  drive([]() -> task<> {
    co_await with_task_group([](task_group& g) -> task<> {
      auto h = g.spawn(number(1), "counter");
      co_await h;
      const std::string twice = co_await fault_of(h);
      CHECK(contains(twice, "twice"));
      CHECK(contains(twice, "counter"));
      CHECK(contains(message_of<std::logic_error>([&] { h.result(); }), "twice"));
      child_handle<> none;
      CHECK(none.done());
      const std::string empty = co_await fault_of(none);
      CHECK(contains(empty, "empty"));
    });
  });
}

TEST_CASE("task_group: a handle may outlive the group, and keeps the result") {
  tracked::reset();
  drive([]() -> task<> {
    std::optional<child_handle<tracked>> kept;
    co_await with_task_group([&](task_group& g) -> task<> {
      kept.emplace(g.spawn([]() -> task<tracked> { co_return tracked(5); }));
      co_return;
    });
    CHECK(kept->done());
    kept->cancel();
    const tracked t = co_await *kept;
    CHECK(t.get() == 5);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("task_group: an ended child is freed at once, not with the group") {
  tracked::reset();
  drive([]() -> task<> {
    auto keeps = [](tracked) -> task<> { co_await yield(); };
    co_await with_task_group([&](task_group& g) -> task<> {
      for (int i = 0; i < 100; ++i) g.spawn(keeps, tracked(i));
      auto held = g.spawn(keeps, tracked(100));
      CHECK(tracked::alive() == 101);
      while (g.size() > 0) co_await yield();
      // What it was called with, and the moved-from one that it was spawned with.
      CHECK(tracked::alive() == 2);
    });
    CHECK(tracked::alive() == 0);
  });
  CHECK(tracked::balanced());
}

// The last step of a child ends the group; what its arguments refer to may go with the caller.
TEST_CASE("task_group: the last child is destroyed before the caller goes on") {
  struct note_at_end {
    explicit note_at_end(std::string& l) : log(&l) {}
    note_at_end(note_at_end&& other) noexcept : log(std::exchange(other.log, nullptr)) {}
    ~note_at_end() {
      if (log) *log += 'd';
    }
    std::string* log;
  };
  std::string log;
  drive([&]() -> task<> {
    auto child = [](note_at_end) -> task<> { co_await turns(3); };
    co_await with_task_group([&](task_group& g) -> task<> {
      g.spawn(child(note_at_end(log)));
      co_return;
    });
    log += 'r';
    // The body ends last, and drops a handle in its last step.
    co_await with_task_group([&](task_group& g) -> task<> {
      auto h = g.spawn(child(note_at_end(log)));
      co_await turns(9);
      CHECK(h.done());
      log += 'b';
    });
    log += 'r';
  });
  CHECK(log == "drbdr");
}

TEST_CASE("task_group: what a child spawns freely is the child's, and is awaited with it") {
  std::string log;
  drive([&]() -> task<> {
    std::vector<eddy::join_handle<>> kept;
    co_await with_task_group([&](task_group& g) -> task<> {
      auto h = g.spawn([&]() -> task<> {
        kept.push_back(spawn(appends_after(5, log, "grandchild ")));
        co_return;
      });
      co_await turns(3);
      CHECK_FALSE(h.done());
      CHECK(g.size() == 1);
    });
    log += 'r';
  });
  CHECK(log == "grandchild r");
}

TEST_CASE("task_group: a spawn in the body that is not the group's is the enclosing task's") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    std::optional<eddy::join_handle<int>> kept;
    co_await with_task_group([&](task_group&) -> task<> {
      kept.emplace(spawn(number_through(g, 1)));
      co_return;
    });
    CHECK_FALSE(kept->done());
    g.open();
    co_await *kept;
  });
}

TEST_CASE("task_group: groups nest") {
  std::string log;
  drive([&]() -> task<> {
    auto inner = [&](task_group& g, std::string name) -> task<> {
      g.spawn(appends_after(2, log, name));
      co_return;
    };
    auto waits = [&](std::string name) -> task<> { co_await with_task_group(inner, name); };
    co_await with_task_group([&](task_group& outer) -> task<> {
      outer.spawn(waits("a"));
      co_await with_task_group(inner, std::string("b"));
      log += 'm';
    });
    log += 'r';
  });
  CHECK(log == "bamr");
}

TEST_CASE("task_group: what cannot be spawned is an error") {
  tracked::reset();
  drive([]() -> task<> {
    task_group* leaked = nullptr;
    std::string late;
    auto next = [&](tracked) -> task<> { co_return; };
    auto outsider = spawn([&]() -> task<> {
      co_await turns(3);
      // The body has ended in this turn; the awaiter, which holds the group, has not run yet.
      late = message_of<std::logic_error>([&] { leaked->spawn(next(tracked(1))); });
      leaked->cancel();
    });
    co_await with_task_group([&](task_group& g) -> task<> {
      leaked = &g;
      std::string text;
      std::thread other(
          [&] { text = message_of<std::logic_error>([&] { g.spawn(next(tracked(2))); }); });
      other.join();
      CHECK(contains(text, "thread"));
      task<> none;
      CHECK(contains(message_of<std::logic_error>([&] { g.spawn(std::move(none)); }), "empty"));
      // As many turns as the outsider, which starts one turn later.
      co_await turns(3);
    });
    co_await outsider;
    CHECK(contains(late, "has ended"));
  });
  CHECK(tracked::balanced());
}

TEST_CASE("task_group: a body that is empty or awaited already is an error of the group") {
  drive([]() -> task<> {
    std::string text;
    try {
      co_await with_task_group([](task_group&) { return task<>(); });
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "empty"));
  });
}
