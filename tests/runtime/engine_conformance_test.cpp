// What CONTRACT 1 (runtime/selector/engine.hpp) promises of operations, of whichever engine is
// linked. Here the test is the loop; engine_streams_test.cpp drives streams through a real one.
#include <doctest/doctest.h>

#include <cerrno>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
namespace system_calls = eddy::detail::system;

TEST_CASE_FIXTURE(each_kind, "read brings at least one byte, and 0 at the end of the stream") {
  bare b;
  wire w(b.selector, stream);
  char bytes[64];
  w.say("hello");
  request first(op_code::read, w.fd, bytes, sizeof bytes);
  REQUIRE(b.perform(first) == 5);
  CHECK(text_of(first, 5) == "hello");

  request second(op_code::read, w.fd, bytes, 2);
  CHECK_FALSE(b.submit(second));
  b.turns(3);
  CHECK(second.completions == 0);
  w.say("abc");
  REQUIRE(b.finish(second) == 2);
  CHECK(text_of(second, 2) == "ab");
  request third(op_code::read, w.fd, bytes, 2);
  REQUIRE(b.perform(third) == 1);
  CHECK(bytes[0] == 'c');

  w.close_peer();
  request fourth(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK(b.perform(fourth) == 0);
  request fifth(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK(b.perform(fifth) == 0);
}

TEST_CASE_FIXTURE(each_kind, "write sends all of its bytes, also more than the socket holds") {
  bare b;
  wire w(b.selector, stream);
  std::vector<char> sent(3 << 20);
  dice d(7);
  for (char& c : sent) c = static_cast<char>(d.next());
  request r(op_code::write, w.fd, sent.data(), sent.size());
  b.submit(r);
  b.turns(3);
  CHECK(r.completions == 0);
  std::vector<char> got;
  while (got.size() < sent.size()) {
    const std::string piece = w.hear();
    REQUIRE(!piece.empty());
    got.insert(got.end(), piece.begin(), piece.end());
    b.turn();
  }
  CHECK(b.finish(r) == 0);
  CHECK(r.done == sent.size());
  CHECK(got == sent);
}

TEST_CASE_FIXTURE(no_leak, "a write to a peer that is gone fails without SIGPIPE") {
  bare b;
  wire w(b.selector);
  w.close_peer();
  char byte = 'x';
  request r(op_code::write, w.fd, &byte, 1);
  CHECK(b.perform(r) == -EPIPE);
}

TEST_CASE_FIXTURE(each_kind, "reading and writing go on at the same time") {
  bare b;
  wire w(b.selector, stream);
  std::vector<char> sent(2 << 20, 'w');
  char bytes[16];
  request out(op_code::write, w.fd, sent.data(), sent.size());
  request in(op_code::read, w.fd, bytes, sizeof bytes);
  b.submit(out);
  b.submit(in);
  b.turns(2);
  w.say("in");
  CHECK(b.finish(in) == 2);
  CHECK(out.completions == 0);
  w.release();
  b.finish(out);
}

TEST_CASE_FIXTURE(no_leak, "connect and accept make two ends of a TCP stream") {
  bare b;
  system_calls::socket_address at;
  const int server = bound_tcp(b, at, 8);
  const int client = b.selector.open_socket(AF_INET, SOCK_STREAM);
  request accepting(op_code::accept, server);
  CHECK_FALSE(b.submit(accepting));
  b.turn();
  request connecting(op_code::connect, client, at.bytes, at.size);
  CHECK(b.perform(connecting) == 0);
  const int accepted = b.finish(accepting);
  REQUIRE(accepted >= 0);
  CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(client, F_GETFD) & FD_CLOEXEC) != 0);

  char bytes[16];
  request reading(op_code::read, accepted, bytes, sizeof bytes);
  b.submit(reading);
  char word[] = "ahoy";
  request writing(op_code::write, client, word, 4);
  CHECK(b.perform(writing) == 0);
  REQUIRE(b.finish(reading) == 4);
  CHECK(text_of(reading, 4) == "ahoy");
  for (const int fd : {server, client, accepted}) b.close(fd);
}

TEST_CASE_FIXTURE(no_leak, "a refused connect ends with ECONNREFUSED") {
  bare b;
  system_calls::socket_address at;
  const int deaf = bound_tcp(b, at, -1);
  const int client = b.selector.open_socket(AF_INET, SOCK_STREAM);
  request connecting(op_code::connect, client, at.bytes, at.size);
  CHECK(b.perform(connecting) == -ECONNREFUSED);
  b.close(client);
  b.close(deaf);
}

