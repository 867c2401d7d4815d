#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/process.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "children.hpp"
#include "drive.hpp"

using eddy::command;
using eddy::exit_status;
using eddy::process;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<exit_status> end_of(process& p) {
  const exit_status how = co_await p.wait();
  co_return how;
}

// Runs until it is killed; has said so, so that it is known to run.
task<process> started_sleeper() {
  process p = process::spawn(shell("echo up; exec sleep 1000").stdout_pipe());
  const std::string line = co_await p.output().read_until("\n", 10);
  CHECK(line == "up\n");
  co_return p;
}

}  // namespace

TEST_CASE("process: exit codes and signals") {
  drive([]() -> task<> {
    process good = process::spawn(command("true"));
    CHECK(good.pid() > 0);
    const exit_status zero = co_await good.wait();
    CHECK(zero.exited());
    CHECK(zero.success());
    CHECK(zero.code() == 0);
    CHECK(zero.to_string() == "exited with code 0");
    process bad = process::spawn(shell("exit 7"));
    exit_status how = co_await bad.wait();
    CHECK(how.code() == 7);
    CHECK(!how.success());
    CHECK(!how.signalled());
    CHECK(how.signal() == 0);
    for (int again = 0; again < 2; ++again) {
      how = co_await bad.wait();
      CHECK(how.code() == 7);
    }
    CHECK(bad.has_ended());
    process self = process::spawn(shell("kill -TERM $$"));
    how = co_await self.wait();
    CHECK(how.signalled());
    CHECK(how.signal() == SIGTERM);
    CHECK(how.code() == -1);
    CHECK(!how.success());
    CHECK(how.to_string() == "was ended by signal 15");
    CHECK((how == exit_status(true, SIGTERM)));
  });
  CHECK(no_child_is_left());
}

TEST_CASE("process: kill, terminate, and neither after the end") {
  drive([]() -> task<> {
    process a = co_await started_sleeper();
    CHECK(!a.has_ended());
    CHECK(a.kill(0));  // whether it is there
    CHECK(a.terminate());
    exit_status how = co_await a.wait();
    CHECK(how.signal() == SIGTERM);
    CHECK(!a.terminate());
    CHECK(!a.kill());
    process b = co_await started_sleeper();
    CHECK(b.kill());
    (void)b.kill();  // may have ended by now, or not
    how = co_await b.wait();
    CHECK(how.signal() == SIGKILL);
    process c = co_await started_sleeper();
    int code = 0;
    try {
      c.kill(1000);
    } catch (const std::system_error& error) {
      code = error.code().value();
      CHECK(contains(error.what(), "signal 1000 to \"/bin/sh\""));
    }
    CHECK(code == EINVAL);
    // Ended and not reaped: kill() sees to that.
    CHECK(c.kill());
    while (!c.has_ended()) co_await yield();
    CHECK(!c.kill());
    how = co_await c.wait();
    CHECK(how.signal() == SIGKILL);
  });
  CHECK(no_child_is_left());
}

TEST_CASE("process: killed while others wait for it") {
  drive([]() -> task<> {
    process p = co_await started_sleeper();
    std::vector<eddy::join_handle<exit_status>> waits;
    for (int i = 0; i < 5; ++i) waits.push_back(spawn(end_of(p)));
    co_await yield();
    waits[0].cancel();  // it watches; another has to now
    waits[2].cancel();
    co_await yield();
    CHECK_THROWS_AS(co_await waits[0], eddy::task_cancelled);
    waits[1].cancel();  // it has just been told to
    CHECK_THROWS_AS(co_await waits[1], eddy::task_cancelled);
    CHECK_THROWS_AS(co_await waits[2], eddy::task_cancelled);
    co_await yield();
    CHECK(!waits[3].done());
    CHECK(!p.has_ended());
    CHECK(p.kill());
    for (std::size_t i = 3; i < 5; ++i) {
      const exit_status how = co_await waits[i];
      CHECK(how.signal() == SIGKILL);
    }
    p = co_await started_sleeper();
    CHECK_THROWS_AS(co_await eddy::with_timeout(std::chrono::milliseconds(1), p.wait()),
                    eddy::timeout_error);
    CHECK(!p.has_ended());
  });
  CHECK(no_child_is_left());
}

