#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/generator.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"

using eddy::gather;
using eddy::join_handle;
using eddy::run_options;
using eddy::sleep;
using eddy::spawn;
using eddy::task;
using eddy::with_timeout;
using eddy::yield;
using namespace std::chrono_literals;

static_assert(!std::is_base_of_v<std::exception, eddy::cancelled>);
static_assert(std::is_base_of_v<std::runtime_error, eddy::task_cancelled>);

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

task<> pass(gate& g) { co_await g.wait(); }

// Counts the `cancelled` that `wait()` throws.
template <class Wait>
task<> deliver(Wait wait, int& count) {
  try {
    co_await wait();
  } catch (const eddy::cancelled&) {
    ++count;
  }
}

task<> nest(int depth, gate& never) {
  if (depth == 0) {
    co_await never.wait();
  } else {
    co_await with_timeout(1h, nest(depth - 1, never));
  }
}

task<> nest_gathers(int depth, gate& never) {
  if (depth == 0) {
    co_await never.wait();
  } else {
    co_await gather(nest_gathers(depth - 1, never));
  }
}

task<> chain(int depth, gate& never) {
  if (depth == 0) {
    co_await never.wait();
  } else {
    auto next = spawn(chain(depth - 1, never));
    co_await next;
  }
}

task<> expect_cancelled(join_handle<> h) {
  bool told = false;
  try {
    co_await h;
  } catch (const eddy::task_cancelled&) {
    told = true;
  }
  CHECK(told);
}

}  // namespace

TEST_CASE("cancellation: level-triggered, at every kind of suspension, ready or not") {
  int delivered = 0;
  bool body_ran = false;
  drive([&]() -> task<> {
    gate never;
    gate open;
    open.open();
    auto ended = spawn(turns(0));
    co_await turns(2);
    auto body = [&]() -> task<> {
      auto inner = [&]() -> task<> {
        body_ran = true;
        co_return;
      };
      co_await deliver([&] { return never.wait(); }, delivered);
      co_await deliver([&] { return open.wait(); }, delivered);
      co_await deliver([&] { return yield(); }, delivered);
      co_await deliver([&] { return sleep(0s); }, delivered);
      co_await deliver([&] { return sleep(1h); }, delivered);
      co_await deliver([&] { return eddy::sleep_until(eddy::now()); }, delivered);
      co_await deliver([&] { return ended.join(); }, delivered);
      co_await deliver([&] { return gather(inner(), inner()); }, delivered);
      co_await deliver([&] { return gather(std::vector<task<>>()); }, delivered);
      co_await deliver([&] { return eddy::gather_settled(inner()); }, delivered);
      co_await deliver([&] { return with_timeout(1h, inner()); }, delivered);
      co_await deliver([&] { return eddy::offload([&] { body_ran = true; }); }, delivered);
      auto sequence = [&]() -> eddy::generator<int> {
        co_await yield();
        body_ran = true;
        co_yield 1;
      };
      auto g = sequence();
      co_await deliver([&] { return g.next(); }, delivered);
    };
    auto h = spawn(body());
    co_await turns(2);
    h.cancel();
    co_await h;      // it swallowed them all, and returned
    co_await ended;  // not used up by the refused join
  });
  CHECK(delivered == 13);
  CHECK_FALSE(body_ran);
}

TEST_CASE("cancellation: awaiting a task is a call, not a suspension") {
  bool ran = false;
  drive([&]() -> task<> {
    gate never;
    auto plain = [&]() -> task<> {
      ran = true;
      co_return;
    };
    auto body = [&]() -> task<> {
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
      }
      co_await plain();
    };
    auto h = spawn(body());
    co_await turns(2);
    h.cancel();
    co_await h;
  });
  CHECK(ran);
}

TEST_CASE("cancellation: each redelivery goes through the ready queue") {
  int others = 0;
  int swallowed = 0;
  drive([&]() -> task<> {
    gate never;
    auto stubborn = [&]() -> task<> {
      while (swallowed < 500) co_await deliver([&] { return never.wait(); }, swallowed);
    };
    auto h = spawn(stubborn());
    auto other = spawn([&]() -> task<> {
      for (;;) {
        ++others;
        co_await yield();
      }
    });
    co_await turns(2);
    h.cancel();
    co_await h;
  });
  CHECK(swallowed == 500);
  CHECK(others >= 499);  // one turn of the queue each
  CHECK(others <= 510);
}

TEST_CASE("cancellation: a task that swallows a thousand is reported by name and place, once") {
  std::vector<std::string> reports;
  int swallowed = 0;
  auto body = [&]() -> task<> {
    gate never;
    auto stubborn = [&]() -> task<> {
      while (swallowed < 5000) co_await deliver([&] { return never.wait(); }, swallowed);
    };
    auto h = spawn(stubborn(), "stubborn");
    co_await turns(2);
    h.cancel();
    while (reports.empty() && !h.done()) co_await yield();
    CHECK(swallowed >= 999);
    CHECK(swallowed <= 1002);
    co_await h;
  };
  drive(body, run_options().on_error([&](std::exception_ptr error) {
    reports.push_back(message_of<std::logic_error>([&] { std::rethrow_exception(error); }));
  }));
  CHECK(swallowed == 5000);
  REQUIRE(reports.size() == 1);
  CHECK(contains(reports[0], "\"stubborn\""));
  CHECK(contains(reports[0], "1000"));
  CHECK(contains(reports[0], "cancellation_test.cpp:"));
}

