#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "../support/simulated.hpp"
#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::run;
using eddy::run_options;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<int> number(int n) {
  co_await yield();
  co_return n;
}

void ignore_signal(int) {}

struct sigaction handler_of_interrupt() {
  struct sigaction action = {};
  ::sigaction(SIGINT, nullptr, &action);
  return action;
}

}  // namespace

TEST_CASE("run: returns what main returns and throws what it throws") {
  CHECK(run(number(4)) == 4);
  auto box = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
  CHECK(*run(box()) == 6);
  int variable = 0;
  auto reference = [&]() -> task<int&> {
    co_await yield();
    co_return variable;
  };
  CHECK(&run(reference()) == &variable);
  auto fails = []() -> task<> {
    co_await yield();
    throw std::out_of_range("main failed");
  };
  CHECK(message_of<std::out_of_range>([&] { run(fails()); }) == "main failed");
  auto gives_up = []() -> task<int> {
    co_await yield();
    throw eddy::cancelled();
  };
  CHECK(contains(message_of<eddy::task_cancelled>([&] { run(gives_up()); }), "main"));
}

TEST_CASE("run: arguments, locals and the result are destroyed by its end") {
  tracked::reset();
  auto body = [](tracked a) -> task<tracked> {
    const tracked local(1);
    co_await yield();
    co_return tracked(a.get() + local.get());
  };
  CHECK(run(body(tracked(2))).get() == 3);
  CHECK(tracked::balanced());
  auto fails = [](tracked) -> task<tracked> {
    co_await yield();
    throw std::runtime_error("x");
  };
  CHECK(message_of<std::runtime_error>([&] { run(fails(tracked(2))); }) == "x");
  CHECK(tracked::balanced());
}

TEST_CASE("run: an empty or used task is a logic_error") {
  CHECK(contains(message_of<std::logic_error>([] { run(task<>()); }), "empty"));
  drive([]() -> task<> {
    auto t = number(1);
    co_await t;
    std::string text;
    std::thread other([&] { text = message_of<std::logic_error>([&] { run(std::move(t)); }); });
    other.join();
    CHECK(contains(text, "twice"));
  });
}

