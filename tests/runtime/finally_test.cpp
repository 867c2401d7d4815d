#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/finally.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::finally;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}
task<int> notes(std::string& log, char name, int result = 0) {
  co_await yield();
  log += name;
  co_return result;
}
task<> cleans(std::string& log) {
  log += '<';
  co_await turns(2);
  log += '>';
}
task<int> breaks(std::string text) {
  co_await yield();
  throw std::runtime_error(text);
}
task<> breaks_too(std::string text) {
  co_await yield();
  throw std::runtime_error(text);
}
task<> hangs(gate& never) { co_await never.wait(); }
task<int> hangs_noting(gate& never, std::string& log) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    log += 'b';
    throw;
  }
  co_return 0;
}

std::string text_of(const std::exception_ptr& error) {
  return message_of<std::exception>([&] {
    if (error) std::rethrow_exception(error);
  });
}

}  // namespace

TEST_CASE("finally: the clean-up runs after the body, whose result or error is kept") {
  std::string log;
  tracked::reset();
  drive([&]() -> task<> {
    const int n = co_await finally(notes(log, 'b', 3), cleans(log));
    CHECK(n == 3);
    CHECK(log == "b<>");
    log.clear();
    std::string text;
    try {
      co_await finally(breaks("the body's"), cleans(log));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "the body's");
    CHECK(log == "<>");
    int variable = 0;
    auto ref = [&]() -> task<int&> { co_return variable; };
    int& alias = co_await finally(ref(), turns(1));
    CHECK(&alias == &variable);
    co_await finally(turns(1), turns(1), 5s);
    auto track = [](tracked t) -> task<tracked> {
      co_await yield();
      co_return std::move(t);
    };
    const auto kept = co_await finally(track(tracked(4)), turns(0));
    CHECK(kept.get() == 4);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("finally: a cancellation ends the body, and the clean-up runs to its end") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto body = [&]() -> task<> {
      try {
        co_await finally(hangs_noting(never, log), cleans(log));
      } catch (const eddy::cancelled&) {
        log += 'c';
        throw;
      }
    };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    while (!h.done()) co_await yield();
  });
  CHECK(log == "b<>c");
}

TEST_CASE("finally: in a cancelled scope the body never runs, and the clean-up does") {
  tracked::reset();
  std::string log;
  drive([&]() -> task<> {
    eddy::join_handle<> h;
    auto never_runs = [&](tracked) -> task<int> {
      log += '?';
      co_return 1;
    };
    auto body = [&]() -> task<> {
      h.cancel();
      try {
        co_await finally(never_runs(tracked(1)), cleans(log));
      } catch (const eddy::cancelled&) {
        log += 'c';
        throw;
      }
    };
    h = spawn(body());
    while (!h.done()) co_await yield();
  });
  CHECK(log == "<>c");
  CHECK(tracked::balanced());
}

TEST_CASE("finally: a cancellation during the clean-up leaves it, and the value, alone") {
  std::string log;
  drive([&]() -> task<> {
    gate g;
    auto cleanup = [&]() -> task<> {
      co_await g.wait();
      co_await yield();
      log += 'k';
    };
    auto body = [&]() -> task<> {
      const int n = co_await finally(notes(log, 'b', 6), cleanup());
      CHECK(n == 6);
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
        log += 'p';
        throw;
      }
    };
    auto h = spawn(body());
    while (g.waiting() == 0) co_await yield();
    h.cancel();
    co_await turns(2);
    CHECK(g.waiting() == 1);
    g.open();
    while (!h.done()) co_await yield();
  });
  CHECK(log == "bkp");
}

TEST_CASE("finally: if only the clean-up fails, its error is thrown") {
  std::string log;
  drive([&]() -> task<> {
    std::string text;
    try {
      co_await finally(notes(log, 'b'), breaks_too("the clean-up's"));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "the clean-up's");
  });
}

