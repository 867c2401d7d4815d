#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::gather;
using eddy::gather_settled;
using eddy::settled;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

// Ends after `n` turns; tells the order of ends.
task<int> after(int n, int result, std::string& log) {
  co_await turns(n);
  log += std::to_string(result);
  co_return result;
}

task<int> fails_after(int n, std::string text, std::string& log) {
  co_await turns(n);
  log += text;
  throw std::runtime_error(text);
}

task<> nothing() { co_await yield(); }
task<int&> same(int& n) {
  co_await yield();
  co_return n;
}
task<std::unique_ptr<int>> boxed(int n) {
  co_await yield();
  co_return std::make_unique<int>(n);
}

task<int> hangs(gate& never, std::string& log, char name) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    log += name;
    throw;
  }
  co_return 0;
}

task<int> swallows(gate& never, int result) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
  co_return result;
}

task<int> cleans_up_badly(gate& never) {
  bool cancelled = false;
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    cancelled = true;
  }
  if (cancelled) throw std::runtime_error("clean-up failed");
  co_return 0;
}

}  // namespace

TEST_CASE("gather: results in the order given, whatever the order of ends") {
  std::string log;
  drive([&]() -> task<> {
    auto [a, b, c] = co_await gather(after(3, 1, log), after(1, 2, log), after(2, 3, log));
    CHECK(a == 1);
    CHECK(b == 2);
    CHECK(c == 3);
    log += '.';
    std::vector<task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(after(5 - i, i, log));
    const auto values = co_await gather(std::move(tasks));
    CHECK(values == std::vector<int>{0, 1, 2, 3, 4});
  });
  CHECK(log == "231.43210");
}

TEST_CASE("gather: the children start in order, from the ready queue") {
  std::string log;
  drive([&]() -> task<> {
    auto note = [&](char c) -> task<> {
      log += c;
      co_await yield();
      log += c;
    };
    auto earlier = spawn(note, 's');
    auto all = gather(note('a'), note('b'), note('c'));
    log += 'm';
    co_await all;
    log += 'e';
    co_await earlier;
  });
  CHECK(log == "msabcsabce");
}

TEST_CASE("gather: void becomes monostate, references and move-only values work") {
  drive([]() -> task<> {
    int variable = 3;
    auto result = co_await gather(nothing(), same(variable), boxed(4));
    static_assert(
        std::is_same_v<decltype(result), std::tuple<std::monostate, int&, std::unique_ptr<int>>>);
    CHECK(&std::get<1>(result) == &variable);
    REQUIRE(std::get<2>(result));
    CHECK(*std::get<2>(result) == 4);

    std::vector<task<std::unique_ptr<int>>> boxes;
    boxes.push_back(boxed(1));
    boxes.push_back(boxed(2));
    const auto owned = co_await gather(std::move(boxes));
    CHECK(*owned[0] + *owned[1] == 3);

    std::vector<task<bool>> flags;
    flags.push_back([]() -> task<bool> { co_return true; }());
    flags.push_back([]() -> task<bool> { co_return false; }());
    const std::vector<bool> bits = co_await gather(std::move(flags));
    CHECK(bits == std::vector<bool>{true, false});

    std::vector<task<>> voids;
    voids.push_back(nothing());
    voids.push_back(nothing());
    auto waiting = gather(std::move(voids));
    static_assert(std::is_void_v<decltype(waiting.await_resume())>);
    co_await waiting;
  });
}

TEST_CASE("gather: of nothing returns at once") {
  drive([]() -> task<> {
    const auto none = co_await gather();
    static_assert(std::is_same_v<decltype(none), const std::tuple<>>);
    const auto empty = co_await gather(std::vector<task<int>>());
    CHECK(empty.empty());
    const auto settled_empty = co_await gather_settled(std::vector<task<>>());
    CHECK(settled_empty.empty());
    const auto one = co_await gather(boxed(1));
    CHECK(*std::get<0>(one) == 1);
  });
}

TEST_CASE("gather: an empty or used task is a logic_error, and none is started") {
  std::string log;
  drive([&]() -> task<> {
    bool threw = false;
    try {
      co_await gather(after(0, 1, log), task<int>());
    } catch (const std::logic_error&) {
      threw = true;
    }
    CHECK(threw);
    auto used = after(0, 2, log);
    co_await used;
    threw = false;
    std::vector<task<int>> tasks;
    tasks.push_back(after(0, 3, log));
    tasks.push_back(std::move(used));
    try {
      co_await gather_settled(std::move(tasks));
    } catch (const std::logic_error&) {
      threw = true;
    }
    CHECK(threw);
    co_await turns(3);
  });
  CHECK(log == "2");
}

TEST_CASE("gather: the failure that came first in time is thrown, after all have ended") {
  std::string log;
  drive([&]() -> task<> {
    std::string text;
    try {
      co_await gather(fails_after(3, "b", log), after(5, 9, log), fails_after(1, "a", log),
                      fails_after(4, "c", log));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "a");
    CHECK(log == "abc9");

    log.clear();
    std::vector<task<int>> tasks;
    tasks.push_back(fails_after(2, "y", log));
    tasks.push_back(fails_after(1, "x", log));
    tasks.push_back(after(3, 8, log));
    try {
      co_await gather(std::move(tasks));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "x");
    CHECK(log == "xy8");
  });
}

