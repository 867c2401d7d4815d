// What the system refuses: programs, directories, descriptors.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <eddy/runtime/process.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../support/descriptors.hpp"
#include "children.hpp"
#include "drive.hpp"

using eddy::command;
using eddy::exit_status;
using eddy::process;
using eddy::task;

namespace {

std::string refusal(command what) {
  return drive([&]() -> task<std::string> {
    co_return message_of<std::system_error>(
        [&] { (void)process::spawn(std::move(what.stdin_pipe().stdout_pipe().stderr_pipe())); });
  });
}

std::string fault(command what) {
  return drive([&]() -> task<std::string> {
    co_return message_of<std::invalid_argument>([&] { (void)process::spawn(std::move(what)); });
  });
}

}  // namespace

TEST_CASE("process: what cannot be started is named, program or directory") {
  CHECK(refusal(command("no-such-program")) ==
        "start \"no-such-program\": No such file or directory");
  CHECK(refusal(command("/no/such\n")) == "start \"/no/such\\x0a\": No such file or directory");
  CHECK(refusal(command("/etc/passwd")) == "start \"/etc/passwd\": Permission denied");
  CHECK(refusal(command("true").in_directory("/no/such")) ==
        "start \"true\" in \"/no/such\": No such file or directory");
  CHECK(refusal(command("true").in_directory("/etc/passwd")) ==
        "start \"true\" in \"/etc/passwd\": Not a directory");
  CHECK(refusal(command("true").arg(std::string(10'000'000, 'x'))) ==
        "start \"true\": Argument list too long");
  CHECK(no_child_is_left());
}

TEST_CASE("process: words that no kernel takes") {
  const std::string nul("a\0b", 3);
  CHECK(fault(command("")) == "command: the program's name is empty");
  CHECK(fault(command(nul)) == "command \"a\\x00b\": the program's name has a NUL byte");
  CHECK(fault(command("true").arg(nul)) == "command \"true\": an argument has a NUL byte");
  CHECK(contains(fault(command("true").in_directory(nul)), "directory"));
  CHECK(contains(fault(command("true").env(nul, "")), "name"));
  CHECK(contains(fault(command("true").env("A", nul)), "value"));
  CHECK(fault(command("true").env("A=B", "")) ==
        "command \"true\": \"A=B\" cannot be the name of an environment variable");
  CHECK(contains(fault(command("true").remove_env("")), "\"\" cannot be"));
}

TEST_CASE("process: out of descriptors at any step, nothing is left") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  std::vector<std::string> said;
  drive([&]() -> task<> {
    bool started = false;
    for (rlim_t free = 0; !started && free < 20; ++free) {
      const std::size_t had = eddy_tests::open_descriptors();
      const int next = ::dup(0);
      REQUIRE(next >= 0);
      ::close(next);
      rlimit tight = before;
      tight.rlim_cur = static_cast<rlim_t>(next) + free;
      command what("true");
      what.stdin_pipe().stdout_pipe().stderr_null().in_directory("/");
      REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
      std::string text;
      try {
        process p = process::spawn(what);
        started = true;
        co_await p.wait();
      } catch (const std::system_error& error) {
        text = error.what();
      }
      REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
      if (!started && (said.empty() || said.back() != text)) said.push_back(text);
      CHECK(eddy_tests::open_descriptors() == had);
    }
    CHECK(started);
  });
  CHECK(said == std::vector<std::string>{
                    "start \"true\": a pipe for its standard input: Too many open files",
                    "start \"true\": a pipe for its standard output: Too many open files",
                    "start \"true\": /dev/null for its standard error: Too many open files",
                    "start \"true\" in \"/\": Too many open files"});
  CHECK(no_child_is_left());
}
