#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/generator_operators.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::callable;
using eddy::chunks;
using eddy::collect;
using eddy::drop;
using eddy::each;
using eddy::enumerate;
using eddy::filter;
using eddy::fold;
using eddy::generator;
using eddy::spawn;
using eddy::take;
using eddy::task;
using eddy::transform;
using eddy::yield;
using eddy::zip;

namespace {

generator<int> count(int from, int to) {
  for (; from < to; ++from) {
    co_yield from;
    co_await yield();
  }
}

// Yields 0, 1, … and throws instead of `n`.
generator<int> fails_at(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
  co_await yield();
  throw std::runtime_error("source");
}

generator<tracked> tracked_count(int n) {
  const tracked local(0);
  for (int i = 0; i < n; ++i) {
    co_yield tracked(i);
    co_await yield();
  }
}

generator<int> counts_pulls(int& pulled, int n) {
  while (pulled < n) {
    ++pulled;
    co_yield pulled;
  }
}

bool is_odd(int n) { return n % 2 == 1; }
task<bool> is_odd_later(int n) {
  co_await yield();
  co_return n % 2 == 1;
}
int squared(int n) { return n * n; }
task<int> squared_later(int n) {
  co_await yield();
  co_return n * n;
}
int plus(int a, int b) { return a + b; }
task<int> plus_later(int a, int b) {
  co_await yield();
  co_return a + b;
}

template <class S>
task<std::string> failure_of(S source) {
  std::string text;
  try {
    while (auto x = co_await source.next()) text += '.';
  } catch (const std::runtime_error& error) {
    text += error.what();
  }
  const auto after = co_await source.next();
  CHECK_FALSE(static_cast<bool>(after));
  co_return text;
}

using ints = std::vector<int>;

}  // namespace

TEST_CASE("operators: what each does, as a function and behind a bar") {
  drive([]() -> task<> {
    auto got = co_await collect(transform(count(0, 4), squared));
    CHECK(got == ints{0, 1, 4, 9});
    got = co_await collect(count(0, 4) | transform(squared_later));
    CHECK(got == ints{0, 1, 4, 9});
    got = co_await collect(filter(count(0, 6), is_odd));
    CHECK(got == ints{1, 3, 5});
    got = co_await collect(count(0, 6) | filter(is_odd_later));
    CHECK(got == ints{1, 3, 5});
    got = co_await collect(count(0, 9) | drop(3) | take(2));
    CHECK(got == ints{3, 4});
    const auto parts = co_await collect(count(0, 5) | chunks(2));
    CHECK(parts == std::vector<ints>{{0, 1}, {2, 3}, {4}});
    const auto even = co_await collect(chunks(count(0, 4), 2));
    CHECK(even == std::vector<ints>{{0, 1}, {2, 3}});
    const auto pairs = co_await collect(count(5, 7) | enumerate());
    CHECK(pairs == std::vector<std::pair<std::size_t, int>>{{0, 5}, {1, 6}});
    const auto rows = co_await collect(zip(count(0, 3), count(5, 7), count(0, 9)));
    CHECK(rows == std::vector<std::tuple<int, int, int>>{{0, 5, 0}, {1, 6, 1}});
    int sum = co_await fold(count(0, 5), 100, plus);
    CHECK(sum == 110);
    sum = co_await fold(count(0, 5), 0, plus_later);
    CHECK(sum == 10);
  });
}

TEST_CASE("operators: of an empty source, and by zero") {
  drive([]() -> task<> {
    auto got = co_await collect(transform(count(0, 0), squared));
    CHECK(got.empty());
    got = co_await collect(filter(count(0, 0), is_odd));
    CHECK(got.empty());
    got = co_await collect(take(count(0, 0), 3));
    CHECK(got.empty());
    got = co_await collect(drop(count(0, 2), 3));
    CHECK(got.empty());
    got = co_await collect(drop(count(0, 2), 0));
    CHECK(got == ints{0, 1});
    const auto parts = co_await collect(chunks(count(0, 0), 3));
    CHECK(parts.empty());
    const auto pairs = co_await collect(enumerate(count(0, 0)));
    CHECK(pairs.empty());
    const auto rows = co_await collect(zip(count(0, 3), count(0, 0)));
    CHECK(rows.empty());
    const int sum = co_await fold(count(0, 0), 7, plus);
    CHECK(sum == 7);
    const auto none = co_await collect(each(ints()));
    CHECK(none.empty());
  });
  CHECK(message_of<std::invalid_argument>([] { (void)chunks(count(0, 1), 0); }) ==
        "chunks: the size must not be 0");
  CHECK(message_of<std::invalid_argument>([] { (void)chunks(0); }) ==
        "chunks: the size must not be 0");
}

