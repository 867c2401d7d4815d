#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::race;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}
task<int> after(int n, int result) {
  co_await turns(n);
  co_return result;
}
task<int> fails_after(int n, std::string text) {
  co_await turns(n);
  throw std::runtime_error(text);
}
task<int> hangs(gate& never, std::string& log, char name) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    log += name;
    throw;
  }
  log += '!';
  co_return 0;
}
// Ends in spite of its cancellation.
task<int> swallows(gate& never, int result) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
  co_return result;
}
task<int> cleans_up_badly(gate& never) {
  const int n = co_await swallows(never, 7);
  throw std::runtime_error("clean-up failed " + std::to_string(n));
}

}  // namespace

TEST_CASE("race: the first to end wins, and says which it was") {
  drive([]() -> task<> {
    auto winner = co_await race(after(5, 10), after(1, 20), after(3, 30));
    static_assert(std::is_same_v<decltype(winner), eddy::race_result<int>>);
    CHECK(winner.index() == 1);
    CHECK(winner.value() == 20);
    winner.value() = 21;
    CHECK(winner.value() == 21);

    std::vector<task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(after(5 - i, i));
    const auto last = co_await race(std::move(tasks));
    CHECK(last.index() == 4);
    CHECK(last.value() == 4);

    const auto only = co_await race(after(2, 3));
    CHECK(only.index() == 0);
    CHECK(only.value() == 3);
  });
}

TEST_CASE("race: void, references and move-only values work") {
  tracked::reset();
  drive([]() -> task<> {
    auto voids = co_await race(turns(3), turns(1));
    static_assert(std::is_void_v<decltype(voids.value())>);
    CHECK(voids.index() == 1);

    int variable = 0;
    auto same = [&](int n) -> task<int&> {
      co_await turns(n);
      co_return variable;
    };
    auto refs = co_await race(same(2), same(1));
    static_assert(std::is_same_v<decltype(refs.value()), int&>);
    CHECK(&refs.value() == &variable);
    CHECK(refs.index() == 1);

    auto boxed = [](int n) -> task<std::unique_ptr<int>> {
      co_await turns(n);
      co_return std::make_unique<int>(n);
    };
    auto boxes = co_await race(boxed(1), boxed(2));
    const std::unique_ptr<int> owned = std::move(boxes).value();
    CHECK(*owned == 1);

    auto track = [](int n) -> task<tracked> {
      co_await turns(n);
      co_return tracked(n);
    };
    const auto kept = (co_await race(track(4), track(2))).value();
    CHECK(kept.get() == 2);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("race: tasks of several types bring a variant, by position") {
  drive([]() -> task<> {
    int variable = 4;
    auto ref = [&](int n) -> task<int&> {
      co_await turns(n);
      co_return variable;
    };
    auto first = co_await race(turns(5), after(1, 2), ref(3));
    static_assert(std::is_same_v<decltype(first), std::variant<std::monostate, int, int*>>);
    CHECK(first.index() == 1);
    CHECK(std::get<1>(first) == 2);
    auto second = co_await race(turns(5), after(9, 2), ref(3));
    CHECK(second.index() == 2);
    CHECK(std::get<2>(second) == &variable);
    auto third = co_await race(turns(1), after(9, 2), ref(3));
    CHECK(third.index() == 0);
  });
}

TEST_CASE("race: the losers are cancelled in the winner's end, and awaited before it returns") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto wins = [&]() -> task<int> {
      co_await turns(2);
      CHECK(never.waiting() == 2);
      log += 'w';
      co_return 1;
    };
    // Runs in the same turn, after the winner has ended and before its parent can go on.
    auto looks = [&]() -> task<> {
      while (log.empty()) co_await yield();
      CHECK(never.waiting() == 0);
      log += 'l';
    };
    auto looker = spawn(looks());
    const auto winner =
        co_await race(hangs(never, log, 'a'), wins(), hangs(never, log, 'b'));
    log += '.';
    CHECK(winner.index() == 1);
    co_await looker;
  });
  CHECK(log == "wlab.");
}

