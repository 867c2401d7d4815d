// Each call that every selector makes fails, in turn. What only one makes: *_calls_test.cpp.
#include <doctest/doctest.h>

#include <cerrno>

#include "sweep.hpp"

using namespace faults;

namespace {

constexpr unsigned samples = 4;

}  // namespace

TEST_CASE("the mixed program runs clean, and calls what the sweeps fail") {
  const report out = run_checked(rule(), effect::none);
  CHECK(out.parts.size() == 9);
}

TEST_CASE("sockets that cannot be made, named, set, connected") {
  sweep({{call::socket, EMFILE, effect::error},
         {call::socket, ENFILE, effect::error},
         {call::socket, ENOBUFS, effect::error},
         {call::socket, EACCES, effect::error},
         {call::bind, EADDRINUSE, effect::error},
         {call::bind, EACCES, effect::error},
         {call::listen, EADDRINUSE, effect::error},
         {call::setsockopt, ENOBUFS, effect::error},
         {call::setsockopt, ENOMEM, effect::error},
         {call::getsockname, ENOBUFS, effect::error},
         {call::getpeername, ENOBUFS, effect::error},
         {call::getpeername, ENOTCONN, effect::error},
         {call::shutdown, ENOTCONN, effect::error},
         {call::shutdown, ENOBUFS, effect::error}},
        samples);
}

TEST_CASE("descriptors that cannot be looked at or made non-blocking") {
  sweep({{call::fstat, EIO, effect::error},
         {call::fstat, ENOMEM, effect::error},
         {call::getsockopt, ENOBUFS, effect::error},
         {call::getsockopt, ENOMEM, effect::error},
         {call::fcntl, EBADF, effect::error}},
        samples);
}

// Linux frees the number whatever close says.
TEST_CASE("a close that says EINTR or EIO has closed") {
  sweep({{call::close, EINTR, effect::none}, {call::close, EIO, effect::error}}, samples);
}

TEST_CASE("run says why it could not start") {
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    const report out = run_checked(rule{call::eventfd, 1, 0, error}, effect::error);
    CHECK(out.refused_code == error);
    CHECK(out.refused.find("eventfd") != std::string::npos);
    CHECK(out.refused.find("waking") != std::string::npos);
  }
}
