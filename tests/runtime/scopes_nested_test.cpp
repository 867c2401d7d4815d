// with_timeout, gather, race, shield and finally inside each other, and what happens when two
// things that end a scope come in one turn.
#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/finally.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/gather_window.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/shield.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../support/simulated.hpp"
#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::finally;
using eddy::gather;
using eddy::race;
using eddy::shield;
using eddy::spawn;
using eddy::task;
using eddy::with_deadline;
using eddy::with_timeout;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}
task<int> hangs(gate& never, tracked t = tracked(1)) {
  co_await never.wait();
  co_return t.get();
}
task<int> sleeps_until(eddy::time_point t) {
  co_await eddy::sleep_until(t);
  co_return 3;
}

// Runs `action` when the loop expires timers: before those that are due later, after those due
// earlier.
template <class Action>
class at_time final : public eddy::detail::timer {
 public:
  at_time(eddy::time_point t, Action action) : action_(std::move(action)) {
    CHECK(eddy::detail::limit::at(t).arm(*eddy::detail::current_loop(), *this));
  }
  ~at_time() { eddy::detail::disarm(*eddy::detail::current_loop(), *this); }
  void fire() noexcept override { action_(); }

 private:
  Action action_;
};

// How a wait ended: 'v' a value, 't' timeout_error, 'c' cancelled (rethrown), 'e' another error.
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

// The same, and whether a cancellation is pending afterwards: 'p', or '.'.
template <class Make>
task<> outcome_pending(Make make, std::string& log) {
  co_await outcome(std::move(make), log);
  char pending = '.';
  try {
    co_await yield();
  } catch (const eddy::cancelled&) {
    pending = 'p';
  }
  log += pending;
}

}  // namespace

// A timeout that swallows the cancellation which comes in the turn of its own end was a bug of
// several libraries.
TEST_CASE("scopes: a timeout keeps a value, and the outer cancellation of the same turn" *
          needs_full_turns()) {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    eddy::join_handle<> h;
    auto inner = [&]() -> task<int> {
      co_await g.wait();
      h.cancel();  // the body ends in this very step
      co_return 1;
    };
    h = spawn([&]() -> task<> {
      co_await outcome_pending([&] { return with_timeout(1h, inner()); }, log);
    });
    co_await turns(2);
    g.open();
    while (!h.done()) co_await yield();
    CHECK(log == "vp");

    // The cancel comes after the sleep is over and before anybody has run.
    log.clear();
    const auto due = eddy::now();
    h = spawn([&]() -> task<> {
      co_await outcome_pending([&] { return with_timeout(1h, sleeps_until(due)); }, log);
    });
    at_time later(due + 1ns, [&] { h.cancel(); });
    while (!h.done()) co_await yield();
    CHECK(log == "vp");
  });
}

TEST_CASE("scopes: value and timeout in one turn: kept if it has happened, else no effect" *
          needs_a_kernel()) {
  drive([]() -> task<> {
    for (int i = 0; i < 3; ++i) {
      const auto due = eddy::now();
      std::string log;
      // A sleep that is over keeps its result; one that is not is cut short.
      co_await outcome_pending([&] { return with_deadline(due + 2ns, sleeps_until(due)); }, log);
      co_await outcome_pending([&] { return with_deadline(due, sleeps_until(due + 2ns)); }, log);
      CHECK(log == "v.t.");
      // A wake-up that was not picked up does not count.
      log.clear();
      gate g;
      at_time wakes(due, [&] { g.admit_one(); });
      co_await outcome_pending([&] { return with_deadline(due + 2ns, hangs(g)); }, log);
      CHECK(log == "t.");
      CHECK(g.waiting() == 0);
    }
  });
}

TEST_CASE("scopes: outer and inner timeout in one turn: the outer one decides, in either order" *
          needs_a_kernel()) {
  for (const auto first : {-1ns, 1ns}) {
    drive([&]() -> task<> {
      gate never;
      std::string log;
      const auto due = eddy::now();
      auto inner = [&]() -> task<> {
        co_await outcome([&] { return with_deadline(due, hangs(never)); }, log);
        co_await yield();
        log += '?';
      };
      co_await outcome_pending([&] { return with_deadline(due + first, inner()); }, log);
      CHECK(log == "ct.");
    });
  }
}

TEST_CASE("scopes: outer cancellation and inner timeout in one turn stay a cancellation" *
          needs_full_turns()) {
  for (const auto first : {-1ns, 1ns}) {
    std::string log;
    drive([&]() -> task<> {
      gate never;
      const auto due = eddy::now();
      auto h = spawn([&]() -> task<> {
        co_await outcome([&] { return with_deadline(due, hangs(never)); }, log);
      });
      at_time cancels(due + first, [&] { h.cancel(); });
      while (!h.done()) co_await yield();
    });
    CHECK(log == "c");
  }
}