TEST_CASE("operators: nothing is taken from the source that was not asked for") {
  drive([]() -> task<> {
    int pulled = 0;
    auto got = co_await collect(take(counts_pulls(pulled, 9), 2));
    CHECK(got == ints{1, 2});
    CHECK(pulled == 2);
    got = co_await collect(take(counts_pulls(pulled, 9), 0));
    CHECK(pulled == 2);
    auto mapped = transform(counts_pulls(pulled, 9), squared);
    co_await yield();
    CHECK(pulled == 2);
    co_await mapped.next();
    CHECK(pulled == 3);
    pulled = 0;
    auto some = counts_pulls(pulled, 9) | chunks(3);
    co_await some.next();
    CHECK(pulled == 3);
    // zip asks in order and stops at the first that has ended.
    int right = 0;
    pulled = 0;
    const auto rows = co_await collect(zip(counts_pulls(pulled, 2), counts_pulls(right, 9)));
    CHECK(rows.size() == 2);
    CHECK(right == 2);
  });
}

TEST_CASE("operators: elements that can only be moved, and references") {
  std::vector<std::string> words = {"a", "b"};
  drive([&]() -> task<> {
    auto boxed = [](int n) { return std::make_unique<int>(n); };
    auto boxes = count(0, 6) | transform(boxed);
    auto odd = [](const std::unique_ptr<int>& n) { return *n % 2 == 1; };
    auto all = std::move(boxes) | filter(odd) | drop(1) | take(5) | enumerate() | chunks(2);
    int sum = 0;
    while (auto part = co_await all.next()) {
      for (auto& [i, box] : *part) sum += static_cast<int>(i) * 100 + *box;
    }
    CHECK(sum == 100 + 3 + 5);
    auto referred = [&]() -> generator<std::string&> {
      for (auto& w : words) co_yield w;
    };
    auto shout = [](std::string& w) -> std::string& { return w += '!'; };
    auto named = [](const std::string& w) { return w != "a!"; };
    auto loud = referred() | transform(shout) | filter(named) | take(3);
    std::string* const found = co_await loud.next();
    CHECK(found == &words[1]);
    auto rows = zip(referred(), count(0, 2));
    auto row = co_await rows.next();
    std::get<0>(*row) += '?';
    const auto copies = co_await collect(referred());
    CHECK(copies == words);
  });
  CHECK(words == std::vector<std::string>{"a!?", "b!"});
}

TEST_CASE("each: moves out of a container, copies from a view") {
  drive([]() -> task<> {
    std::vector<std::unique_ptr<int>> boxes;
    boxes.push_back(std::make_unique<int>(3));
    auto moved = each(std::move(boxes));
    const auto box = co_await moved.next();
    CHECK(**box == 3);
    std::vector<std::string> kept = {"a string that is not short", "b"};
    const auto copies = co_await collect(each(std::span<std::string>(kept)));
    CHECK(copies == kept);
    CHECK(kept[0] == "a string that is not short");
    const std::array<int, 2> two = {1, 2};
    const auto got = co_await collect(each(two));
    CHECK(got == ints{1, 2});
  });
}