TEST_CASE("race: a child that has not started when the winner ends never runs its body") {
  tracked::reset();
  int ran = 0;
  drive([&]() -> task<> {
    auto at_once = [&](tracked) -> task<int> {
      ++ran;
      co_return ran;
    };
    const auto winner =
        co_await race(at_once(tracked(0)), at_once(tracked(1)), at_once(tracked(2)));
    CHECK(winner.index() == 0);
    CHECK(ran == 1);
    auto broken = [&]() -> task<int> {
      ++ran;
      throw std::runtime_error("at once");
    };
    std::string text;
    try {
      co_await race(broken(), at_once(tracked(3)), broken());
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "at once");
    CHECK(ran == 2);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("race: of those ready in one turn the first in the queue wins, the others are undone") {
  drive([]() -> task<> {
    gate a;
    gate b;
    gate c;
    std::string log;
    auto through = [&](gate& g, char name) -> task<int> {
      co_await g.wait();
      log += name;
      co_return 1;
    };
    auto grants = [&]() -> task<> {
      co_await turns(2);
      b.admit_one();
      a.admit_one();
      c.admit_one();
    };
    auto granting = spawn(grants());
    const auto winner = co_await race(through(a, 'a'), through(b, 'b'), through(c, 'c'));
    CHECK(winner.index() == 1);
    CHECK(log == "b");
    CHECK(a.waiting() + b.waiting() + c.waiting() == 0);
    co_await granting;
  });
}

TEST_CASE("race: a failure that comes first wins") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    std::string text;
    try {
      co_await race(hangs(never, log, 'a'), fails_after(1, "broken"), after(9, 1));
    } catch (const std::runtime_error& error) {
      text = error.what();
      log += '.';
    }
    CHECK(text == "broken");
    CHECK(log == "a.");
  });
}

// Not so in a library whose `a || b` swallows what the slower one throws, or waits for it for ever.
TEST_CASE("race: a loser's cancellation is dropped, its other errors are thrown, all are drained") {
  tracked::reset();
  drive([]() -> task<> {
    gate never;
    auto outcome = [&](task<int> first, task<int> second) -> task<std::string> {
      std::string text;
      try {
        const auto winner = co_await race(std::move(first), std::move(second));
        text = std::to_string(winner.value());
      } catch (const std::runtime_error& error) {
        text = error.what();
      }
      co_return text;
    };
    std::string log;
    const auto quiet = co_await outcome(after(2, 1), hangs(never, log, 'c'));
    CHECK(quiet == "1");
    const auto loud = co_await outcome(after(2, 1), cleans_up_badly(never));
    CHECK(loud == "clean-up failed 7");
    const auto both = co_await outcome(cleans_up_badly(never), fails_after(2, "the winner's"));
    CHECK(both == "the winner's");
    // A value that comes all the same is dropped.
    const auto late = co_await outcome(swallows(never, 5), after(2, 6));
    CHECK(late == "6");
    // A loser that takes its time is awaited.
    bool ended = false;
    auto slow_end = [&](tracked) -> task<int> {
      const int n = co_await swallows(never, 1);
      bool thrown = false;
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
        thrown = true;
      }
      CHECK(thrown);
      ended = true;
      co_return n;
    };
    const auto drained = co_await outcome(slow_end(tracked(1)), after(2, 8));
    CHECK(drained == "8");
    CHECK(ended);
    CHECK(tracked::alive() == 0);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("race: `cancelled` thrown by hand is an end, and not a loser's cancellation") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto by_hand = []() -> task<int> {
      co_await yield();
      throw eddy::cancelled();
    };
    try {
      co_await race(by_hand(), hangs(never, log, 'a'));
    } catch (const eddy::cancelled&) {
      log += '.';
    }
    co_await yield();
  });
  CHECK(log == "a.");
}

TEST_CASE("race: without tasks, or with empty or used ones, it is an error and none is started") {
  drive([]() -> task<> {
    std::string text;
    try {
      co_await race(std::vector<task<int>>());
    } catch (const std::invalid_argument& error) {
      text = error.what();
    }
    CHECK(contains(text, "no tasks"));
    int ran = 0;
    auto counts = [&]() -> task<int> {
      ++ran;
      co_return 1;
    };
    bool threw = false;
    try {
      co_await race(counts(), task<int>());
    } catch (const std::logic_error&) {
      threw = true;
    }
    CHECK(threw);
    auto used = counts();
    co_await used;
    threw = false;
    std::vector<task<int>> tasks;
    tasks.push_back(counts());
    tasks.push_back(std::move(used));
    try {
      co_await race(std::move(tasks));
    } catch (const std::logic_error&) {
      threw = true;
    }
    CHECK(threw);
    co_await turns(3);
    CHECK(ran == 1);
  });
}

