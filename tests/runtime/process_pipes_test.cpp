#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/process.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "children.hpp"
#include "drive.hpp"

using eddy::command;
using eddy::exit_status;
using eddy::process;
using eddy::process_result;
using eddy::run_command;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23 + i / 4096 % 3);
  return text;
}

process_result result_of(command what, std::string input = std::string()) {
  return eddy::run(run_command(std::move(what), std::move(input)));
}

}  // namespace

TEST_CASE("process pipes: lines in, lines out, and the end of both") {
  drive([]() -> task<> {
    process p = process::spawn(command("cat").stdin_pipe().stdout_pipe().stderr_pipe());
    co_await p.input().write_all("one\ntwo\n");
    std::string line = co_await p.output().read_until("\n", 100);
    CHECK(line == "one\n");
    line = co_await p.output().read_until("\n", 100);
    CHECK(line == "two\n");
    co_await p.input().write_all("rest");
    p.input().shutdown();
    std::array<std::byte, 10> room;
    std::size_t n = co_await p.output().read_some(room);
    CHECK(n == 4);
    n = co_await p.output().read_some(room);
    CHECK(n == 0);
    n = co_await p.errors().read_some(room);
    CHECK(n == 0);
    const exit_status how = co_await p.wait();
    CHECK(how.success());
  });
}

TEST_CASE("process pipes: ten megabytes through cat and back") {
  const std::string big = pattern(10 * 1024 * 1024);
  const process_result got = result_of(command("cat"), big);
  CHECK(got.status.success());
  CHECK((got.output == big));
  CHECK(got.errors.empty());
}

TEST_CASE("process pipes: a child that does not read is an error without a signal") {
  drive([]() -> task<> {
    eddy::signal_set broken(SIGPIPE);
    process p = process::spawn(
        shell("exec <&-; echo closed; exec sleep 1000").stdin_pipe().stdout_pipe());
    const std::string line = co_await p.output().read_until("\n", 100);
    CHECK(line == "closed\n");
    std::error_code code;
    std::string text;
    try {
      co_await p.input().write_all("x");
    } catch (const std::system_error& error) {
      code = error.code();
      text = error.what();
    }
    CHECK(code == std::errc::broken_pipe);
    CHECK(contains(text, "the standard input of \"/bin/sh\""));
    CHECK(!broken.try_next());
  });
  // To run_command it is none.
  CHECK(result_of(command("true"), pattern(1024 * 1024)).status.success());
}

TEST_CASE("process pipes: each end has one direction") {
  drive([]() -> task<> {
    process p = process::spawn(command("cat").stdin_pipe().stdout_pipe());
    std::array<std::byte, 10> room;
    std::string text;
    try {
      (void)co_await p.input().read_some(room);
    } catch (const eddy::stream_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "this end of the pipe is for writing"));
    text.clear();
    try {
      co_await p.output().write_all("x");
    } catch (const eddy::stream_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "this end of the pipe is for reading"));
    co_await p.input().close();
    const exit_status how = co_await p.wait();
    CHECK(how.success());
  });
}

TEST_CASE("process pipes: a child that has closed its output lives on") {
  drive([]() -> task<> {
    process p = process::spawn(shell("exec >&-; read x; exit 3").stdin_pipe().stdout_pipe());
    std::array<std::byte, 10> room;
    const std::size_t n = co_await p.output().read_some(room);
    CHECK(n == 0);
    CHECK(!p.has_ended());
    co_await p.input().write_all("go\n");
    const exit_status how = co_await p.wait();
    CHECK(how.code() == 3);
  });
}

TEST_CASE("run_command: both outputs, apart and together") {
  const std::string script = "echo a; echo b >&2; echo c; exit 5";
  process_result got = result_of(shell(script));
  CHECK(got.output == "a\nc\n");
  CHECK(got.errors == "b\n");
  CHECK(got.status.code() == 5);
  got = result_of(shell(script).stderr_to_stdout());
  CHECK(got.output == "a\nb\nc\n");
  CHECK(got.errors.empty());
  got = result_of(shell(script).stdout_null());
  CHECK(got.output.empty());
  CHECK(got.errors == "b\n");
  got = result_of(shell(script).stderr_null());
  CHECK(got.output == "a\nc\n");
  CHECK(got.errors.empty());
  // Much on both at once: neither may wait for the other.
  got = result_of(shell("head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero"));
  CHECK(got.output.size() == 1'000'000);
  CHECK(got.errors.size() == 1'000'000);
}

