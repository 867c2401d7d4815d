// A read that brings less than there is room for has not always emptied the descriptor: messages
// have limits, and so have a terminal's lines. What is behind them must not wait for an edge.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "../runtime/engine_bench.hpp"

using namespace engine_bench;

namespace {

std::string read_one(bare& b, int fd) {
  char room[64];
  request r(op_code::read, fd, room, sizeof room);
  const int n = b.perform(r);
  REQUIRE(n > 0);
  return {room, static_cast<std::size_t>(n)};
}

// Both pieces are there before the first read.
void check_both(bare& b, int fd, const std::string& first, const std::string& second) {
  b.turns(2);
  std::string got = read_one(b, fd);
  while (got.size() < first.size() + second.size()) got += read_one(b, fd);
  CHECK(got == first + second);
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "messages of a sequenced socket") {
  bare b;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  b.selector.attach(ends[0]);
  for (const char* text : {"one", "two"}) REQUIRE(::send(ends[1], text, 3, 0) == 3);
  check_both(b, ends[0], "one", "two");
  b.close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(no_leak, "packets of a pipe") {
  bare b;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_DIRECT | O_CLOEXEC) == 0);
  b.selector.attach(ends[0]);
  for (const char* text : {"one", "two"}) REQUIRE(::write(ends[1], text, 3) == 3);
  check_both(b, ends[0], "one", "two");
  b.close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(no_leak, "lines of a terminal") {
  bare b;
  int keyboard = -1;
  int terminal = -1;
  REQUIRE(::openpty(&keyboard, &terminal, nullptr, nullptr, nullptr) == 0);
  b.selector.attach(terminal);
  for (const char* text : {"one\n", "two\n"}) REQUIRE(::write(keyboard, text, 4) == 4);
  check_both(b, terminal, "one\n", "two\n");
  b.close(terminal);
  ::close(keyboard);
}

// The kernel ends a read after bytes that came with a descriptor.
TEST_CASE_FIXTURE(no_leak, "bytes behind a descriptor that was passed along") {
  bare b;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  b.selector.attach(ends[0]);
  char text[] = "one";
  iovec piece{text, 3};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* passed = CMSG_FIRSTHDR(&message);
  passed->cmsg_level = SOL_SOCKET;
  passed->cmsg_type = SCM_RIGHTS;
  passed->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(passed), &ends[1], sizeof(int));
  REQUIRE(::sendmsg(ends[1], &message, 0) == 3);
  REQUIRE(::send(ends[1], "two", 3, 0) == 3);
  check_both(b, ends[0], "one", "two");
  b.close(ends[0]);
  ::close(ends[1]);
}
