#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::spawn;
using eddy::task;
using eddy::with_deadline;
using eddy::with_timeout;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<int> number(int n) { co_return n; }
task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
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

task<int> throws_cancelled() {
  co_await yield();
  throw eddy::cancelled();
}

// How a wait ended: 'v' a value, 't' timeout_error, 'c' cancelled, 'e' another error.
template <class Make>
task<> outcome(Make make, std::string& log) {
  char how = 'v';
  try {
    co_await make();
  } catch (const eddy::timeout_error&) {
    how = 't';
  } catch (const eddy::cancelled&) {
    log += 'c';
    throw;
  } catch (const std::exception&) {
    how = 'e';
  }
  log += how;
}

}  // namespace

TEST_CASE("timeout: a body that is in time returns its value, reference or exception") {
  drive([]() -> task<> {
    const int n = co_await with_timeout(1h, number(3));
    CHECK(n == 3);
    int variable = 0;
    auto ref = [&]() -> task<int&> {
      co_await yield();
      co_return variable;
    };
    int& alias = co_await with_timeout(1h, ref());
    CHECK(&alias == &variable);
    auto box = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(2); };
    const auto owned = co_await with_timeout(1h, box());
    CHECK(*owned == 2);
    auto fails = []() -> task<> {
      co_await yield();
      throw std::out_of_range("own error");
    };
    std::string text;
    try {
      co_await with_timeout(1h, fails());
    } catch (const std::out_of_range& error) {
      text = error.what();
    }
    CHECK(text == "own error");
  });
}

TEST_CASE("timeout: a body that is late is cancelled, awaited, and reported with the limit") {
  tracked::reset();
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto body = [&](tracked) -> task<> {
      const tracked local(2);
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        log += 'b';
        throw;
      }
    };
    std::string text;
    const auto start = eddy::now();
    try {
      co_await with_timeout(20ms, body(tracked(1)));
    } catch (const eddy::timeout_error& error) {
      text = error.what();
      log += 'e';
    }
    CHECK(eddy::now() - start >= 20ms);
    CHECK(text == "timed out after 0.020 s");
    CHECK(log == "be");
    CHECK(tracked::alive() == 0);
    co_await yield();  // the surrounding scope is not cancelled

    text.clear();
    try {
      co_await with_deadline(eddy::now() + 1ms, hangs(never));
    } catch (const eddy::timeout_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "deadline"));
  });
  CHECK(tracked::balanced());
}

TEST_CASE("timeout: a value that came late is returned, and so is an error") {
  drive([]() -> task<> {
    gate never;
    const int n = co_await with_timeout(1ms, swallows(never));
    CHECK(n == 5);
    auto fails = [&]() -> task<int> {
      const int late = co_await swallows(never);
      throw std::runtime_error("late " + std::to_string(late));
    };
    std::string text;
    try {
      co_await with_timeout(1ms, fails());
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "late 5");
  });
}

TEST_CASE("timeout: zero and negative start the body and cancel it at its first real wait") {
  drive([]() -> task<> {
    gate never;
    const int at_once = co_await with_timeout(0s, number(1));
    CHECK(at_once == 1);
    std::string log;
    co_await outcome([&] { return with_timeout(0s, hangs(never)); }, log);
    co_await outcome([&] { return with_timeout(-5s, hangs(never)); }, log);
    co_await outcome([&] { return with_deadline(eddy::time_point::min(), hangs(never)); }, log);
    co_await outcome([&] { return with_deadline(eddy::time_point() - 1h, hangs(never)); }, log);
    CHECK(log == "tttt");
  });
}

TEST_CASE("timeout: limits beyond the clock never fire") {
  drive([]() -> task<> {
    gate g;
    auto opener = spawn([&]() -> task<> {
      co_await eddy::sleep(2ms);
      g.open();
    });
    using years = std::chrono::duration<double, std::ratio<31556952>>;
    std::string log;
    auto huge = [&] { return with_timeout(std::chrono::hours::max(), hangs(g)); };
    auto infinite = [&] {
      return with_timeout(years(std::numeric_limits<double>::infinity()), hangs(g));
    };
    auto far = [&] { return with_timeout(years(291.0), hangs(g)); };
    auto end_of_time = [&] { return with_deadline(eddy::time_point::max(), hangs(g)); };
    co_await gather(outcome(huge, log), outcome(infinite, log), outcome(far, log),
                    outcome(end_of_time, log));
    CHECK(log == "vvvv");
    co_await opener;
  });
}