TEST_CASE("cancellation: it stays within its scope") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto times_out = [&]() -> task<> {
      try {
        co_await with_timeout(0s, pass(never));
      } catch (const eddy::timeout_error&) {
        log += 't';
      }
      co_await turns(3);
      log += 'x';
    };
    auto sibling = [&]() -> task<> {
      co_await turns(10);
      log += 's';
    };
    co_await gather(times_out(), sibling());
    CHECK(contains(log, "tx"));  // neither the code after the timeout nor a sibling is cancelled
    CHECK(contains(log, "s"));
  });
}

// A wait that was granted and is cancelled before it runs ends as cancelled; once.
TEST_CASE("cancellation: woken, then cancelled") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    auto body = [&]() -> task<> {
      try {
        co_await g.wait();
        log += 'v';
      } catch (const eddy::cancelled&) {
        log += 'c';
        throw;
      }
    };
    auto h = spawn(body());
    co_await turns(2);
    CHECK(g.admit_one());
    h.cancel();
    co_await expect_cancelled(std::move(h));
  });
  CHECK(log == "c");
}

// A sleep that is over is over.
TEST_CASE("cancellation: a yield that is on the ready queue keeps its result") {
  std::string log;
  drive([&]() -> task<> {
    auto body = [&]() -> task<> {
      try {
        co_await yield();
        log += 'v';
        co_await yield();
        log += '?';
      } catch (const eddy::cancelled&) {
        log += 'c';
        throw;
      }
    };
    auto h = spawn(body());
    co_await yield();
    h.cancel();
    co_await expect_cancelled(std::move(h));
  });
  CHECK(log == "vc");
}

// A timer left behind would fire into a frame that is gone: for a sanitizer to see.
TEST_CASE("cancellation: no timer of a cancelled sleep or a timeout in time fires later") {
  drive([]() -> task<> {
    auto sleeper = []() -> task<> { co_await sleep(3ms); };
    std::vector<join_handle<>> sleepers;
    for (int i = 0; i < 20; ++i) sleepers.push_back(spawn(sleeper()));
    co_await yield();
    for (auto& s : sleepers) s.cancel();
    for (auto& s : sleepers) co_await expect_cancelled(std::move(s));
    for (int i = 0; i < 20; ++i) co_await with_timeout(3ms, turns(0));
    co_await sleep(6ms);
  });
}

TEST_CASE("cancellation: a sleeping task leaves the timer heap when it is cancelled") {
  const auto start = std::chrono::steady_clock::now();
  drive([]() -> task<> {
    std::vector<join_handle<>> sleepers;
    for (int i = 0; i < 1000; ++i) {
      sleepers.push_back(spawn([](int n) -> task<> { co_await sleep(1h * (n % 7 + 1)); }, i));
    }
    co_await yield();
    for (auto& s : sleepers) s.cancel();
    for (auto& s : sleepers) co_await expect_cancelled(std::move(s));
  });
  CHECK(std::chrono::steady_clock::now() - start < 60s);
}

TEST_CASE("cancellation: a hundred thousand nested with_timeout scopes do not overflow the stack") {
  drive([]() -> task<> {
    gate never;
    auto h = spawn(nest(100'000, never));
    while (never.waiting() == 0) co_await yield();
    h.cancel();
    co_await expect_cancelled(std::move(h));
  });
}

TEST_CASE("cancellation: a hundred thousand nested gathers do not overflow the stack") {
  drive([]() -> task<> {
    gate never;
    auto h = spawn(nest_gathers(100'000, never));
    while (never.waiting() == 0) co_await yield();
    h.cancel();
    co_await expect_cancelled(std::move(h));
  });
}

TEST_CASE("cancellation: a chain of a hundred thousand spawned tasks") {
  for (const bool cancel : {true, false}) {
    drive([cancel]() -> task<> {
      gate never;
      auto h = spawn(chain(100'000, never));
      while (never.waiting() == 0) co_await yield();
      if (cancel) {
        h.cancel();
        co_await expect_cancelled(std::move(h));
      } else {
        never.open();
        co_await h;
      }
    });
  }
}

TEST_CASE("cancellation: a wide tree, cancelled at its root") {
  int ended = 0;
  drive([&]() -> task<> {
    gate never;
    auto leaf = [&]() -> task<> {
      struct at_end {
        explicit at_end(int& n) : n_(n) {}
        ~at_end() { ++n_; }
        int& n_;
      } const count(ended);
      co_await with_timeout(1h, pass(never));
    };
    auto branch = [&]() -> task<> {
      std::vector<join_handle<>> leaves;
      for (int i = 0; i < 30; ++i) leaves.push_back(spawn(leaf()));
      std::vector<task<>> more;
      for (int i = 0; i < 30; ++i) more.push_back(leaf());
      co_await gather(std::move(more));
    };
    auto root = [&]() -> task<> {
      std::vector<task<>> branches;
      for (int i = 0; i < 30; ++i) branches.push_back(branch());
      co_await gather(std::move(branches));
    };
    auto h = spawn(root());
    while (never.waiting() < 1800) co_await yield();
    h.cancel();
    CHECK(never.waiting() == 0);
    co_await expect_cancelled(std::move(h));
  });
  CHECK(ended == 1800);
}

TEST_CASE("cancellation: one that was caught, kept and thrown again is a cancellation") {
  drive([]() -> task<> {
    auto sleeper = spawn([]() -> task<> {
      std::exception_ptr kept;
      try {
        co_await sleep(1h);
      } catch (const eddy::cancelled&) {
        kept = std::current_exception();
      }
      std::rethrow_exception(kept);
    }());
    co_await yield();
    sleeper.cancel();
    CHECK_THROWS_AS(co_await sleeper, eddy::task_cancelled);
  });
}
