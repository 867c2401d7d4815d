#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/map_concurrent.hpp>
#include <eddy/runtime/merge.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../support/simulated.hpp"
#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::as_completed;
using eddy::collect;
using eddy::feed;
using eddy::generator;
using eddy::map_concurrent;
using eddy::map_concurrent_unordered;
using eddy::merge;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

using ints = std::vector<int>;

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

generator<int> count(int from, int to, int pause = 1) {
  for (; from < to; ++from) {
    co_yield from;
    co_await turns(pause);
  }
}

generator<int> fails_at(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
  throw std::runtime_error("source");
}

// Ends its clean-up late: what is said to have ended must have.
task<int> ends_late(gate& never, std::string& log, char name) {
  bool cancelled = false;
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    cancelled = true;
  }
  for (int i = 0; cancelled && i < 3; ++i) {
    try {
      co_await yield();
    } catch (const eddy::cancelled&) {
    }
  }
  log += name;
  co_return 0;
}

// All elements as text; then the error, if it ends with one.
template <class T>
task<std::string> read_all(feed<T>& f) {
  std::string text;
  try {
    while (auto x = co_await f.next()) text += std::to_string(*x) + " ";
  } catch (const std::exception& error) {
    text += error.what();
  }
  const auto more = co_await f.next();
  CHECK_FALSE(static_cast<bool>(more));
  co_return text;
}

template <class T>
task<T> first_of(feed<T>& f) {
  auto x = co_await f.next();
  co_return std::move(*x);
}

}  // namespace

TEST_CASE("as_completed: results in the order in which they come") {
  drive([]() -> task<> {
    auto three = as_completed(after(5, 1), after(1, 2), after(3, 3));
    std::string text = co_await read_all(three);
    CHECK(text == "2 3 1 ");
    std::vector<task<int>> many;
    for (int i = 0; i < 6; ++i) many.push_back(after(2 * (6 - i), i));
    auto all = as_completed(std::move(many));
    text = co_await read_all(all);
    CHECK(text == "5 4 3 2 1 0 ");
    auto none = as_completed(std::vector<task<int>>());
    text = co_await read_all(none);
    CHECK(text.empty());
  });
}

TEST_CASE("as_completed: void, references, and what can only be moved") {
  int number = 7;
  drive([&]() -> task<> {
    auto nothings = as_completed(turns(1), turns(2));
    int seen = 0;
    while (auto x = co_await nothings.next()) ++seen;
    CHECK(seen == 2);
    auto refer = [&]() -> task<int&> { co_return number; };
    auto references = as_completed(refer());
    int* const found = co_await references.next();
    CHECK(found == &number);
    int* const end = co_await references.next();
    CHECK(end == nullptr);
    auto box = [](int n) -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(n); };
    const auto boxes = co_await collect(as_completed(box(1), box(2)));
    CHECK(*boxes[1] == 2);
  });
}

TEST_CASE("as_completed: a task that is empty or was awaited is a logic_error at once") {
  drive([]() -> task<> {
    auto used = after(0, 1);
    co_await used;
    CHECK(message_of<std::logic_error>([&] { (void)as_completed(std::move(used)); }) ==
          "a task was awaited or started twice");
    const auto text = message_of<std::logic_error>([&] { (void)as_completed(task<int>()); });
    CHECK(contains(text, "empty"));
  });
}

TEST_CASE("merge: the elements of each as they come, the sources at most one ahead") {
  drive([]() -> task<> {
    auto two = merge(count(0, 3, 4), count(10, 13, 1));
    std::string text = co_await read_all(two);
    CHECK(text.size() == std::string("0 1 2 10 11 12 ").size());
    CHECK(text.find("10 ") < text.find("11 "));
    CHECK(text.find("12 ") < text.find(" 2 "));
    std::vector<generator<int>> none;
    auto empty = merge(std::move(none));
    text = co_await read_all(empty);
    CHECK(text.empty());

    int pulled = 0;
    auto counting = [&]() -> generator<int> {
      while (true) {
        ++pulled;
        co_yield pulled;
      }
    };
    auto slow = merge(counting());
    co_await turns(5);
    CHECK(pulled == 0);  // it starts with the first next()
    co_await slow.next();
    co_await turns(5);
    CHECK(pulled == 2);
    co_await slow.next();
    co_await turns(5);
    CHECK(pulled == 3);
    co_await slow.close();
  });
}

TEST_CASE("merge: of merges, and of what operators made") {
  drive([]() -> task<> {
    auto even = [](int n) { return n % 2 == 0; };
    auto inner = merge(count(0, 4), count(4, 8));
    auto all = merge(std::move(inner) | eddy::filter(even), count(100, 102));
    int sum = 0;
    while (auto x = co_await all.next()) sum += *x;
    CHECK(sum == 0 + 2 + 4 + 6 + 100 + 101);
  });
}