TEST_CASE_FIXTURE(no_leak, "datagram sockets read and write") {
  bare b;
  const int a = b.selector.open_socket(AF_INET, SOCK_DGRAM);
  system_calls::socket_address at = loopback();
  REQUIRE(::bind(a, reinterpret_cast<const sockaddr*>(at.bytes), at.size) == 0);
  REQUIRE(system_calls::local_address(a, at) == 0);
  const int c = b.selector.open_socket(AF_INET, SOCK_DGRAM);
  request connecting(op_code::connect, c, at.bytes, at.size);
  CHECK(b.perform(connecting) == 0);
  char bytes[16];
  request reading(op_code::read, a, bytes, sizeof bytes);
  b.submit(reading);
  char word[] = "dgram";
  request writing(op_code::write, c, word, 5);
  CHECK(b.perform(writing) == 0);
  REQUIRE(b.finish(reading) == 5);
  CHECK(text_of(reading, 5) == "dgram");
  b.close(a);
  b.close(c);
}

TEST_CASE_FIXTURE(no_leak, "an operation on a descriptor that was given up ends with EBADF") {
  bare b;
  wire w(b.selector);
  const int fd = w.fd;
  b.close(fd);
  w.fd = -1;
  char byte;
  for (const op_code code : {op_code::read, op_code::receive, op_code::write, op_code::accept}) {
    request r(code, fd, &byte, 1);
    CHECK(b.perform(r) == -EBADF);
  }
}

TEST_CASE_FIXTURE(each_kind, "a cancelled operation completes once, as cancelled, at any stage") {
  bare b(8, 4096, 4);
  // Full, so that one more connect stays in progress.
  system_calls::socket_address full;
  const int crowded = bound_tcp(b, full, 0);
  std::vector<int> crowd;
  for (int i = 0; i < 4; ++i) {
    crowd.push_back(eddy_tests::plain_socket(AF_INET, SOCK_STREAM));
    REQUIRE(eddy_tests::set_non_blocking(crowd.back()));
    (void)::connect(crowd.back(), reinterpret_cast<const sockaddr*>(full.bytes), full.size);
  }
  std::vector<char> big(4 << 20);
  char bytes[16];
  for (const int turns_before : {0, 1, 3}) {
    for (const op_code code :
         {op_code::read, op_code::receive, op_code::write, op_code::accept, op_code::connect}) {
      CAPTURE(turns_before);
      CAPTURE(static_cast<int>(code));
      wire w(b.selector, stream);
      listener quiet(b.selector);
      const int client = b.selector.open_socket(AF_INET, SOCK_STREAM);
      request r(code, w.fd, bytes, sizeof bytes);
      if (code == op_code::write) {
        r.data = big.data();
        r.size = big.size();
      } else if (code == op_code::accept) {
        r.fd = quiet.fd;
      } else if (code == op_code::connect) {
        r.fd = client;
        r.data = full.bytes;
        r.size = full.size;
      }
      REQUIRE_FALSE(b.submit(r));
      b.turns(turns_before);
      REQUIRE(r.completions == 0);
      b.selector.cancel(r);
      b.selector.cancel(r);
      CHECK(b.finish(r) == -ECANCELED);
      b.selector.cancel(r);
      b.turns(3);
      CHECK(r.completions == 1);
      if (code == op_code::connect) {
        b.close(client);
        continue;
      }
      // The next of its kind on the same descriptor can be cancelled, too.
      request next(code, r.fd, r.data, r.size);
      REQUIRE_FALSE(b.submit(next));
      b.turns(turns_before);
      b.selector.cancel(next);
      CHECK(b.finish(next) == -ECANCELED);
      b.close(client);
    }
  }
  for (const int fd : crowd) ::close(fd);
  b.close(crowded);
}

TEST_CASE_FIXTURE(each_kind, "an operation that completes in spite of a cancel keeps its result") {
  bare b;
  wire w(b.selector, stream);
  int kept = 0;
  for (int round = 0; round < 200; ++round) {
    for (const op_code code : {op_code::read, op_code::receive}) {
      char bytes[16] = {};
      request r(code, w.fd, bytes, sizeof bytes);
      REQUIRE_FALSE(b.submit(r));
      b.turns(round % 3);
      w.say("keep");
      if (round % 2) b.selector.cancel(r);
      b.selector.cancel(r);
      int n = b.finish(r);
      request again(code, w.fd, bytes, sizeof bytes);
      request* with = &r;
      if (n > 0) {
        ++kept;
      } else {
        REQUIRE(n == -ECANCELED);
        n = b.perform(again);
        with = &again;
      }
      REQUIRE(n == 4);
      CHECK(text_of(*with, n) == "keep");
      if (code == op_code::receive) b.recycle(*with);
    }
  }
  MESSAGE(kept << " of 400 completed before their cancellation");
}

