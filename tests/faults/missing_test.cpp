// What cannot be waited for: one clear error each, on every selector, and the loop goes on.
#include <doctest/doctest.h>

#include <cerrno>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/run.hpp>
#include <string>
#include <system_error>

#include "engine_parts.hpp"

using faults::engine_end;

namespace {

struct answer {
  int code = 0;
  std::string text = "no error";
};

eddy::task<answer> waited(int fd, bool readable) {
  answer out;
  try {
    if (readable) {
      co_await eddy::wait_readable(fd);
    } else {
      co_await eddy::wait_writable(fd);
    }
  } catch (const std::system_error& e) {
    out.code = e.code().value();
    out.text = e.what();
  } catch (const std::exception& e) {
    out.text = e.what();
  }
  co_return out;
}

eddy::task<answer> attached(int fd) {
  answer out;
  try {
    engine_bench::engine_here().attach(fd);
    engine_bench::engine_here().release(fd);
  } catch (const std::system_error& e) {
    out.code = e.code().value();
    out.text = e.what();
  }
  co_return out;
}

class opened {
 public:
  explicit opened(const char* path) : fd(::open(path, O_RDONLY | O_CLOEXEC)) { REQUIRE(fd >= 0); }
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() { ::close(fd); }
  int fd;
};

// So high that the loop's own descriptors do not get it.
int closed_number() {
  const opened file("/proc/self/exe");
  const int high = ::fcntl(file.fd, F_DUPFD_CLOEXEC, 300);
  REQUIRE(high >= 300);
  ::close(high);
  return high;
}

void check_waits(int fd, int code) {
  for (const bool readable : {true, false}) {
    const answer got = eddy::run(waited(fd, readable));
    CAPTURE(got.text);
    CHECK(got.code == code);
    CHECK(got.text.starts_with("wait until descriptor " + std::to_string(fd) + " is "));
  }
}

void check_attach(int fd, int code) {
  const answer got = eddy::run(attached(fd));
  CAPTURE(got.text);
  CHECK(got.code == code);
  CHECK(got.text.starts_with("attaching "));
}

}  // namespace

TEST_CASE("a descriptor that is closed, or never was") {
  const int closed = closed_number();
  for (const int fd : {closed, -1, 1 << 20}) {
    check_waits(fd, EBADF);
    check_attach(fd, EBADF);
  }
}

TEST_CASE("a directory and a file") {
  for (const char* path : {"/", "/proc/self/exe"}) {
    const opened it(path);
    check_waits(it.fd, EPERM);
    check_attach(it.fd, EPERM);
    CHECK(engine_bench::is_open(it.fd));
  }
}

TEST_CASE("a descriptor that somebody else waits for, or that is the engine's") {
  eddy::run([]() -> eddy::task<> {
    engine_end end("a pair of sockets");
    const faults::plain_pair outside;
    end.attach(outside.take(0));
    const answer got = co_await waited(end.fd, true);
    CHECK(got.code == 0);
    CHECK(got.text.find("a stream owns it") != std::string::npos);
    end.release();
  }());
}

TEST_CASE("the loop goes on after all of these") {
  eddy::run([]() -> eddy::task<> {
    const answer none = co_await waited(-1, true);
    CHECK(none.code == EBADF);
    const faults::plain_pair pair;
    const faults::forgotten_at_the_end forgotten(pair.fds[0]);
    co_await eddy::wait_writable(pair.fds[0]);
    (void)::sendto(pair.fds[1], "x", 1, 0, nullptr, 0);
    co_await eddy::wait_readable(pair.fds[0]);
  }());
}
