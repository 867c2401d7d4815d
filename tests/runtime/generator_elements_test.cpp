#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/generator_operators.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::collect;
using eddy::elements_of;
using eddy::generator;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

// Deep enough that a frame of the stack for each would overflow it.
constexpr int deep = 100'000;

generator<int> down_from(int n) {
  co_yield n;
  if (n > 0) co_yield elements_of(down_from(n - 1));
}

generator<int> up_to(int n) {
  if (n > 0) co_yield elements_of(up_to(n - 1));
  co_yield n;
}

generator<int> fails_below(int n) {
  if (n == 0) throw std::runtime_error("bottom");
  co_yield elements_of(fails_below(n - 1));
}

generator<tracked> tracked_tree(int depth) {
  const tracked local(depth);
  co_yield tracked(depth);
  co_await yield();
  if (depth > 0) {
    co_yield elements_of(tracked_tree(depth - 1));
    co_yield elements_of(tracked_tree(depth - 1));
  }
}

generator<int> through_loops(int n) {
  if (n == 0) {
    co_yield 1;
    co_await yield();
    co_yield 2;
    co_return;
  }
  auto inner = through_loops(n - 1);
  while (auto x = co_await inner.next()) co_yield *x;
}

generator<int&> references(std::vector<int>& all) {
  for (int& x : all) {
    co_yield x;
    co_await yield();
  }
}

class immovable_note {
 public:
  immovable_note(std::string& log, char c) noexcept : log_(log), c_(c) {}
  immovable_note(const immovable_note&) = delete;
  immovable_note& operator=(const immovable_note&) = delete;
  ~immovable_note() { log_ += c_; }

 private:
  std::string& log_;
  char c_;
};

generator<int> noted(std::string& log, std::string names) {
  const immovable_note note(log, names[0]);
  co_yield static_cast<int>(names.size());
  if (names.size() > 1) co_yield elements_of(noted(log, names.substr(1)));
}

}  // namespace

TEST_CASE("elements_of: yields what another generator yields, in place") {
  drive([]() -> task<> {
    auto around = []() -> generator<int> {
      co_yield 100;
      co_yield elements_of(down_from(2));
      co_yield elements_of(up_to(2));
      co_yield 200;
    };
    const auto all = co_await collect(around());
    CHECK(all == std::vector<int>{100, 2, 1, 0, 0, 1, 2, 200});
  });
}

TEST_CASE("elements_of: of a generator that was used before, deep inside, and of an ended one") {
  drive([]() -> task<> {
    auto rest_of = [](generator<int> g) -> generator<int> {
      co_yield elements_of(std::move(g));
      co_yield -1;
    };
    auto begun = down_from(4);
    for (int i = 0; i < 3; ++i) co_await begun.next();  // three generators deep
    const auto rest = co_await collect(rest_of(std::move(begun)));
    CHECK(rest == std::vector<int>{1, 0, -1});
    auto ended = down_from(0);
    while (auto x = co_await ended.next()) CHECK(*x == 0);
    const auto nothing = co_await collect(rest_of(std::move(ended)));
    CHECK(nothing == std::vector<int>{-1});
  });
}

TEST_CASE("elements_of: a recursion 100,000 deep runs, fails and is destroyed without a stack") {
  drive([]() -> task<> {
    long long sum = 0;
    auto down = down_from(deep);
    while (auto x = co_await down.next()) sum += *x;
    auto up = up_to(deep);
    while (auto x = co_await up.next()) sum -= *x;
    CHECK(sum == 0);
    std::string text;
    auto failing = fails_below(deep);
    try {
      co_await failing.next();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "bottom");
    {
      auto dropped = up_to(deep);
      const auto first = co_await dropped.next();
      CHECK(*first == 0);
    }
  });
}

TEST_CASE("generator: 100,000 generators, each in a loop of the next, keep the stack flat") {
  drive([]() -> task<> {
    const auto all = co_await collect(through_loops(deep));
    CHECK(all == std::vector<int>{1, 2});
  });
}

TEST_CASE("elements_of: an exception goes outwards and can be caught on the way") {
  drive([]() -> task<> {
    std::string log;
    auto catching = [&]() -> generator<int> {
      co_yield 1;
      try {
        co_yield elements_of(fails_below(3));
      } catch (const std::runtime_error& error) {
        log += error.what();
      }
      co_yield 2;
    };
    const auto all = co_await collect(catching());
    CHECK(all == std::vector<int>{1, 2});
    CHECK(log == "bottom");
  });
}