TEST_CASE_FIXTURE(no_leak, "a cancelled accept that succeeds keeps its descriptor") {
  bare b;
  listener l(b.selector);
  for (int round = 0; round < 50; ++round) {
    request r(op_code::accept, l.fd);
    b.submit(r);
    b.turns(round % 3);
    const int client = l.dial();
    b.selector.cancel(r);
    int fd = b.finish(r);
    request again(op_code::accept, l.fd);
    if (fd == -ECANCELED) fd = b.perform(again);
    REQUIRE(fd >= 0);
    ::close(client);
    b.close(fd);
  }
}

TEST_CASE_FIXTURE(each_kind, "a cancelled write has sent exactly what it says") {
  bare b;
  for (int round = 0; round < 8; ++round) {
    wire w(b.selector, stream);
    std::vector<char> big(8 << 20, 'b');
    request r(op_code::write, w.fd, big.data(), big.size());
    REQUIRE_FALSE(b.submit(r));
    std::size_t heard = 0;
    for (int i = 0; i < round * 20; ++i) {
      b.turn();
      heard += w.hear().size();
    }
    b.turn();
    b.selector.cancel(r);
    CHECK(b.finish(r) == -ECANCELED);
    CHECK(r.done < big.size());
    CHECK(r.done > 0);
    w.release();
    b.turns(2);
    for (std::string piece = w.hear(); !piece.empty(); piece = w.hear()) heard += piece.size();
    CHECK(heard == r.done);
  }
}

TEST_CASE_FIXTURE(each_kind,
                  "release ends what is in flight with ECANCELED and closes the number") {
  bare b;
  char bytes[16];
  std::vector<char> big(4 << 20);
  for (const int turns_before : {0, 1, 3}) {
    for (const op_code code : {op_code::read, op_code::receive}) {
      wire w(b.selector, stream);
      const int fd = w.fd;
      request in(code, fd, bytes, sizeof bytes);
      request out(op_code::write, fd, big.data(), big.size());
      b.submit(in);
      b.submit(out);
      b.turns(turns_before);
      w.release();
      CHECK(b.finish(in) == -ECANCELED);
      CHECK(b.finish(out) == -ECANCELED);
      b.turns(3);
      CHECK_FALSE(is_open(fd));
    }
    listener l(b.selector);
    const int fd = l.fd;
    request accepting(op_code::accept, fd);
    b.submit(accepting);
    b.turns(turns_before);
    l.release();
    CHECK(b.finish(accepting) == -ECANCELED);
    b.turns(3);
    CHECK_FALSE(is_open(fd));
  }
}

TEST_CASE_FIXTURE(each_kind, "a number is not reused before the last completion that names it") {
  bare b;
  char bytes[16];
  for (int round = 0; round < 50; ++round) {
    wire w(b.selector, stream);
    const int fd = w.fd;
    request r(round % 2 ? op_code::read : op_code::receive, fd, bytes, sizeof bytes);
    b.submit(r);
    b.turns(round % 4);
    w.release();
    const int next = b.selector.open_socket(AF_INET, SOCK_STREAM);
    b.collect();
    if (next == fd) CHECK(r.completions == 1);
    CHECK(b.finish(r) == -ECANCELED);
    b.close(next);
  }
}

TEST_CASE_FIXTURE(each_kind, "close completes when the number has been closed") {
  bare b;
  char bytes[16];
  for (const bool pending : {false, true}) {
    wire w(b.selector, stream);
    const int fd = w.fd;
    request r(op_code::read, fd, bytes, sizeof bytes);
    if (pending) {
      b.submit(r);
      b.turns(2);
    }
    request closing(op_code::close, fd);
    CHECK(b.perform(closing) == 0);
    CHECK_FALSE(is_open(fd));
    w.fd = -1;
    if (pending) CHECK(b.finish(r) == -ECANCELED);
    CHECK(w.hear().empty());
  }
}

TEST_CASE_FIXTURE(no_leak, "a connection that a released listener has accepted is closed") {
  bare b;
  for (int round = 0; round < 30; ++round) {
    listener l(b.selector);
    request r(op_code::accept, l.fd);
    b.submit(r);
    b.turns(round % 3);
    const int client = l.dial();
    l.release();
    CHECK(b.finish(r) == -ECANCELED);
    b.turns(2);
    char byte;
    CHECK(::recv(client, &byte, 1, 0) <= 0);
    ::close(client);
  }
}
