// Children on a Linux that has no pidfd_open(2), or forbids it.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/process.hpp>
#include <eddy/runtime/timeout.hpp>
#include <thread>

#include "children.hpp"
#include "drive.hpp"

using eddy::command;
using eddy::exit_status;
using eddy::process;
using eddy::task;

namespace {

// From here on this thread, and what it starts, get ENOSYS from pidfd_open(2).
bool forbid_pidfd() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program = {};
  program.len = sizeof steps / sizeof steps[0];
  program.filter = steps;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("process: without pidfd_open it is looked after all the same") {
  bool forbidden = false;
  std::thread other([&] {
    forbidden = forbid_pidfd();
    if (!forbidden) return;
    CHECK(::syscall(SYS_pidfd_open, ::getpid(), 0) == -1);
    drive([]() -> task<> {
      process good = process::spawn(shell("exit 4"));
      exit_status how = co_await good.wait();
      CHECK(how.code() == 4);
      process sleeps = process::spawn(command("sleep").arg("1000"));
      CHECK_THROWS_AS(co_await eddy::with_timeout(std::chrono::milliseconds(5), sleeps.wait()),
                      eddy::timeout_error);
      CHECK(!sleeps.has_ended());
      CHECK(sleeps.kill());
      how = co_await sleeps.wait();
      CHECK(how.signal() == SIGKILL);
      CHECK(!sleeps.kill());
      { const process dropped = process::spawn(command("sleep").arg("1000")); }
      const eddy::process_result said = co_await eddy::run_command(command("cat"), "x");
      CHECK(said.output == "x");
      CHECK(no_child_is_left());
    });
  });
  other.join();
  if (!forbidden) MESSAGE("seccomp filters are forbidden here");
}