TEST_CASE("race: cancelled before it starts, no child runs") {
  drive([]() -> task<> {
    int ran = 0;
    bool told = false;
    auto child = [&]() -> task<> {
      ++ran;
      co_return;
    };
    eddy::join_handle<> h;
    auto body = [&]() -> task<> {
      h.cancel();
      try {
        co_await race(child(), child());
      } catch (const eddy::cancelled&) {
        told = true;
        throw;
      }
    };
    h = spawn(body());
    while (!h.done()) co_await yield();
    CHECK(told);
    CHECK(ran == 0);
  });
}

TEST_CASE("race: an outer cancellation reaches all, and is thrown if nobody has won") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto body = [&]() -> task<> {
      try {
        co_await race(hangs(never, log, 'a'), hangs(never, log, 'b'), hangs(never, log, 'c'));
      } catch (const eddy::cancelled&) {
        log += '.';
        throw;
      }
    };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    CHECK(never.waiting() == 0);
    while (!h.done()) co_await yield();
  });
  CHECK(log == "abc.");
}

TEST_CASE("race: a value that came with an outer cancellation is kept, and that stays pending") {
  // -1: the cancellation first, while the children wait. 0: in the winner's last step. 1: after it,
  // while a loser still ends.
  for (const int when : {-1, 0, 1}) {
    CAPTURE(when);
    int value = 0;
    bool pending = false;
    drive([&]() -> task<> {
      gate never;
      gate first;
      eddy::join_handle<> h;
      auto wins = [&]() -> task<int> {
        const int n = co_await swallows(first, 3);
        if (when == 0) h.cancel();
        co_return n;
      };
      auto loses = [&]() -> task<int> {
        const int n = co_await swallows(never, 4);
        if (when == 1) h.cancel();
        co_return n;
      };
      auto body = [&]() -> task<> {
        const auto winner = co_await race(wins(), loses());
        value = winner.value();
        CHECK(winner.index() == 0);
        try {
          co_await yield();
        } catch (const eddy::cancelled&) {
          pending = true;
          throw;
        }
      };
      h = spawn(body());
      co_await turns(3);
      if (when == -1) {
        h.cancel();
      } else {
        first.open();
      }
      while (!h.done()) co_await yield();
    });
    CHECK(value == 3);
    CHECK(pending);
  }
}

TEST_CASE("race: a child that an outer cancellation has ended is no winner") {
  int value = 0;
  std::size_t index = 9;
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto body = [&]() -> task<> {
      const auto winner =
          co_await race(hangs(never, log, 'a'), swallows(never, 4), swallows(never, 5));
      value = winner.value();
      index = winner.index();
    };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    co_await h;
  });
  CHECK(log == "a");
  CHECK(value == 4);
  CHECK(index == 1);
}

TEST_CASE("race: an error that came with an outer cancellation is thrown") {
  std::string text;
  drive([&]() -> task<> {
    gate never;
    std::string log;
    auto body = [&]() -> task<> {
      try {
        co_await race(hangs(never, log, 'a'), cleans_up_badly(never));
      } catch (const std::runtime_error& error) {
        text = error.what();
      }
    };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    co_await h;
  });
  CHECK(text == "clean-up failed 7");
}

TEST_CASE("race: ten thousand tasks, and races of races, leave nothing behind") {
  tracked::reset();
  drive([]() -> task<> {
    gate never;
    auto waits = [&](tracked t) -> task<int> {
      co_await never.wait();
      co_return t.get();
    };
    std::vector<task<int>> tasks;
    for (int i = 0; i < 10'000; ++i) tasks.push_back(waits(tracked(i)));
    tasks.push_back(after(3, -5));
    const auto winner = co_await race(std::move(tasks));
    CHECK(winner.index() == 10'000);
    CHECK(winner.value() == -5);
    CHECK(never.waiting() == 0);

    auto pair = [&](int n) -> task<int> {
      const auto one = co_await race(waits(tracked(n)), after(n, n));
      co_return one.value();
    };
    const auto outer = co_await race(pair(9), pair(4), pair(6));
    CHECK(outer.value() == 4);
    CHECK(never.waiting() == 0);
  });
  CHECK(tracked::balanced());
}
