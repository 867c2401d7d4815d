// The one line that a program gets where io_uring is forbidden or missing.
#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <eddy/runtime/run.hpp>
#include <string>
#include <system_error>

#include "../../runtime/selector/io_uring_refusal.hpp"

using eddy::detail::io_uring_refusal;

namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

eddy::task<int> nothing() { co_return 0; }

// What `run` throws where io_uring_setup(2) answers `error`, as in a container.
std::string refusal_by_seccomp(int error) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{sizeof code / sizeof code[0], code};
    std::string text = "seccomp could not be set";
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) {
      try {
        (void)eddy::run(nothing());
        text = "run did not throw";
      } catch (const std::system_error& e) {
        text = std::to_string(e.code().value()) + " " + e.what();
      }
    }
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char bytes[512];
  for (ssize_t n = 0; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

}  // namespace

TEST_CASE("a refusal of io_uring is one line with the cause and the way out") {
  for (const int error : {EPERM, EACCES, ENOSYS, EINVAL, ENOMEM, EMFILE, EIO}) {
    for (const int disabled : {-1, 0, 1, 2}) {
      const std::string text = io_uring_refusal(error, disabled);
      CHECK(has(text, "io_uring_setup"));
      CHECK(has(text, "-Dselector=epoll"));
      CHECK_FALSE(has(text, "\n"));
    }
  }
}

TEST_CASE("EPERM names the sysctl where that is the cause, and else a seccomp filter") {
  const std::string by_setting = io_uring_refusal(EPERM, 2);
  CHECK(has(by_setting, "EPERM"));
  CHECK(has(by_setting, "kernel.io_uring_disabled=2"));
  CHECK_FALSE(has(by_setting, "seccomp"));
  CHECK(has(io_uring_refusal(EPERM, 1), "CAP_SYS_ADMIN"));
  for (const int disabled : {-1, 0}) {
    const std::string by_filter = io_uring_refusal(EPERM, disabled);
    CHECK(has(by_filter, "seccomp"));
    CHECK_FALSE(has(by_filter, "io_uring_disabled"));
  }
}

TEST_CASE("the other refusals name their own causes") {
  CHECK(has(io_uring_refusal(ENOSYS, -1), "CONFIG_IO_URING"));
  CHECK(has(io_uring_refusal(ENOMEM, 0), "RLIMIT_MEMLOCK"));
  CHECK(has(io_uring_refusal(EMFILE, 0), "RLIMIT_NOFILE"));
  CHECK(has(io_uring_refusal(EIO, 0), "errno 5"));
}

TEST_CASE("run throws that line where a seccomp filter forbids io_uring") {
  const std::string denied = refusal_by_seccomp(EPERM);
  CAPTURE(denied);
  CHECK(denied.starts_with(std::to_string(EPERM) + " "));
  CHECK(has(denied, "EPERM"));
  CHECK(has(denied, "-Dselector=epoll"));
  const std::string missing = refusal_by_seccomp(ENOSYS);
  CAPTURE(missing);
  CHECK(missing.starts_with(std::to_string(ENOSYS) + " "));
  CHECK(has(missing, "CONFIG_IO_URING"));
}