TEST_CASE("timeout: nested, the one whose time is over reports it") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto inner = [&](std::chrono::milliseconds d) -> task<> {
      co_await outcome([&, d] { return with_timeout(d, hangs(never)); }, log);
      log += '.';
      co_await turns(3);
    };
    auto outer = [&](std::chrono::milliseconds in, std::chrono::milliseconds out) -> task<> {
      co_await outcome([&, in, out] { return with_timeout(out, inner(in)); }, log);
    };
    co_await outer(1ms, 60s);
    CHECK(log == "t.v");
    log.clear();
    co_await outer(60000ms, 1ms);
    CHECK(log == "ct");
    log.clear();
    co_await outer(1ms, 1ms);  // both in one turn, perhaps: the outer one decides
    CHECK((log == "ct" || log == "t.t" || log == "t.v"));
  });
}

// Both timers are due in the same turn: the body is cancelled once, and the outer wins.
TEST_CASE("timeout: when both are due, an outer timeout is not hidden by the inner") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    const auto past = eddy::now();
    auto inner = [&]() -> task<> {
      co_await outcome([&] { return with_deadline(past, hangs(never)); }, log);
      co_await yield();
      log += '?';
    };
    co_await outcome([&] { return with_deadline(past, inner()); }, log);
    CHECK(log == "ct");
  });
}

TEST_CASE("timeout: an outer cancellation stays a cancellation") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto h = spawn(
        [&]() -> task<> { co_await outcome([&] { return with_timeout(1h, hangs(never)); }, log); });
    co_await turns(2);
    CHECK(never.waiting() == 1);
    h.cancel();
    CHECK(never.waiting() == 0);
    while (!h.done()) co_await yield();

    // The timer fires first, and the outer cancel comes before the body has ended.
    bool fired = false;
    auto body = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        fired = true;
        throw;
      }
    };
    auto slow_end = [&]() -> task<> {
      try {
        co_await body();
      } catch (const eddy::cancelled&) {
        log += 'b';
      }
      co_await yield();  // throws again: the scope stays cancelled
    };
    auto late = spawn(
        [&]() -> task<> { co_await outcome([&] { return with_timeout(1ms, slow_end()); }, log); });
    while (!fired) co_await yield();
    late.cancel();
    while (!late.done()) co_await yield();
  });
  CHECK(log == "cbc");
}

TEST_CASE("timeout: only the cancellation of its own timer becomes timeout_error") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto victim = spawn(hangs(never));
    co_await yield();
    // A joined task that someone cancels is an error of the body, not a timeout.
    auto joins = [&]() -> task<> { co_await victim; };
    auto h = spawn(
        [&]() -> task<> { co_await outcome([&] { return with_timeout(1h, joins()); }, log); });
    co_await turns(2);
    victim.cancel();
    co_await h;
    CHECK(log == "e");
    // `cancelled` thrown by hand, with the timer still armed.
    auto by_hand = spawn([&]() -> task<> {
      co_await outcome([&] { return with_timeout(1h, throws_cancelled()); }, log);
    });
    while (!by_hand.done()) co_await yield();
    CHECK(log == "ec");
  });
}

TEST_CASE("timeout: around a gather, every child has ended before it is reported") {
  int ended = 0;
  drive([&]() -> task<> {
    gate never;
    auto child = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        ++ended;
        throw;
      }
    };
    auto all = [&]() -> task<> { co_await gather(child(), child(), child()); };
    std::string log;
    co_await outcome([&] { return with_timeout(1ms, all()); }, log);
    CHECK(log == "t");
    CHECK(ended == 3);
  });
}

TEST_CASE("timeout: an empty or used task is a logic_error") {
  drive([]() -> task<> {
    std::string log;
    co_await outcome([] { return with_timeout(1h, task<int>()); }, log);
    auto used = number(1);
    co_await used;
    co_await outcome([&] { return with_timeout(1h, std::move(used)); }, log);
    CHECK(log == "ee");
  });
}

TEST_CASE("timeout: one that does not fire leaves no timer behind") {
  const auto start = std::chrono::steady_clock::now();
  drive([]() -> task<> {
    for (int i = 0; i < 10'000; ++i) co_await with_timeout(1h, number(i));
  });
  CHECK(std::chrono::steady_clock::now() - start < 60s);
}
