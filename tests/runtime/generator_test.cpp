#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/generator.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::generator;
using eddy::spawn;
using eddy::task;
using eddy::with_timeout;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

generator<int> count(int from, int to) {
  for (int i = from; i < to; ++i) co_yield i;
}

generator<int> slow_powers(int n) {
  int power = 1;
  for (int i = 0; i < n; ++i) {
    co_yield power;
    power *= 2;
    co_await yield();
  }
}

generator<int> evens(generator<int> source) {
  while (auto n = co_await source.next()) {
    if (*n % 2 == 0) co_yield *n;
  }
}

template <class T>
task<std::vector<T>> all_of(generator<T> g) {
  std::vector<T> values;
  while (auto v = co_await g.next()) values.push_back(std::move(*v));
  co_return values;
}

generator<tracked> numbers(tracked upto) {
  const tracked local(0);
  for (int i = 0; i < upto.get(); ++i) {
    co_yield tracked(i);
    co_await yield();
  }
}

}  // namespace

TEST_CASE("generator: yields values, waits between them, ends with nothing for good") {
  drive([]() -> task<> {
    const auto powers = co_await all_of(slow_powers(10));
    CHECK(powers == std::vector<int>{1, 2, 4, 8, 16, 32, 64, 128, 256, 512});
    auto g = count(5, 6);
    const auto first = co_await g.next();
    CHECK(first == std::optional<int>(5));
    for (int i = 0; i < 3; ++i) {
      const auto none = co_await g.next();
      CHECK_FALSE(none.has_value());
    }
    const auto filtered = co_await all_of(evens(count(0, 9)));
    CHECK(filtered == std::vector<int>{0, 2, 4, 6, 8});
  });
}

TEST_CASE("generator: the producer runs inside next() only") {
  std::string log;
  drive([&]() -> task<> {
    auto make = [&]() -> generator<char> {
      log += '1';
      co_yield 'a';
      log += '2';
      co_yield 'b';
      log += '3';
    };
    auto g = make();
    co_await turns(2);
    log += '.';
    while (auto c = co_await g.next()) {
      log += *c;
      co_await turns(2);
    }
  });
  CHECK(log == ".1a2b3");
}

TEST_CASE("generator: move-only values, and values that convert") {
  drive([]() -> task<> {
    auto boxes = []() -> generator<std::unique_ptr<int>> {
      co_yield std::make_unique<int>(1);
      auto named = std::make_unique<int>(2);
      co_yield std::move(named);
    };
    auto g = boxes();
    int sum = 0;
    while (auto box = co_await g.next()) sum += **box;
    CHECK(sum == 3);
    auto words = []() -> generator<std::string> {
      co_yield "one";
      const std::string kept = "two";
      co_yield kept;
      co_yield kept;
    };
    const auto text = co_await all_of(words());
    CHECK(text == std::vector<std::string>{"one", "two", "two"});
  });
}

TEST_CASE("generator: destroyed early, it runs the destructors of its locals") {
  tracked::reset();
  drive([]() -> task<> {
    {
      auto g = numbers(tracked(5));
      const auto first = co_await g.next();
      CHECK(first->get() == 0);
      const auto second = co_await g.next();
      CHECK(second->get() == 1);
      CHECK(tracked::alive() == 5);  // argument, local, the temporary being yielded, two values
    }
    CHECK(tracked::alive() == 0);
    { const auto never_started = numbers(tracked(5)); }
    auto replaced = numbers(tracked(3));
    co_await replaced.next();
    replaced = numbers(tracked(1));
    const auto rest = co_await all_of(std::move(replaced));
    CHECK(rest.size() == 1);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("generator: an exception leaves next() once and ends the sequence") {
  tracked::reset();
  drive([]() -> task<> {
    auto failing = [](tracked t) -> generator<int> {
      co_yield t.get();
      co_await yield();
      throw std::runtime_error("dry");
    };
    auto g = failing(tracked(3));
    const auto first = co_await g.next();
    CHECK(*first == 3);
    std::string text;
    try {
      co_await g.next();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "dry");
    const auto after = co_await g.next();
    CHECK_FALSE(after.has_value());
  });
  CHECK(tracked::balanced());
}

TEST_CASE("generator: a timeout around one next() cancels what the producer waits for") {
  drive([]() -> task<> {
    gate g;
    std::string log;
    auto make = [&]() -> generator<int> {
      co_yield 1;
      for (int i = 2;; ++i) {
        bool cancelled = false;
        try {
          co_await g.wait();
        } catch (const eddy::cancelled&) {
          log += 'c';
          cancelled = true;
        }
        co_yield cancelled ? -i : i;
      }
    };
    auto source = make();
    auto one = [&]() -> task<std::optional<int>> { co_return co_await source.next(); };
    auto value = co_await with_timeout(1h, one());
    CHECK(*value == 1);
    // It swallows the cancellation and yields: a value that came late. The scope of the next
    // next() is another one, which is not cancelled.
    value = co_await with_timeout(1ms, one());
    CHECK(*value == -2);
    g.open();
    value = co_await with_timeout(1h, one());
    CHECK(*value == 3);
    CHECK(log == "c");

    gate never;
    auto hanging = [&]() -> generator<int> {
      co_await never.wait();
      co_yield 1;
    };
    auto stuck = hanging();
    auto next = [&]() -> task<> { co_await stuck.next(); };
    bool timed_out = false;
    try {
      co_await with_timeout(1ms, next());
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    const auto ended = co_await stuck.next();
    CHECK_FALSE(ended.has_value());
  });
}

TEST_CASE("generator: next() belongs to the task that calls it") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto make = [&]() -> generator<int> {
      for (int i = 0;; ++i) {
        co_yield i;
        try {
          co_await never.wait();
        } catch (const eddy::cancelled&) {
          log += 'c';
        }
      }
    };
    auto g = make();
    const auto first = co_await g.next();
    CHECK(*first == 0);
    auto other = spawn([&]() -> task<int> {
      const auto n = co_await g.next();
      co_return *n;
    });
    co_await turns(2);
    other.cancel();
    const int n = co_await other;
    CHECK(n == 1);
    co_await yield();
  });
  CHECK(log == "c");
}

TEST_CASE("generator: a second next() while one waits is a logic_error") {
  drive([]() -> task<> {
    gate g;
    auto make = [&]() -> generator<int> {
      co_await g.wait();
      co_yield 1;
    };
    auto source = make();
    auto first = spawn([&]() -> task<int> {
      const auto n = co_await source.next();
      co_return *n;
    });
    co_await turns(2);
    bool refused = false;
    try {
      co_await source.next();
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
    g.open();
    const int n = co_await first;
    CHECK(n == 1);
    const auto end = co_await source.next();
    CHECK_FALSE(end.has_value());

    auto moved = std::move(source);
    bool empty = false;
    try {
      co_await source.next();  // NOLINT: the moved-from state is what is tested
    } catch (const std::logic_error&) {
      empty = true;
    }
    CHECK(empty);
  });
}

TEST_CASE("generator: a million values, and a thousand generators in a row, keep the stack flat") {
  const long long sum = drive([]() -> task<long long> {
    long long total = 0;
    auto g = count(0, 1'000'000);
    while (auto n = co_await g.next()) total += *n;
    auto deep = count(0, 10);
    for (int i = 0; i < 1000; ++i) deep = evens(std::move(deep));
    while (auto n = co_await deep.next()) total += *n;
    co_return total;
  });
  CHECK(sum == 499'999'500'000 + 20);
}
