#include <doctest/doctest.h>

#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/task.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "tracked.hpp"

using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<int> number(int n) { co_return n; }
task<> nothing() { co_return; }
task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }
task<int&> same(int& n) { co_return n; }
task<std::pair<int, std::string>> braced() { co_return {7, "seven"}; }

struct no_default {
  explicit no_default(int n) : value(n) {}
  no_default(no_default&&) = default;
  int value;
};
task<no_default> made(int n) { co_return no_default(n); }

task<int> fails(int n) {
  if (n >= 0) throw std::out_of_range("no " + std::to_string(n));
  co_return n;
}

// A task that holds `t` while it waits, and gives it back.
task<tracked> keeps(tracked t) {
  co_await yield();
  co_return std::move(t);
}

task<int> nested(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await nested(depth - 1);
  co_return below + 1;
}

task<int> nested_failure(int depth, int& unwound) {
  if (depth == 0) throw std::runtime_error("from the bottom");
  struct counter {
    explicit counter(int& n) : n_(n) {}
    ~counter() { ++n_; }
    int& n_;
  } const count(unwound);
  const int below = co_await nested_failure(depth - 1, unwound);
  co_return below;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<task<int>>);
static_assert(!std::is_copy_assignable_v<task<int>>);
static_assert(std::is_nothrow_move_constructible_v<task<int>>);
static_assert(std::is_same_v<task<>, task<void>>);

TEST_CASE("task: values of every kind come back") {
  drive([]() -> task<> {
    const int n = co_await number(42);
    CHECK(n == 42);
    co_await nothing();
    const std::unique_ptr<int> p = co_await boxed(5);
    REQUIRE(p);
    CHECK(*p == 5);
    int variable = 1;
    int& alias = co_await same(variable);
    CHECK(&alias == &variable);
    const auto pair = co_await braced();
    CHECK(pair.first == 7);
    CHECK(pair.second == "seven");
    const no_default nd = co_await made(3);
    CHECK(nd.value == 3);
  });
}

TEST_CASE("task: it starts when it is awaited, not when it is called") {
  drive([]() -> task<> {
    bool ran = false;
    auto body = [&ran]() -> task<> {
      ran = true;
      co_return;
    };
    auto t = body();
    CHECK_FALSE(ran);
    co_await yield();
    CHECK_FALSE(ran);
    co_await std::move(t);
    CHECK(ran);
  });
}

TEST_CASE("task: an exception reaches the awaiter with its type and its object") {
  drive([]() -> task<> {
    std::string text;
    try {
      co_await fails(4);
    } catch (const std::out_of_range& error) {
      text = error.what();
    }
    CHECK(text == "no 4");
    const int n = co_await fails(-4);
    CHECK(n == -4);
  });
}

TEST_CASE("task: awaiting it twice is a logic_error, and so is an empty one") {
  drive([]() -> task<> {
    auto t = number(1);
    const int first = co_await t;
    CHECK(first == 1);
    std::string twice;
    try {
      co_await t;
    } catch (const std::logic_error& error) {
      twice = error.what();
    }
    CHECK(contains(twice, "twice"));

    std::string empty;
    task<int> none;
    CHECK_FALSE(none);
    try {
      co_await none;
    } catch (const std::logic_error& error) {
      empty = error.what();
    }
    CHECK(contains(empty, "empty"));

    auto source = number(2);
    auto target = std::move(source);
    bool moved_from_threw = false;
    try {
      co_await source;  // NOLINT: the moved-from state is what is tested
    } catch (const std::logic_error&) {
      moved_from_threw = true;
    }
    CHECK(moved_from_threw);
    const int moved = co_await target;
    CHECK(moved == 2);

    CHECK(contains(message_of<std::logic_error>([&] { auto h = spawn(std::move(t)); }), "twice"));
  });
}

TEST_CASE("task: one that is never awaited is freed, with its arguments, without having run") {
  tracked::reset();
  { const auto t = keeps(tracked(1)); }
  CHECK(tracked::balanced());
  auto t = keeps(tracked(2));
  CHECK(tracked::alive() == 1);
  t = keeps(tracked(3));
  CHECK(tracked::alive() == 1);
  t = task<tracked>();
  CHECK(tracked::balanced());
}

TEST_CASE("task: arguments, locals and results are destroyed exactly once") {
  tracked::reset();
  const int got = drive([]() -> task<int> {
    const tracked back = co_await keeps(tracked(9));
    auto t = keeps(tracked(1));
    co_await t;  // the result is dropped
    auto ignored = keeps(tracked(1));
    co_return back.get();
  });
  CHECK(got == 9);
  CHECK(tracked::balanced());
}

TEST_CASE("task: a million awaits that complete at once do not grow the stack") {
  const long long sum = drive([]() -> task<long long> {
    long long total = 0;
    for (int i = 0; i < 1'000'000; ++i) {
      const int n = co_await number(i & 1);
      total += n;
    }
    co_return total;
  });
  CHECK(sum == 500'000);
}

TEST_CASE("task: a hundred thousand nested awaits return") {
  const int depth = drive([]() -> task<int> { co_return co_await nested(100'000); });
  CHECK(depth == 100'000);
}

TEST_CASE("task: an exception unwinds a hundred thousand nested awaits") {
  int unwound = 0;
  auto body = [&]() -> task<> { co_await nested_failure(100'000, unwound); };
  CHECK(message_of<std::runtime_error>([&] { drive(body); }) == "from the bottom");
  CHECK(unwound == 100'000);
}

// The stack is unwound to the loop every so many transfers; nobody may see where.
TEST_CASE("task: awaiting is a call, nothing else runs in between at any depth") {
  std::string log;
  drive([&]() -> task<> {
    auto other = spawn([&]() -> task<> {
      log += 'o';
      co_return;
    });
    for (int i = 0; i < 2000; ++i) co_await nothing();
    log += '1';
    const int depth = co_await nested(1000);
    log += depth == 1000 ? '2' : '?';
    co_await other;
    log += '3';
  });
  CHECK(log == "12o3");
}

TEST_CASE("task: a failing awaiter destroys what it awaited") {
  tracked::reset();
  auto body = []() -> task<> {
    const tracked outer(1);
    auto inner = [](tracked t) -> task<> {
      const tracked local(2);
      co_await yield();
      throw std::runtime_error("value " + std::to_string(t.get() + local.get()));
    };
    co_await inner(tracked(3));
  };
  CHECK(message_of<std::runtime_error>([&] { drive(body); }) == "value 5");
  CHECK(tracked::balanced());
}