TEST_CASE("process: moved and destroyed while somebody waits") {
  drive([]() -> task<> {
    process p = co_await started_sleeper();
    auto waits = spawn(end_of(p));
    co_await yield();
    process q = std::move(p);
    CHECK(contains(message_of<std::logic_error>([&] { (void)p.pid(); }), "empty"));
    CHECK(contains(message_of<std::logic_error>([&] { p.kill(); }), "empty"));
    CHECK(contains(message_of<std::logic_error>([&] { (void)p.wait(); }), "empty"));
    co_await yield();
    CHECK(!waits.done());
    q = process();
    const exit_status how = co_await waits;
    CHECK(how.signal() == SIGKILL);
    // Nobody is left who could reap it but the loop.
    process r = co_await started_sleeper();
    auto cancelled = spawn(end_of(r));
    co_await yield();
    r = process();
    cancelled.cancel();
    CHECK_THROWS_AS(co_await cancelled, eddy::task_cancelled);
  });
  CHECK(no_child_is_left());
}

TEST_CASE("process: dropped while it runs, it is killed and reaped") {
  drive([]() -> task<> {
    for (int i = 0; i < 10; ++i) {
      const process p = co_await started_sleeper();
    }
    { const process unstarted = process::spawn(command("sleep").arg("1000")); }
    { const process ended = process::spawn(command("true")); }
    auto cancelled = spawn([]() -> task<> {
      process p = co_await started_sleeper();
      co_await p.wait();
    }());
    for (int i = 0; i < 100; ++i) co_await yield();
    cancelled.cancel();
    CHECK_THROWS_AS(co_await cancelled, eddy::task_cancelled);
    CHECK(no_child_is_left());
  });
  // At the end of the loop, as an argument of main and as a detached task's.
  auto holds = [](process) -> task<> {
    spawn([]() -> task<> {
      process p = co_await started_sleeper();
      co_await p.wait();
    }()).detach();
    process mine = co_await started_sleeper();
    co_await yield();
  };
  drive([&]() -> task<> { co_await holds(process::spawn(command("sleep").arg("1000"))); });
  CHECK(no_child_is_left());
  // Later than that.
  process late;
  drive([&]() -> task<> { late = co_await started_sleeper(); });
  late = process();
  CHECK(no_child_is_left());
}

TEST_CASE("process: detached, it lives on and is reaped") {
  int pid = 0;
  drive([&]() -> task<> {
    process p = process::spawn(command("cat").stdin_pipe().stdout_pipe());
    p.detach();
    CHECK(contains(message_of<std::logic_error>([&] { p.detach(); }), "empty"));
    // Its input has ended, and so does it.
    while (!no_child_is_left()) co_await yield();
    process sleeps = co_await started_sleeper();
    pid = sleeps.pid();
    sleeps.detach();
    co_await yield();
    CHECK(::kill(pid, 0) == 0);
    process ended = process::spawn(command("true"));
    while (!ended.has_ended()) co_await yield();
    ended.detach();
  });
  CHECK(::kill(pid, 0) == 0);
  CHECK(::kill(pid, SIGKILL) == 0);
  CHECK(no_child_is_left());
}

TEST_CASE("process: two hundred at once") {
  drive([]() -> task<> {
    std::vector<process> children;
    std::vector<task<exit_status>> ends;
    children.reserve(200);
    for (int i = 0; i < 200; ++i) {
      children.push_back(process::spawn(shell("exit " + std::to_string(i))));
    }
    for (process& p : children) ends.push_back(end_of(p));
    const std::vector<exit_status> all = co_await eddy::gather(std::move(ends));
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].code() == static_cast<int>(i));
  });
  CHECK(no_child_is_left());
}

TEST_CASE("process: how it ended is lost when somebody else reaps it") {
  drive([]() -> task<> {
    process p = process::spawn(command("true"));
    CHECK(::waitpid(p.pid(), nullptr, 0) == p.pid());
    CHECK(!p.kill());
    for (int i = 0; i < 2; ++i) {
      std::error_code code;
      try {
        co_await p.wait();
      } catch (const std::system_error& error) {
        code = error.code();
        CHECK(contains(error.what(), "\"true\""));
      }
      CHECK(code == std::errc::no_child_process);
    }
  });
}

TEST_CASE("process: outside a loop it is a logic_error") {
  CHECK(contains(message_of<std::logic_error>([] { (void)process::spawn(command("true")); }),
                 "process::spawn"));
  drive([]() -> task<> {
    process p = process::spawn(command("true"));
    CHECK(contains(message_of<std::logic_error>([&] { (void)p.output(); }), "standard output"));
    co_await p.wait();
  });
}
