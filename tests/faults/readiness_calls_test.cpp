// Each call that a readiness engine and epoll make fails, in turn.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cerrno>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "sweep.hpp"

using namespace faults;

namespace {

constexpr unsigned samples = 4;

}  // namespace

TEST_CASE("an interrupted call is made again") {
  sweep({{call::recv, EINTR, effect::none},
         {call::send, EINTR, effect::none},
         {call::recvmsg, EINTR, effect::none},
         {call::sendmsg, EINTR, effect::none},
         {call::read, EINTR, effect::none},
         {call::write, EINTR, effect::none},
         {call::accept4, EINTR, effect::none},
         {call::connect, EINTR, effect::none},
         {call::open, EINTR, effect::none},
         {call::fsync, EINTR, effect::none},
         {call::epoll_wait, EINTR, effect::none}},
        samples);
}

TEST_CASE("an interrupted wait is no end of a sleep") {
  play(rule{call::epoll_pwait2, 1, 2, EINTR});
  eddy::run([]() -> eddy::task<> {
    for (int i = 0; i < 5; ++i) {
      const auto before = eddy::now();
      co_await eddy::sleep(std::chrono::milliseconds(2));
      CHECK(eddy::now() - before >= std::chrono::milliseconds(2));
    }
  }());
  stop();
  CHECK(injected() >= 5);
}

TEST_CASE("a call that would block waits for the next edge") {
  sweep({{call::recv, EAGAIN, effect::none},
         {call::send, EAGAIN, effect::none},
         {call::recvmsg, EAGAIN, effect::none},
         {call::sendmsg, EAGAIN, effect::none},
         {call::read, EAGAIN, effect::none},
         {call::write, EAGAIN, effect::none},
         {call::accept4, EAGAIN, effect::none}},
        samples);
}

TEST_CASE("a write that the system does a part of is gone on with") {
  sweep({{call::send, partial, effect::none},
         {call::sendmsg, partial, effect::none},
         {call::write, partial, effect::none}},
        samples);
}

// The connection stays in the listener's queue, and the next accept gets it.
TEST_CASE("an accept without descriptors or memory loses nobody") {
  sweep({{call::accept4, EMFILE, effect::none},
         {call::accept4, ENFILE, effect::none},
         {call::accept4, ENOBUFS, effect::none},
         {call::accept4, ENOMEM, effect::none},
         {call::accept4, ECONNABORTED, effect::none},
         {call::accept4, EPROTO, effect::none}},
        1);
}

TEST_CASE("streams that break") {
  sweep({{call::recv, ECONNRESET, effect::error},
         {call::recv, ENOMEM, effect::error},
         {call::recv, ETIMEDOUT, effect::error},
         {call::send, ECONNRESET, effect::error},
         {call::send, EPIPE, effect::error},
         {call::send, ENOBUFS, effect::error},
         {call::sendmsg, ENOMEM, effect::error},
         {call::sendmsg, EPIPE, effect::error},
         {call::recvmsg, ECONNREFUSED, effect::error},
         {call::recvmsg, ENOMEM, effect::error},
         {call::read, EIO, effect::error},
         {call::write, EIO, effect::error},
         {call::write, EPIPE, effect::error},
         {call::write, ENOSPC, effect::error},
         {call::fsync, EIO, effect::error},
         {call::open, EMFILE, effect::error},
         {call::open, ENOMEM, effect::error},
         {call::connect, ECONNREFUSED, effect::error},
         {call::connect, ETIMEDOUT, effect::error},
         {call::connect, EADDRNOTAVAIL, effect::error},
         {call::connect, ENETUNREACH, effect::error}},
        samples);
}

TEST_CASE("descriptors that cannot be registered") {
  sweep({{call::epoll_ctl, ENOMEM, effect::error}, {call::epoll_ctl, ENOSPC, effect::error}}, 12);
}

TEST_CASE("run says that there is no epoll") {
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    const report out = run_checked(rule{call::epoll_create1, 1, 0, error}, effect::error);
    CHECK(out.refused_code == error);
    CHECK(out.refused.find("epoll_create1") != std::string::npos);
  }
  const report out = run_checked(rule{call::epoll_ctl, 1, 0, ENOSPC}, effect::error);
  CHECK(out.refused_code == ENOSPC);
}

TEST_CASE("a busy loop looks at the kernel in each turn, once it knows a descriptor") {
  constexpr unsigned turns = 10;
  const auto looks = [](bool with_pipe) {
    play(rule());
    eddy::run([](bool has_pipe) -> eddy::task<> {
      int ends[2] = {-1, -1};
      if (has_pipe) {
        REQUIRE(::pipe(ends) == 0);
        CHECK(::write(ends[1], "x", 1) == 1);
        co_await eddy::wait_readable(ends[0]);
        eddy::forget(ends[0]);
        ::close(ends[0]);
        ::close(ends[1]);
      }
      for (unsigned i = 0; i < turns * 256; ++i) co_await eddy::yield();
    }(with_pipe));
    stop();
    return calls(call::epoll_wait);
  };
  CHECK(looks(false) == 0);
  CHECK(looks(true) >= turns - 1);
  CHECK(looks(true) <= turns + 2);
}

// Linux before 5.11, or a sandbox.
TEST_CASE("without epoll_pwait2 there are milliseconds, and no timer is early") {
  for (const int error : {ENOSYS, EPERM}) {
    (void)run_checked(rule{call::epoll_pwait2, 1, 1, error}, effect::none);
    play(rule{call::epoll_pwait2, 1, 1, error});
    eddy::run([]() -> eddy::task<> {
      for (const auto nap : {std::chrono::microseconds(100), std::chrono::microseconds(2300)}) {
        const auto before = eddy::now();
        co_await eddy::sleep(nap);
        CHECK(eddy::now() - before >= nap);
      }
    }());
    stop();
    CHECK(injected() == 1);
    CHECK(calls(call::epoll_wait) > 0);
    CHECK(calls(call::epoll_wait) < 50);  // it slept, and did not spin
  }
}