TEST_CASE("map_concurrent: in the order of the elements, or of the results; limit 0 is refused") {
  drive([]() -> task<> {
    auto backwards = [](int n) -> task<int> {
      co_await turns(3 * (10 - n));
      co_return n * n;
    };
    auto got = co_await collect(map_concurrent(4, count(0, 6), backwards));
    CHECK(got == ints{0, 1, 4, 9, 16, 25});
    const ints numbers = {1, 2, 3};
    got = co_await collect(map_concurrent(8, numbers, backwards));
    CHECK(got == ints{1, 4, 9});
    got = co_await collect(map_concurrent_unordered(8, numbers, backwards));
    CHECK(got == ints{9, 4, 1});
    got = co_await collect(count(0, 3) | map_concurrent(1, backwards) | eddy::drop(1));
    CHECK(got == ints{1, 4});
    got = co_await collect(eddy::each(numbers) | map_concurrent_unordered(2, backwards));
    CHECK(got == ints{4, 1, 9});
    got = co_await collect(map_concurrent(3, ints(), backwards));
    CHECK(got.empty());
  });
  auto nothing = [](int) -> task<> { co_return; };
  CHECK(message_of<std::invalid_argument>([&] { (void)map_concurrent(0, ints(), nothing); }) ==
        "map_concurrent: the limit must not be 0");
  CHECK(message_of<std::invalid_argument>([&] { (void)map_concurrent_unordered(0, nothing); }) ==
        "map_concurrent: the limit must not be 0");
}

TEST_CASE("map_concurrent: at most `limit` elements between the source and the reader" *
          needs_full_turns()) {
  drive([]() -> task<> {
    for (const bool ordered : {true, false}) {
      int pulled = 0;
      int running = 0;
      int most = 0;
      auto source = [&]() -> generator<int> {
        while (pulled < 20) {
          ++pulled;
          co_yield pulled;
        }
      };
      auto call = [&](int n) -> task<int> {
        most = std::max(most, ++running);
        co_await turns(1 + n % 3);
        --running;
        co_return n;
      };
      auto f = ordered ? map_concurrent(3, source(), call)
                       : map_concurrent_unordered(3, source(), call);
      for (int read = 0; read < 20; ++read) {
        const auto x = co_await f.next();
        CHECK(x.has_value());
        co_await turns(8);
        CHECK(pulled <= read + 1 + 3);
      }
      const auto end = co_await f.next();
      CHECK_FALSE(end.has_value());
      CHECK(most == 3);
    }
  });
}

TEST_CASE("map_concurrent: an argument taken by reference lives as long as its call") {
  tracked::reset();
  drive([]() -> task<> {
    auto source = []() -> generator<tracked> {
      for (int i = 0; i < 6; ++i) co_yield tracked(i);
    };
    auto call = [](const tracked& t) -> task<int> {
      co_await turns(4);
      co_return t.get();
    };
    const auto got = co_await collect(map_concurrent(3, source(), call));
    CHECK(got == ints{0, 1, 2, 3, 4, 5});
  });
  CHECK(tracked::balanced());
}

TEST_CASE("sequences: of what can be moved and not assigned") {
  struct constant {
    explicit constant(int v) noexcept : value(v) {}
    const int value;
  };
  drive([]() -> task<> {
    auto source = []() -> generator<constant> {
      co_yield constant(1);
      co_yield constant(2);
    };
    auto call = [](constant c) -> task<constant> {
      co_await yield();
      co_return constant(c.value * 10);
    };
    auto all = merge(map_concurrent(2, source(), call), as_completed(call(constant(3))));
    int sum = 0;
    while (auto c = co_await all.next()) sum += c->value;
    CHECK(sum == 60);
    auto few = source() | eddy::drop(1) | eddy::take(2);
    auto last = co_await few.next();
    CHECK(last->value == 2);
  });
}

TEST_CASE("feed: the first error comes after what was there, once, when all have ended") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto tasks = as_completed(after(1, 1), fails_after(3, "first"), ends_late(never, log, 'a'),
                              fails_after(20, "never"), ends_late(never, log, 'b'));
    co_await first_of(tasks);
    const std::string text = co_await read_all(tasks);
    CHECK(text == "first");
    CHECK(log == "ab");

    auto merged = merge(fails_at(2), count(10, 1000));
    std::string seen = co_await read_all(merged);
    CHECK(contains(seen, "0 "));
    CHECK(contains(seen, "source"));

    // In order: what comes before the failed call, and has ended.
    auto call = [&](int n) -> task<int> {
      if (n == 2) throw std::runtime_error("call");
      co_await turns(n == 5 ? 1000 : 0);
      co_return n;
    };
    auto mapped = map_concurrent(4, count(0, 9), call);
    seen = co_await read_all(mapped);
    CHECK(seen == "0 1 call");
    auto bad_source = map_concurrent(4, fails_at(2), call);
    seen = co_await read_all(bad_source);
    CHECK(contains(seen, "source"));
    auto throws_at_once = [](int n) {
      if (n >= 0) throw std::runtime_error("plain");
      return after(0, n);
    };
    auto bad_plain = map_concurrent(2, count(0, 9), throws_at_once);
    seen = co_await read_all(bad_plain);
    CHECK(seen == "plain");
  });
}