TEST_CASE("finally: if both fail, the body's is thrown and the clean-up's is reported") {
  std::string reported;
  auto options = eddy::run_options().on_error(
      [&](std::exception_ptr error) { reported += text_of(error) + ";"; });
  drive(
      [&]() -> task<> {
        std::string text;
        try {
          co_await finally(breaks("the body's"), breaks_too("the clean-up's"));
        } catch (const std::runtime_error& error) {
          text = error.what();
        }
        CHECK(text == "the body's");
        CHECK(reported == "the clean-up's;");

        // A cancellation counts as a failure of the body, run or not.
        gate never;
        std::string log;
        auto body = [&]() -> task<> {
          co_await finally(hangs_noting(never, log), breaks_too("while waiting"));
        };
        auto h = spawn(body());
        co_await turns(3);
        h.cancel();
        while (!h.done()) co_await yield();
        eddy::join_handle<> late;
        auto cancelled_before = [&]() -> task<> {
          late.cancel();
          co_await finally(breaks("not run"), breaks_too("before"));
        };
        late = spawn(cancelled_before());
        while (!late.done()) co_await yield();
        bool told = false;
        try {
          co_await late;
        } catch (const eddy::task_cancelled&) {
          told = true;
        }
        CHECK(told);
      },
      std::move(options));
  CHECK(reported == "the clean-up's;while waiting;before;");
}

TEST_CASE("finally: without a handler, the clean-up's lost error leaves run") {
  const auto text = message_of<std::runtime_error>([] {
    drive([]() -> task<> {
      try {
        co_await finally(breaks("the body's"), breaks_too("the clean-up's"));
      } catch (const std::runtime_error&) {
      }
    });
  });
  CHECK(text == "the clean-up's");
}

TEST_CASE("finally: a clean-up that overruns is cancelled, and that is an error") {
  std::string reported;
  auto options = eddy::run_options().on_error(
      [&](std::exception_ptr error) { reported += text_of(error) + ";"; });
  const std::string expected =
      "finally: the clean-up has not ended within 0.020 s, and was cancelled";
  drive(
      [&]() -> task<> {
        gate never;
        std::string log;
        std::string text;
        try {
          co_await finally(notes(log, 'b'), hangs(never), 20ms);
        } catch (const eddy::timeout_error& error) {
          text = error.what();
        }
        CHECK(text == expected);
        CHECK(never.waiting() == 0);
        CHECK(reported.empty());
        try {
          co_await finally(breaks("the body's"), hangs(never), 20ms);
        } catch (const std::runtime_error& error) {
          text = error.what();
        }
        CHECK(text == "the body's");
        // One that ends in spite of it has not failed.
        auto in_spite = [&]() -> task<> {
          try {
            co_await never.wait();
          } catch (const eddy::cancelled&) {
          }
        };
        const int n = co_await finally(notes(log, 'b', 2), in_spite(), 1ms);
        CHECK(n == 2);
      },
      std::move(options));
  CHECK(reported == expected + ";");
}

TEST_CASE("finally: `cancelled` thrown by hand from a clean-up is its error, and no overrun") {
  std::string log;
  drive([&]() -> task<> {
    auto by_hand = []() -> task<> {
      co_await yield();
      throw eddy::cancelled();
    };
    try {
      co_await finally(notes(log, 'b'), by_hand());
    } catch (const eddy::cancelled&) {
      log += 'c';
    }
  });
  CHECK(log == "bc");
}

TEST_CASE("finally: an empty or used task is a logic_error, and neither runs") {
  std::string log;
  drive([&]() -> task<> {
    int threw = 0;
    try {
      co_await finally(notes(log, 'b'), task<>());
    } catch (const std::logic_error&) {
      ++threw;
    }
    auto used = turns(0);
    co_await used;
    try {
      co_await finally(notes(log, 'b'), std::move(used));
    } catch (const std::logic_error&) {
      ++threw;
    }
    try {
      co_await finally(task<int>(), cleans(log));
    } catch (const std::logic_error&) {
      ++threw;
    }
    CHECK(threw == 3);
    co_await turns(3);
  });
  CHECK(log.empty());
}