TEST_CASE("gather_settled: each a value or an exception") {
  std::string log;
  drive([&]() -> task<> {
    auto [value, error, none] =
        co_await gather_settled(after(2, 7, log), fails_after(1, "broken", log), nothing());
    CHECK(value.has_value());
    CHECK(value.value() == 7);
    CHECK_FALSE(error);
    CHECK(error.error());
    CHECK(message_of<std::runtime_error>([&] { error.value(); }) == "broken");
    CHECK(none);
    static_assert(std::is_same_v<decltype(none.value()), std::monostate>);

    std::vector<task<std::unique_ptr<int>>> tasks;
    tasks.push_back(boxed(1));
    tasks.push_back([]() -> task<std::unique_ptr<int>> {
      co_await yield();
      throw std::out_of_range("far");
    }());
    auto results = co_await gather_settled(std::move(tasks));
    REQUIRE(results.size() == 2);
    CHECK(*results[0].value() == 1);
    CHECK(message_of<std::out_of_range>([&] { results[1].value(); }) == "far");

    int variable = 0;
    auto [ref] = co_await gather_settled(same(variable));
    CHECK(&ref.value() == &variable);
  });
}

TEST_CASE("gather_settled: a value that is itself an exception_ptr is a value") {
  drive([]() -> task<> {
    auto make = [](std::exception_ptr e) -> task<std::exception_ptr> { co_return e; };
    auto [none, some] = co_await gather_settled(
        make(nullptr), make(std::make_exception_ptr(std::runtime_error("as a value"))));
    CHECK(none.has_value());
    CHECK(none.value() == nullptr);
    CHECK(some.has_value());
    CHECK(some.value() != nullptr);
  });
}

TEST_CASE("gather: a cancellation reaches every child, and all have ended before it goes on") {
  for (const bool settle : {false, true}) {
    std::string log;
    drive([&]() -> task<> {
      gate never;
      auto body = [&]() -> task<> {
        try {
          if (settle) {
            co_await gather_settled(hangs(never, log, 'a'), hangs(never, log, 'b'));
          } else {
            co_await gather(hangs(never, log, 'a'), hangs(never, log, 'b'));
          }
        } catch (const eddy::cancelled&) {
          log += '.';
          throw;
        }
        log += '?';
      };
      auto h = spawn(body());
      co_await turns(3);
      CHECK(never.waiting() == 2);
      h.cancel();
      CHECK(log.empty());
      bool told = false;
      try {
        co_await h;
      } catch (const eddy::task_cancelled&) {
        told = true;
      }
      CHECK(told);
    });
    CHECK(log == "ab.");
  }
}

TEST_CASE("gather: children cancelled before their first resume never run") {
  tracked::reset();
  drive([]() -> task<> {
    int ran = 0;
    auto child = [&](tracked) -> task<> {
      ++ran;
      co_return;
    };
    eddy::join_handle<> h;
    auto body = [&]() -> task<> {
      std::vector<task<>> children;
      for (int i = 0; i < 3; ++i) children.push_back(child(tracked(i)));
      co_await gather(std::move(children));
    };
    h = spawn(body());
    auto canceller = spawn([&]() -> task<> {
      h.cancel();
      co_return;
    });
    co_await canceller;
    while (!h.done()) co_await yield();
    CHECK(ran == 0);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("gather: in a cancelled scope no child runs, and a gather of nothing throws too") {
  std::string log;
  drive([&]() -> task<> {
    eddy::join_handle<> h;
    auto body = [&]() -> task<> {
      h.cancel();
      for (int i = 0; i < 3; ++i) {
        try {
          if (i == 0) co_await gather(after(0, 1, log), after(0, 2, log));
          if (i == 1) co_await gather_settled(after(0, 3, log));
          if (i == 2) co_await gather();
          log += '?';
        } catch (const eddy::cancelled&) {
          log += 'c';
        }
      }
    };
    h = spawn(body());
    while (!h.done()) co_await yield();
  });
  CHECK(log == "ccc");
}

TEST_CASE("gather: values and failures that came in spite of a cancellation are kept") {
  drive([]() -> task<> {
    gate never;
    int sum = 0;
    std::string text;
    bool pending = false;
    auto body = [&]() -> task<> {
      auto [a, b] = co_await gather(swallows(never, 1), swallows(never, 2));
      sum = a + b;
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
        pending = true;
        throw;
      }
    };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    while (!h.done()) co_await yield();
    CHECK(sum == 3);
    CHECK(pending);

    std::string log;
    auto failing = [&]() -> task<> {
      try {
        co_await gather(hangs(never, log, 'a'), cleans_up_badly(never));
      } catch (const std::runtime_error& error) {
        text = error.what();
      }
    };
    auto f = spawn(failing());
    co_await turns(3);
    f.cancel();
    co_await f;
    CHECK(text == "clean-up failed");
  });
}

TEST_CASE("gather: ten thousand children, nested gathers, nothing leaks") {
  tracked::reset();
  drive([]() -> task<> {
    auto leaf = [](int n) -> task<tracked> {
      co_await yield();
      co_return tracked(n);
    };
    auto group = [&](int count) -> task<int> {
      std::vector<task<tracked>> tasks;
      for (int i = 0; i < count; ++i) tasks.push_back(leaf(i));
      auto values = co_await gather(std::move(tasks));
      int sum = 0;
      for (const auto& v : values) sum += v.get();
      co_return sum;
    };
    std::vector<task<int>> groups;
    for (int i = 0; i < 100; ++i) groups.push_back(group(100));
    const auto sums = co_await gather(std::move(groups));
    for (const int s : sums) CHECK(s == 4950);
  });
  CHECK(tracked::balanced());
}
