#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
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

namespace {

task<int> number(int n) { co_return n; }
task<> fails(std::string text) {
  co_await yield();
  throw std::runtime_error(text);
}

// Waits at the gate; notes how that ended.
task<> wait_at(gate& g, std::string& log, char name) {
  try {
    co_await g.wait();
  } catch (const eddy::cancelled&) {
    log += name;
    log += '!';
    throw;
  }
  log += name;
}

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

}  // namespace

TEST_CASE("spawn: joining returns the result, by either spelling") {
  drive([]() -> task<> {
    auto a = spawn(number(1));
    auto b = spawn(number(2));
    const int one = co_await a;
    const int two = co_await b.join();
    const int three = co_await spawn(number(3));
    CHECK(one + two + three == 6);
    int variable = 0;
    auto c = spawn([&]() -> task<int&> { co_return variable; });
    int& alias = co_await c;
    CHECK(&alias == &variable);
    auto d = spawn([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); });
    const auto box = co_await d;
    REQUIRE(box);
    CHECK(*box == 4);
  });
}

TEST_CASE("spawn: the body starts from the loop, behind what is ready") {
  std::string log;
  drive([&]() -> task<> {
    auto a = spawn([&]() -> task<> {
      log += 'a';
      co_return;
    });
    auto b = spawn([&]() -> task<> {
      log += 'b';
      co_return;
    });
    log += 'm';
    CHECK_FALSE(a.done());
    co_await b;
    CHECK(a.done());
    log += 'j';
    co_await a;
  });
  CHECK(log == "mabj");
}

TEST_CASE("spawn: an exception reaches the joiner and nobody else") {
  int reported = 0;
  auto body = [&]() -> task<> {
    auto h = spawn(fails("joined"));
    std::string text;
    try {
      co_await h;
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "joined");
  };
  drive(body, run_options().on_error([&](std::exception_ptr) { ++reported; }));
  CHECK(reported == 0);
}

TEST_CASE("spawn: cancelled before its first resume, the body never runs") {
  tracked::reset();
  drive([]() -> task<> {
    bool ran = false;
    auto body = [&ran](tracked) -> task<> {
      ran = true;
      co_return;
    };
    auto h = spawn(body(tracked(1)), "unborn");
    h.cancel();
    CHECK_FALSE(h.done());
    std::string text;
    try {
      co_await h;
    } catch (const eddy::task_cancelled& error) {
      text = error.what();
    }
    CHECK_FALSE(ran);
    CHECK(h.done());
    CHECK(text == "task \"unborn\" was cancelled");
  });
  CHECK(tracked::balanced());
}

TEST_CASE("spawn: cancelling tasks that have not started leaves the others in the queue") {
  std::string log;
  drive([&]() -> task<> {
    auto note = [&](char c) -> task<> {
      log += c;
      co_return;
    };
    std::vector<join_handle<>> all;
    for (const char c : {'a', 'b', 'c', 'd', 'e'}) all.push_back(spawn(note, c));
    all[0].cancel();
    all[3].cancel();
    all[2].cancel();
    for (auto& h : all) {
      while (!h.done()) co_await yield();
    }
  });
  CHECK(log == "be");
}

TEST_CASE("spawn: cancelling throws `cancelled` in the task and task_cancelled at its joiner") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    auto h = spawn(wait_at(g, log, 'a'));
    co_await yield();
    CHECK(g.waiting() == 1);
    h.cancel();
    h.cancel();
    CHECK(log.empty());  // nobody is resumed inside cancel()
    CHECK(g.waiting() == 0);
    bool told = false;
    try {
      co_await h;
    } catch (const eddy::task_cancelled&) {
      told = true;
    }
    CHECK(told);
    h.cancel();        // ended: no effect
    co_await yield();  // this task itself is not cancelled
  });
  CHECK(log == "a!");
}

TEST_CASE("spawn: a result that came in spite of a cancel is kept") {
  drive([]() -> task<> {
    gate g;
    auto h = spawn([&]() -> task<int> {
      try {
        co_await g.wait();
      } catch (const eddy::cancelled&) {
      }
      co_return 8;
    });
    co_await yield();
    h.cancel();
    const int n = co_await h;
    CHECK(n == 8);
  });
}

TEST_CASE("spawn: dropping the handle requests cancellation and does not wait") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    {
      auto h = spawn(wait_at(g, log, 'a'));
      co_await yield();
    }
    CHECK(log.empty());
    co_await turns(2);
    CHECK(log == "a!");

    auto h = spawn(wait_at(g, log, 'b'));
    co_await yield();
    h = spawn(wait_at(g, log, 'c'));  // drops b
    co_await turns(2);
    CHECK(log == "a!b!");
    auto moved = std::move(h);
    CHECK_FALSE(h);  // NOLINT: the moved-from state is what is tested
    h.cancel();
    co_await yield();
    g.open();
    co_await moved;
    CHECK(log == "a!b!c");
  });
}

TEST_CASE("spawn: a task may cancel itself, at its next suspension") {
  std::string log;
  drive([&]() -> task<> {
    join_handle<> h;
    h = spawn([&]() -> task<> {
      h.cancel();
      log += '1';
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
        log += '2';
        throw;
      }
      log += '?';
    });
    while (!h.done()) co_await yield();
  });
  CHECK(log == "12");
}

TEST_CASE("spawn: a function is moved into the task with its arguments") {
  tracked::reset();
  drive([]() -> task<> {
    auto add = [](std::unique_ptr<int> a, tracked b, int c) -> task<int> {
      co_await yield();
      co_return *a + b.get() + c;
    };
    auto h = spawn(add, std::make_unique<int>(1), tracked(2), 3);
    const int sum = co_await h;
    CHECK(sum == 6);

    tracked captured(40);
    auto with_capture = [captured]() -> task<int> {
      co_await yield();
      co_return captured.get();
    };
    auto g = spawn(std::move(with_capture));
    co_await turns(1);
    const int n = co_await g;
    CHECK(n == 40);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("spawn: without a loop it is a logic_error, and the task is freed") {
  tracked::reset();
  auto body = [](tracked) -> task<> { co_return; };
  const auto text = message_of<std::logic_error>([&] { auto h = spawn(body(tracked(1))); });
  CHECK(contains(text, "spawn"));
  CHECK(contains(text, "no loop"));
  CHECK(tracked::balanced());
  task<> none;
  drive([&]() -> task<> {
    CHECK(
        contains(message_of<std::logic_error>([&] { auto h = spawn(std::move(none)); }), "empty"));
    co_return;
  });
}