TEST_CASE("run_command: without an input there is none") {
  CHECK(result_of(command("cat")).output.empty());
  CHECK(result_of(command("cat").stdin_null()).output.empty());
  CHECK(result_of(command("cat").stdin_pipe()).output.empty());
  const auto unwanted = [] { result_of(command("cat").stdin_null(), "x"); };
  CHECK(contains(message_of<std::invalid_argument>(unwanted), "\"cat\""));
}

TEST_CASE("run_command: past the limit the child is killed, though others have its pipes") {
  auto body = [](command what, std::size_t limit) -> task<std::string> {
    std::string text;
    try {
      co_await eddy::with_timeout(std::chrono::seconds(10),
                                  run_command(std::move(what), std::string(), limit));
    } catch (const std::length_error& error) {
      text = error.what();
    }
    co_return text;
  };
  CHECK(eddy::run(body(shell("sleep 20 & exec yes"), 1000)) ==
        "run_command \"/bin/sh\": its standard output: over the limit of 1000 bytes");
  CHECK(contains(eddy::run(body(shell("exec yes >&2"), 0)), "standard error"));
  CHECK(eddy::run(body(shell("printf 12345"), 5)).empty());
  CHECK(contains(eddy::run(body(shell("printf 12345"), 4)), "limit of 4 bytes"));
  CHECK(no_child_is_left());
}

TEST_CASE("run_command: cancelled anywhere, nothing is left") {
  drive([]() -> task<> {
    for (int turns = 0; turns < 40; ++turns) {
      auto runs = spawn(run_command(shell("cat; exec sleep 1000"), pattern(100'000)));
      for (int i = 0; i < turns; ++i) co_await yield();
      runs.cancel();
      CHECK_THROWS_AS(co_await runs, eddy::task_cancelled);
    }
    CHECK_THROWS_AS(co_await eddy::with_timeout(std::chrono::milliseconds(50),
                                                run_command(shell("exec sleep 1000"))),
                    eddy::timeout_error);
  });
  CHECK(no_child_is_left());
}

TEST_CASE("process: directory and environment") {
  CHECK(result_of(command("pwd").in_directory("/")).output == "/\n");
  CHECK(result_of(command("./sh").arg("-c").arg("pwd -P").in_directory("/bin/")).status.success());
  ::setenv("EDDY_TEST_WORD", "ours", 1);
  const std::string say = "echo ${EDDY_TEST_WORD-none}";
  CHECK(result_of(shell(say)).output == "ours\n");
  CHECK(result_of(shell(say).env("EDDY_TEST_WORD", "its own")).output == "its own\n");
  const command twice = shell(say).env("EDDY_TEST_WORD", "a").env("EDDY_TEST_WORD", "b");
  CHECK(result_of(twice).output == "b\n");
  CHECK(result_of(shell(say).env("EDDY_TEST_WORD_2", "a")).output == "ours\n");
  CHECK(result_of(shell(say).remove_env("EDDY_TEST_WORD")).output == "none\n");
  CHECK(result_of(command("env").env("X", "y").clear_env().env("A", "1").env("B", "")).output ==
        "A=1\nB=\n");
  CHECK(result_of(command("env").clear_env()).output.empty());
  ::unsetenv("EDDY_TEST_WORD");
}

TEST_CASE("process: the child has three descriptors, no blocked signals and its own SIGPIPE") {
  const int loose = ::dup(0);  // not close-on-exec
  CHECK(result_of(command("ls").arg("/proc/self/fd")).output == "0\n1\n2\n3\n");  // 3: ls's own
  ::close(loose);
  ::sigset_t all;
  ::sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const auto was = ::signal(SIGPIPE, SIG_IGN);
  const std::string said =
      result_of(command("grep").arg("-E").arg("SigBlk|SigIgn").arg("/proc/self/status")).output;
  ::signal(SIGPIPE, was);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(contains(said, "SigBlk:\t0000000000000000\n"));
  const std::string ignored = said.substr(said.find("SigIgn:\t") + 8, 16);
  CHECK((std::stoull(ignored, nullptr, 16) & 1ULL << (SIGPIPE - 1)) == 0);
}

TEST_CASE("process: while 0 is closed here, pipes go where they should") {
  const int kept = ::fcntl(0, F_DUPFD_CLOEXEC, 100);
  REQUIRE(kept >= 0);
  const process_result got = drive([&]() -> task<process_result> {
    ::close(0);  // the next descriptor that is opened is 0
    process_result through = co_await run_command(command("cat"), "through");
    ::dup2(kept, 0);
    co_return through;
  });
  ::close(kept);
  CHECK(got.output == "through");
}