TEST_CASE("elements_of: early destruction ends the innermost first, wherever it stops") {
  std::string log;
  drive([&]() -> task<> {
    auto g = noted(log, "abcd");
    for (int i = 0; i < 3; ++i) co_await g.next();
    CHECK(log.empty());
  });
  CHECK(log == "cba");
  tracked::reset();
  drive([]() -> task<> {
    for (int stop = 0; stop <= 16; ++stop) {
      auto g = tracked_tree(3);
      for (int i = 0; i < stop; ++i) co_await g.next();
    }
    auto whole = co_await collect(tracked_tree(3));
    CHECK(whole.size() == 15);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("elements_of: a cancellation reaches what the innermost waits for, and ends all") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto waits = [&]() -> generator<int> {
      const immovable_note note(log, 'i');
      co_yield 1;
      co_await never.wait();
      co_yield 2;
    };
    auto outer = [&]() -> generator<int> {
      const immovable_note note(log, 'o');
      co_yield elements_of(waits());
      co_yield 3;
    };
    auto g = outer();
    const auto first = co_await g.next();
    CHECK(*first == 1);
    auto one = [&]() -> task<> { co_await g.next(); };
    bool late = false;
    try {
      co_await with_timeout(1ms, one());
    } catch (const eddy::timeout_error&) {
      late = true;
    }
    CHECK(late);
    CHECK(log == "io");
    const auto after = co_await g.next();
    CHECK_FALSE(after.has_value());
  });
}

TEST_CASE("elements_of: each next() runs the innermost in the scope of its caller") {
  drive([]() -> task<> {
    gate door;
    auto waits = [&]() -> generator<int> {
      for (int i = 0;; ++i) {
        co_yield i;
        bool cancelled = false;
        try {
          co_await door.wait();
        } catch (const eddy::cancelled&) {
          cancelled = true;
        }
        if (cancelled) co_yield -1;
      }
    };
    auto outer = [&]() -> generator<int> { co_yield elements_of(waits()); };
    auto g = outer();
    co_await g.next();
    auto other = spawn([&]() -> task<int> {
      const auto n = co_await g.next();
      co_return *n;
    });
    co_await yield();
    co_await yield();
    other.cancel();
    const int swallowed = co_await other;
    CHECK(swallowed == -1);
    door.open();
    const auto here = co_await g.next();  // its scope is not cancelled
    CHECK(*here == 1);
  });
}

TEST_CASE("elements_of: when the inner one ends, the outer goes on in the scope of this next()") {
  drive([]() -> task<> {
    gate door;
    auto outer = [&]() -> generator<int> {
      co_yield elements_of(down_from(0));
      co_await door.wait();
      co_yield 1;
    };
    auto g = outer();
    const auto first = co_await g.next();
    CHECK(*first == 0);
    auto other = spawn([&]() -> task<> { co_await g.next(); });
    co_await yield();
    co_await yield();
    CHECK(door.waiting() == 1);
    other.cancel();
    CHECK(door.waiting() == 0);
    door.open();
    bool cancelled = false;
    try {
      co_await other;
    } catch (const eddy::task_cancelled&) {
      cancelled = true;
    }
    CHECK(cancelled);
  });
}

TEST_CASE("elements_of: of a generator that was moved from is a logic_error") {
  drive([]() -> task<> {
    auto rest_of = [](generator<int>& g) -> generator<int> {
      co_yield elements_of(std::move(g));
    };
    auto gone = down_from(1);
    auto kept = std::move(gone);
    auto empty = rest_of(gone);
    std::string text;
    try {
      co_await empty.next();
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "empty"));
  });
}

TEST_CASE("generator of references: next() gives a pointer to the very object, null at the end") {
  std::vector<int> numbers = {1, 2, 3};
  drive([&]() -> task<> {
    auto g = references(numbers);
    while (int* x = co_await g.next()) *x *= 10;
    int* const none = co_await g.next();
    CHECK(none == nullptr);
    auto twice = [](generator<int&> source) -> generator<int&> {
      co_yield elements_of(std::move(source));
    };
    auto nested = twice(references(numbers));
    int* const first = co_await nested.next();
    CHECK(first == numbers.data());
    auto constant = [](const std::vector<int>& all) -> generator<const int&> {
      for (const int& x : all) co_yield x;
      co_yield 7;  // a temporary, good until the following next()
    };
    int sum = 0;
    auto c = constant(numbers);
    while (const int* x = co_await c.next()) sum += *x;
    CHECK(sum == 67);
  });
  CHECK(numbers == std::vector<int>{10, 20, 30});
}
