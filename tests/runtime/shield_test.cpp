#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/shield.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::shield;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}
task<int> after(int n, int result) {
  co_await turns(n);
  co_return result;
}
task<int> hangs(gate& never) {
  co_await never.wait();
  co_return 1;
}
task<int> swallows(gate& never) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
  co_return 5;
}
// Whether a cancellation is pending here.
task<bool> pending() {
  bool was = false;
  try {
    co_await yield();
  } catch (const eddy::cancelled&) {
    was = true;
  }
  co_return was;
}

}  // namespace

TEST_CASE("shield: returns what the body returns, and throws what it throws") {
  tracked::reset();
  drive([]() -> task<> {
    const int n = co_await shield(after(2, 3));
    CHECK(n == 3);
    int variable = 0;
    auto ref = [&]() -> task<int&> { co_return variable; };
    int& alias = co_await shield(ref());
    CHECK(&alias == &variable);
    auto track = [](tracked t) -> task<tracked> {
      co_await yield();
      co_return std::move(t);
    };
    const auto kept = co_await shield(1h, track(tracked(4)));
    CHECK(kept.get() == 4);
    auto fails = []() -> task<> {
      co_await yield();
      throw std::out_of_range("own error");
    };
    std::string text;
    try {
      co_await shield(fails());
    } catch (const std::out_of_range& error) {
      text = error.what();
    }
    CHECK(text == "own error");
  });
  CHECK(tracked::balanced());
}

TEST_CASE("shield: a cancellation while it runs does not reach the body, and stays pending") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    auto inner = [&]() -> task<int> {
      co_await g.wait();
      log += 'b';
      co_await yield();
      log += 'c';
      co_return 4;
    };
    auto body = [&]() -> task<> {
      const int n = co_await shield(inner());
      CHECK(n == 4);
      const bool was = co_await pending();
      CHECK(was);
      log += 'p';
    };
    auto h = spawn(body());
    co_await turns(2);
    h.cancel();
    co_await turns(3);
    CHECK(g.waiting() == 1);
    CHECK_FALSE(h.done());
    g.open();
    co_await h;
  });
  CHECK(log == "bcp");
}

TEST_CASE("shield: the body runs in a scope that is cancelled already, with all that it awaits") {
  int sum = 0;
  drive([&]() -> task<> {
    gate never;
    auto all = [&]() -> task<> {
      auto [a, b] = co_await eddy::gather(after(2, 1), after(3, 2));
      const int c = co_await shield(after(1, 4));
      co_await eddy::sleep(1ms);
      sum = a + b + c;
    };
    auto body = [&]() -> task<> {
      const int late = co_await swallows(never);
      CHECK(late == 5);
      co_await shield(all());
      CHECK(sum == 7);
      co_await shield(1h, all());
      const bool was = co_await pending();
      CHECK(was);
    };
    auto h = spawn(body());
    co_await turns(2);
    h.cancel();
    co_await h;
  });
  CHECK(sum == 7);
}

TEST_CASE("shield: a free spawn in it belongs to the spawned task, and is not shielded") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    gate g;
    auto child = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        log += 'c';
        throw;
      }
    };
    auto inner = [&]() -> task<> {
      auto h = spawn(child());
      co_await g.wait();
      log += h.done() ? 'd' : '?';
    };
    auto body = [&]() -> task<> { co_await shield(inner()); };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    co_await turns(3);
    CHECK(log == "c");
    g.open();
    while (!h.done()) co_await yield();
  });
  CHECK(log == "cd");
}

TEST_CASE("shield: with a limit, the body is cancelled by it and by nothing else") {
  drive([]() -> task<> {
    gate never;
    std::string text;
    auto limited = [&](bool relative) -> task<> {
      try {
        if (relative) {
          co_await shield(20ms, hangs(never));
        } else {
          co_await shield(eddy::now() + 1ms, hangs(never));
        }
      } catch (const eddy::timeout_error& error) {
        text = error.what();
      }
    };
    co_await limited(true);
    CHECK(text == "timed out after 0.020 s");
    co_await limited(false);
    CHECK(text == "the deadline has passed");

    // The same in a cancelled scope: its own time is over, and that is what it says.
    bool was = false;
    auto body = [&]() -> task<> {
      text.clear();
      co_await limited(true);
      was = co_await pending();
    };
    auto h = spawn(body());
    co_await turns(2);
    h.cancel();
    co_await h;
    CHECK(text == "timed out after 0.020 s");
    CHECK(was);

    const int late = co_await shield(1ms, swallows(never));
    CHECK(late == 5);
    const int at_once = co_await shield(0s, after(0, 6));
    CHECK(at_once == 6);
  });
}

TEST_CASE("shield: an empty or used task is a logic_error") {
  drive([]() -> task<> {
    int threw = 0;
    try {
      co_await shield(task<int>());
    } catch (const std::logic_error&) {
      ++threw;
    }
    auto used = after(0, 1);
    co_await used;
    try {
      co_await shield(1h, std::move(used));
    } catch (const std::logic_error&) {
      ++threw;
    }
    CHECK(threw == 2);
  });
}

TEST_CASE("shield: at the end of run, a shielded body is awaited") {
  bool ended = false;
  drive([&]() -> task<> {
    auto slow = [&]() -> task<> {
      co_await turns(5);
      ended = true;
    };
    auto body = [&]() -> task<> { co_await shield(slow()); };
    spawn(body).detach();
    co_await turns(2);
  });
  CHECK(ended);
}