TEST_CASE("run: inside a loop it is a logic_error, which leaves that loop and the task in order") {
  tracked::reset();
  drive([]() -> task<> {
    auto inner = [](tracked) -> task<> { co_return; };
    const auto text = message_of<std::logic_error>([&] { run(inner(tracked(1))); });
    CHECK(contains(text, "run"));
    CHECK(contains(text, "runs on this thread"));
    co_await yield();
    const int n = co_await number(3);
    CHECK(n == 3);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("run: one loop after another, and one on each thread") {
  for (int i = 0; i < 50; ++i) CHECK(run(number(i)) == i);
  std::vector<int> results(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&results, t] {
      for (int i = 0; i < 50; ++i) results[t] += run(number(1));
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(results == std::vector<int>{50, 50, 50, 50});
}

TEST_CASE("run: options may be named or chained") {
  int errors = 0;
  run_options options;
  options.on_error([&](std::exception_ptr) { ++errors; })
      .offload_threads(2)
      .resolver_threads(1)
      .receive_buffers(4, 4096)
      .ring_entries(8)
      .cancel_on_interrupt(false);
  auto body = []() -> task<int> {
    eddy::loop::current().post([] { throw std::runtime_error("x"); });
    co_await yield();
    const int n = co_await number(1);
    co_return n;
  };
  CHECK(run(body(), std::move(options)) == 1);
  CHECK(errors == 1);
  CHECK(run(body(), run_options()
                        .on_error([&](std::exception_ptr) { ++errors; })
                        .receive_buffers(1, 1024)
                        .ring_entries(2)
                        .offload_threads(1)
                        .resolver_threads(1)
                        .cancel_on_interrupt(false)) == 1);
  CHECK(errors == 2);
}

TEST_CASE("run: SIGINT cancels main, and run throws interrupted" * needs_a_kernel()) {
  bool cancelled = false;
  auto body = [&]() -> task<> {
    gate never;
    std::raise(SIGINT);
    try {
      co_await never.wait();
    } catch (const eddy::cancelled&) {
      cancelled = true;
      throw;
    }
  };
  CHECK(contains(
      message_of<eddy::interrupted>([&] { run(body(), run_options().cancel_on_interrupt()); }),
      "SIGINT"));
  CHECK(cancelled);
}

TEST_CASE("run: SIGINT wakes a sleeping loop, from any thread" * needs_a_kernel()) {
  auto body = []() -> task<> {
    gate never;
    const ::pthread_t here = ::pthread_self();
    std::thread sender([here] { ::pthread_kill(here, SIGINT); });
    sender.join();
    co_await never.wait();
  };
  CHECK_THROWS_AS(run(body(), run_options().cancel_on_interrupt()), eddy::interrupted);
  auto elsewhere = []() -> task<> {
    gate never;
    std::thread sender([] { std::raise(SIGINT); });  // handled on the thread that raises it
    try {
      co_await never.wait();
    } catch (const eddy::cancelled&) {
      sender.join();
      throw;
    }
  };
  CHECK_THROWS_AS(run(elsewhere(), run_options().cancel_on_interrupt()), eddy::interrupted);
}

TEST_CASE("run: a main that ends well in spite of SIGINT returns its result" * needs_a_kernel()) {
  auto body = []() -> task<int> {
    gate never;
    std::raise(SIGINT);
    try {
      co_await never.wait();
    } catch (const eddy::cancelled&) {
    }
    co_return 7;
  };
  CHECK(run(body(), run_options().cancel_on_interrupt()) == 7);
  auto own_error = []() -> task<> {
    std::raise(SIGINT);
    for (int i = 0; i < 3; ++i) {
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
      }
    }
    throw std::out_of_range("while cleaning up");
  };
  CHECK(message_of<std::out_of_range>(
            [&] { run(own_error(), run_options().cancel_on_interrupt()); }) == "while cleaning up");
}

TEST_CASE("run: the second SIGINT has its default effect, and run restores the handler it found" *
          needs_a_kernel()) {
  struct sigaction mine = {};
  mine.sa_handler = ignore_signal;
  struct sigaction before = {};
  ::sigaction(SIGINT, &mine, &before);
  auto body = [](bool interrupted) -> task<> {
    CHECK((handler_of_interrupt().sa_handler != ignore_signal));
    CHECK((handler_of_interrupt().sa_handler != SIG_DFL));
    if (interrupted) {
      std::raise(SIGINT);
      CHECK((handler_of_interrupt().sa_handler == SIG_DFL));
    }
    co_await yield();
  };
  run(body(false), run_options().cancel_on_interrupt());
  CHECK((handler_of_interrupt().sa_handler == ignore_signal));
  try {
    run(body(true), run_options().cancel_on_interrupt());
  } catch (const eddy::interrupted&) {
  }
  CHECK((handler_of_interrupt().sa_handler == ignore_signal));
  auto untouched = []() -> task<> {
    CHECK((handler_of_interrupt().sa_handler == ignore_signal));
    co_return;
  };
  run(untouched());
  ::sigaction(SIGINT, &before, nullptr);
}

TEST_CASE("run: one loop of a process at a time may watch for SIGINT" * needs_a_kernel()) {
  auto body = []() -> task<> {
    std::string text;
    std::thread other([&] {
      text =
          message_of<std::logic_error>([] { run(number(1), run_options().cancel_on_interrupt()); });
      CHECK(run(number(2)) == 2);  // the refused loop has left nothing behind
    });
    other.join();
    CHECK(contains(text, "cancel_on_interrupt"));
    std::raise(SIGINT);  // still this loop's
    for (;;) co_await yield();
  };
  CHECK_THROWS_AS(run(body(), run_options().cancel_on_interrupt()), eddy::interrupted);
  CHECK(run(number(3), run_options().cancel_on_interrupt()) == 3);
}

TEST_CASE("run: without descriptors it is a system_error, and nothing is left" * needs_a_kernel()) {
  tracked::reset();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  auto body = [](tracked) -> task<> { co_return; };
  for (const rlim_t free : {0U, 1U}) {
    rlimit tight = before;
    // The lowest number that is free: the first descriptors of a test program have no gaps.
    const int next = ::dup(0);
    REQUIRE(next >= 0);
    ::close(next);
    tight.rlim_cur = static_cast<rlim_t>(next) + free;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    std::string text;
    try {
      run(body(tracked(1)));
    } catch (const std::system_error& error) {
      text = error.what();
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(contains(text, "open files"));
  }
  CHECK(tracked::balanced());
  CHECK(run(number(1)) == 1);
}

TEST_CASE("run: the selector has a name") {
  CHECK((eddy::selector_name() == "epoll" || eddy::selector_name() == "io_uring" ||
         eddy::selector_name() == "kqueue" || eddy::selector_name() == "simulated"));
}

namespace {

struct late_joiner {
  std::vector<eddy::join_handle<>> handles;
};

eddy::task<> fail_late() {
  co_await eddy::yield();
  throw std::runtime_error("nobody joined");
}

eddy::task<int> keep_in_parameter(late_joiner keeper) {
  keeper.handles.push_back(eddy::spawn(fail_late()));
  co_await eddy::sleep(std::chrono::milliseconds(1));
  co_return 1;
}

}  // namespace

TEST_CASE("run: an error that only main's parameters could have joined is not lost") {
  CHECK_THROWS_WITH_AS(eddy::run(keep_in_parameter(late_joiner())), "nobody joined",
                       std::runtime_error);
  int reported = 0;
  CHECK(eddy::run(keep_in_parameter(late_joiner()),
                  eddy::run_options().on_error([&](std::exception_ptr) { ++reported; })) == 1);
  CHECK(reported == 1);
}