TEST_CASE("operators: an error of the source or of a function leaves next() once and ends it") {
  drive([]() -> task<> {
    auto throws_at_2 = [](int n) {
      if (n == 2) throw std::runtime_error("function");
      return n;
    };
    auto throws_later = [](int n) -> task<bool> {
      co_await yield();
      if (n == 2) throw std::runtime_error("later");
      co_return true;
    };
    std::string text = co_await failure_of(transform(fails_at(2), squared));
    CHECK(text == "..source");
    text = co_await failure_of(transform(count(0, 9), throws_at_2));
    CHECK(text == "..function");
    text = co_await failure_of(filter(count(0, 9), throws_later));
    CHECK(text == "..later");
    text = co_await failure_of(take(fails_at(2), 3));
    CHECK(text == "..source");
    text = co_await failure_of(take(fails_at(2), 2));
    CHECK(text == "..");
    text = co_await failure_of(drop(fails_at(2), 3));
    CHECK(text == "source");
    text = co_await failure_of(chunks(fails_at(3), 2));
    CHECK(text == ".source");
    text = co_await failure_of(enumerate(fails_at(1)));
    CHECK(text == ".source");
    text = co_await failure_of(zip(count(0, 9), fails_at(1)));
    CHECK(text == ".source");
    auto adds = [](int a, int b) { return a + (b == 2 ? throw std::runtime_error("sum") : b); };
    text.clear();
    try {
      co_await fold(count(0, 9), 0, adds);
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "sum");
  });
}

TEST_CASE("operators: destroyed at any point, nothing leaks and nothing dies twice") {
  tracked::reset();
  drive([]() -> task<> {
    auto same = [](tracked t) { return t; };
    auto later = [](tracked t) -> task<tracked> {
      co_await yield();
      co_return std::move(t);
    };
    auto wanted = [](const tracked& t) { return t.get() % 3 != 1; };
    for (int stop = 0; stop <= 7; ++stop) {
      auto a = tracked_count(9) | transform(same) | filter(wanted) | transform(later);
      auto b = tracked_count(9) | drop(1) | take(6) | chunks(2) | enumerate();
      auto c = zip(tracked_count(3), tracked_count(9), tracked_count(5));
      for (int i = 0; i < stop; ++i) {
        const auto x = co_await a.next();
        const auto y = co_await b.next();
        const auto z = co_await c.next();
      }
    }
    const auto all = co_await collect(tracked_count(4));
    CHECK(all.size() == 4);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("operators: a cancellation while the source or a function waits ends them") {
  tracked::reset();
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto stuck_source = [&](tracked) -> generator<int> {
      co_yield 1;
      co_await never.wait();
      co_yield 2;
    };
    auto stuck = [&](int n) -> task<int> {
      co_await never.wait();
      co_return n;
    };
    auto reads = [&](auto source, char name) -> task<> {
      try {
        while (auto x = co_await source.next()) log += '.';
      } catch (const eddy::cancelled&) {
        log += name;
      }
      const auto after = co_await source.next();
      CHECK_FALSE(static_cast<bool>(after));
    };
    auto in_source = spawn(reads(transform(stuck_source(tracked(1)), squared), 's'));
    auto in_function = spawn(reads(transform(count(0, 5), stuck), 'f'));
    auto in_zip = spawn(reads(zip(count(0, 5), stuck_source(tracked(2))), 'z'));
    auto in_chunk = spawn(reads(chunks(stuck_source(tracked(3)), 2), 'c'));
    for (int i = 0; i < 8; ++i) co_await yield();
    for (auto* h : {&in_source, &in_function, &in_zip, &in_chunk}) h->cancel();
    co_await in_source;
    co_await in_function;
    co_await in_zip;
    co_await in_chunk;
  });
  CHECK(log == "..sfzc");
  CHECK(tracked::balanced());
}

TEST_CASE("operators: a function with captures by its name, or as a callable") {
  tracked::reset();
  drive([]() -> task<> {
    const auto times = [t = tracked(3)](int n) { return n * t.get(); };
    const auto got = co_await collect(count(0, 3) | transform(times));
    CHECK(got == ints{0, 3, 6});
    auto only_moved = [t = tracked(2), box = std::make_unique<int>(1)](int n) {
      return n * t.get() + *box;
    };
    callable<int(int)> boxed(std::move(only_moved));
    const auto more = co_await collect(count(0, 3) | transform(std::move(boxed)));
    CHECK(more == ints{1, 3, 5});
  });
  CHECK(tracked::balanced());
}