TEST_CASE("scopes: a timeout ends gather, race and windows inside, all of their children") {
  tracked::reset();
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto gathers = [&]() -> task<> { co_await gather(hangs(never), hangs(never)); };
    auto races = [&]() -> task<> { co_await race(hangs(never), hangs(never), hangs(never)); };
    auto windows = [&]() -> task<> {
      auto make = [&](int n) { return hangs(never, tracked(n)); };
      co_await gather(3, std::views::iota(0, 9) | std::views::transform(make));
    };
    auto all = [&]() -> task<> { co_await gather(gathers(), races(), windows()); };
    auto raced = [&]() -> task<> { co_await race(all(), all()); };
    co_await outcome_pending([&] { return with_timeout(1ms, all()); }, log);
    co_await outcome_pending([&] { return with_timeout(1ms, raced()); }, log);
    CHECK(log == "t.t.");
    CHECK(never.waiting() == 0);
    CHECK(tracked::alive() == 0);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("scopes: a timeout inside a race or gather ends its child only") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto limited = [&]() -> task<> { co_await with_timeout(1ms, hangs(never)); };
    auto quiet = [&]() -> task<> { co_await outcome([&] { return limited(); }, log); };
    co_await outcome_pending([&] { return gather(quiet(), turns(1)); }, log);
    CHECK(log == "tv.");
    log.clear();
    co_await outcome_pending([&] { return race(limited(), hangs(never)); }, log);
    CHECK(log == "t.");
    // A loser's timeout that comes in the winner's turn is no cancellation: it is thrown.
    log.clear();
    auto instead = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        throw eddy::timeout_error("by its own clock");
      }
    };
    co_await outcome_pending([&] { return race(turns(2), instead()); }, log);
    CHECK(log == "t.");
    CHECK(never.waiting() == 0);
  });
}

TEST_CASE("scopes: shield and finally inside a timeout end by themselves, then it is reported") {
  drive([]() -> task<> {
    gate never;
    gate g;
    std::string log;
    auto opens = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        log += 'o';
        g.open();
        throw;
      }
    };
    // The shielded one ends only because its sibling was cancelled.
    auto shielded = [&]() -> task<> {
      co_await shield(hangs(g));
      log += 's';
    };
    auto both = [&]() -> task<> { co_await gather(opens(), shielded()); };
    co_await outcome_pending([&] { return with_timeout(1ms, both()); }, log);
    CHECK(log == "ost.");

    log.clear();
    auto only = [&]() -> task<int> {
      const int n = co_await shield(sleeps_until(eddy::now() + 3ms));
      co_return n;
    };
    co_await outcome_pending([&] { return with_timeout(1ms, only()); }, log);
    CHECK(log == "v.");

    log.clear();
    auto cleanup = [&]() -> task<> {
      co_await turns(2);
      log += 'k';
    };
    auto cleans = [&]() -> task<> { co_await finally(hangs(never), cleanup()); };
    co_await outcome_pending([&] { return with_timeout(1ms, cleans()); }, log);
    CHECK(log == "kt.");
    log.clear();
    co_await outcome_pending([&] { return race(cleans(), turns(3)); }, log);
    CHECK(log == "kv.");
  });
}

TEST_CASE("scopes: timeouts inside a shield count, also in a cancelled scope") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto limited = [&]() -> task<> {
      co_await outcome([&] { return with_timeout(1ms, hangs(never)); }, log);
      co_await outcome([&] { return race(hangs(never), sleeps_until(eddy::now())); }, log);
    };
    auto body = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        log += 'c';
      }
      co_await shield(1h, limited());
      co_await outcome([&] { return with_timeout(1h, hangs(never)); }, log);
    };
    auto h = spawn(body());
    co_await turns(2);
    h.cancel();
    while (!h.done()) co_await yield();
  });
  CHECK(log == "ctvc");
}

TEST_CASE("scopes: a limit that does not come leaves no timer behind") {
  const auto timer_left = [](task<> body) {
    eddy::loop loop;
    auto h = loop.spawn(std::move(body));
    while (!h.done()) loop.poll_once(1s);
    h.result();
    return loop.next_timeout().has_value();
  };
  CHECK_FALSE(timer_left([]() -> task<> { co_await with_timeout(1h, turns(2)); }()));
  CHECK_FALSE(timer_left([]() -> task<> { co_await shield(1h, turns(2)); }()));
  CHECK_FALSE(timer_left([]() -> task<> { co_await finally(turns(2), turns(2)); }()));
}

TEST_CASE("scopes: a cancellation reaches through every kind, a hundred deep") {
  tracked::reset();
  std::string log;
  drive([&]() -> task<> {
    gate never;
    struct nest {
      static task<int> down(gate& never, int depth) {
        const tracked local(depth);
        if (depth == 0) co_return co_await hangs(never);
        if (depth % 4 == 0) co_return co_await with_timeout(1h, down(never, depth - 1));
        if (depth % 4 == 1) {
          auto [n] = co_await gather(down(never, depth - 1));
          co_return n;
        }
        if (depth % 4 == 2) {
          auto winner = co_await race(down(never, depth - 1), hangs(never));
          co_return winner.value();
        }
        co_return co_await finally(down(never, depth - 1), turns(1));
      }
    };
    auto h = spawn([&]() -> task<> {
      co_await outcome([&] { return nest::down(never, 100); }, log);
    });
    co_await turns(110);
    CHECK(never.waiting() == 26);
    h.cancel();
    CHECK(never.waiting() == 0);
    while (!h.done()) co_await yield();
  });
  CHECK(log == "c");
  CHECK(tracked::balanced());
}
