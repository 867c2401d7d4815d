// What CONTRACT 1 (runtime/selector/engine.hpp) promises, sentence by sentence, of whichever engine
// is linked. Here the test is the loop; engine_streams_test.cpp drives streams through a real one.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using eddy::detail::heap_buffer;
using eddy::detail::never_ns;
using eddy::detail::retained_limit;
namespace system_calls = eddy::detail::system;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

system_calls::socket_address loopback() {
  system_calls::socket_address at;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(at.bytes, &in, sizeof in);
  at.size = sizeof in;
  return at;
}

// A bound TCP socket; listens if `backlog` is not negative.
int bound_tcp(bare& b, system_calls::socket_address& at, int backlog) {
  const int fd = b.selector.open_socket(AF_INET, SOCK_STREAM);
  at = loopback();
  if (backlog >= 0) {
    REQUIRE(system_calls::listen_on(fd, at, backlog, false) == 0);
  } else {
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(at.bytes), at.size) == 0);
  }
  REQUIRE(system_calls::local_address(fd, at) == 0);
  return fd;
}

// Runs a test case once for each kind of stream.
class each_kind : public no_leak {
 public:
  each_kind() {
    SUBCASE("unix") { stream = kind::unix_stream; }
    SUBCASE("TCP") { stream = kind::tcp; }
  }

 protected:
  kind stream = kind::unix_stream;
};

}  // namespace

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
    crowd.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
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

TEST_CASE_FIXTURE(each_kind, "receive lends a buffer that holds until it is recycled") {
  bare b(4);
  wire w(b.selector, stream);
  std::vector<std::unique_ptr<request>> held;
  for (int i = 0; i < 10; ++i) {
    held.push_back(std::make_unique<request>(op_code::receive, w.fd));
    b.submit(*held.back());
    const std::string text = "message " + std::to_string(i);
    w.say(text);
    const int n = b.finish(*held.back());
    REQUIRE(n == static_cast<int>(text.size()));
  }
  int from_heap = 0;
  for (int i = 0; i < 10; ++i) {
    request& r = *held[static_cast<std::size_t>(i)];
    const std::string text = "message " + std::to_string(i);
    CHECK(text_of(r, static_cast<int>(text.size())) == text);
    if (r.buffer == heap_buffer) ++from_heap;
  }
  CHECK(from_heap >= 6);
  for (auto& r : held) b.recycle(*r);

  // Back in the pool, and lent again.
  request more(op_code::receive, w.fd);
  b.submit(more);
  w.say("again");
  b.finish(more);
  b.recycle(more);
  request last(op_code::receive, w.fd);
  b.submit(last);
  w.say("from the pool");
  REQUIRE(b.finish(last) == 13);
  CHECK(last.buffer != heap_buffer);
  b.recycle(last);
}

TEST_CASE_FIXTURE(each_kind, "the end of a stream comes after its bytes, and lends nothing") {
  bare b(8);
  wire w(b.selector, stream);
  request begun(op_code::receive, w.fd);
  b.submit(begun);
  b.turns(2);
  b.selector.cancel(begun);
  CHECK(b.finish(begun) == -ECANCELED);
  w.say("one");
  b.turns(2);
  w.say("two");
  b.turns(2);
  w.close_peer();
  b.turns(3);
  std::string all;
  for (;;) {
    request r(op_code::receive, w.fd);
    const int n = b.perform(r);
    REQUIRE(n >= 0);
    if (n == 0) {
      CHECK(r.data == nullptr);
      break;
    }
    all += text_of(r, n);
    b.recycle(r);
  }
  CHECK(all == "onetwo");
  request again(op_code::receive, w.fd);
  CHECK(b.perform(again) == 0);
  char byte;
  request plain(op_code::read, w.fd, &byte, 1);
  CHECK(b.perform(plain) == 0);
}

TEST_CASE_FIXTURE(each_kind, "a stream that nobody reads is not read without bound") {
  constexpr std::size_t buffer = 4096;
  bare b(64, buffer);
  wire w(b.selector, stream);
  request begun(op_code::receive, w.fd);
  b.submit(begun);
  b.turns(2);
  b.selector.cancel(begun);
  b.finish(begun);
  // What the peer can send before it stalls is what its socket holds and what the engine retains.
  // The kernel may run ahead of the engine's cancellation by one burst.
  constexpr std::size_t burst = 64;
  const std::string piece(buffer, 'p');
  std::size_t sent = 0;
  int stalled = 0;
  while (stalled < 5) {
    const ssize_t n = ::send(w.peer, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    stalled = n > 0 ? 0 : stalled + 1;
    if (n > 0) sent += static_cast<std::size_t>(n);
    b.turn();
    REQUIRE(sent < 4 << 20);
  }
  int room = 0;
  socklen_t size = sizeof room;
  REQUIRE(::getsockopt(w.peer, SOL_SOCKET, SO_SNDBUF, &room, &size) == 0);
  CHECK(sent <= static_cast<std::size_t>(room) + (retained_limit + burst) * buffer);

  // And the pool still serves another stream.
  wire other(b.selector, stream);
  request r(op_code::receive, other.fd);
  b.submit(r);
  other.say("hello");
  REQUIRE(b.finish(r) == 5);
  b.recycle(r);

  // Nothing was lost.
  w.close_peer();
  std::size_t got = 0;
  for (;;) {
    request in(op_code::receive, w.fd);
    const int n = b.perform(in);
    REQUIRE(n >= 0);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
    b.recycle(in);
  }
  CHECK(got == sent);
}

TEST_CASE_FIXTURE(each_kind, "a released stream gives back what it had retained") {
  bare b(4);
  for (int i = 0; i < 20; ++i) {
    wire w(b.selector, stream);
    request begun(op_code::receive, w.fd);
    b.submit(begun);
    b.turns(2);
    b.selector.cancel(begun);
    b.finish(begun);
    w.say("nobody");
    b.turns(2);
    w.say("listens");
    b.turns(i % 2);
  }
  wire w(b.selector, stream);
  w.say("hello");
  request r(op_code::receive, w.fd);
  REQUIRE(b.perform(r) == 5);
  CHECK(r.buffer != heap_buffer);
  b.recycle(r);
}

TEST_CASE_FIXTURE(each_kind, "holds_input tells of bytes and of an end that nobody has taken") {
  bare b;
  wire w(b.selector, stream);
  CHECK_FALSE(b.selector.holds_input(w.fd));
  // Whether the engine takes what nobody waits for is its own affair; that it is either there or
  // still in the socket is not.
  const auto anything = [&] {
    return b.selector.holds_input(w.fd) || system_calls::peek(w.fd) != -EAGAIN;
  };
  CHECK_FALSE(anything());
  request begun(op_code::receive, w.fd);
  b.submit(begun);
  b.turns(2);
  b.selector.cancel(begun);
  b.finish(begun);
  CHECK_FALSE(anything());
  w.say("late");
  b.turns(2);
  CHECK(anything());
  request r(op_code::receive, w.fd);
  CHECK(b.perform(r) == 4);
  b.recycle(r);
  b.turns(2);
  CHECK_FALSE(anything());
  w.close_peer();
  b.turns(2);
  CHECK(anything());
}

TEST_CASE_FIXTURE(each_kind, "what was retained is delivered first when receive changes to read") {
  bare b(8);
  wire w(b.selector, stream);
  request begun(op_code::receive, w.fd);
  b.submit(begun);
  b.turns(2);
  b.selector.cancel(begun);
  b.finish(begun);
  w.say("abcdef");
  b.turns(2);
  w.say("ghi");
  b.turns(2);
  char bytes[4];
  std::string all;
  request two(op_code::read, w.fd, bytes, 2);
  all += text_of(two, b.perform(two));
  request lent(op_code::receive, w.fd);
  all += text_of(lent, b.perform(lent));
  b.recycle(lent);
  while (all.size() < 9) {
    request r(op_code::read, w.fd, bytes, 4);
    all += text_of(r, b.perform(r));
  }
  CHECK(all == "abcdefghi");
  // The engine's own receiving has to stop before the kernel may write into this memory.
  request waiting(op_code::read, w.fd, bytes, 4);
  CHECK_FALSE(b.submit(waiting));
  w.say("jkl");
  CHECK(b.finish(waiting) == 3);
  CHECK(text_of(waiting, 3) == "jkl");
  request back(op_code::receive, w.fd);
  CHECK_FALSE(b.submit(back));
  w.say("m");
  CHECK(b.finish(back) == 1);
  b.recycle(back);
}

TEST_CASE_FIXTURE(each_kind,
                  "a read that waits for the engine's receiving to stop can be cancelled") {
  bare b(8);
  for (int turns = 0; turns < 3; ++turns) {
    wire w(b.selector, stream);
    request begun(op_code::receive, w.fd);
    b.submit(begun);
    b.turns(2);
    b.selector.cancel(begun);
    b.finish(begun);
    char bytes[4];
    request r(op_code::read, w.fd, bytes, 4);
    REQUIRE_FALSE(b.submit(r));
    b.turns(turns);
    b.selector.cancel(r);
    CHECK(b.finish(r) == -ECANCELED);
    w.say("x");
    request next(op_code::receive, w.fd);
    CHECK(b.perform(next) == 1);
    b.recycle(next);
  }
}

TEST_CASE_FIXTURE(no_leak, "an error ends a receive, and the descriptor can still be closed") {
  bare b;
  system_calls::socket_address at;
  const int server = bound_tcp(b, at, 8);
  int client_number = 0;
  for (const op_code code : {op_code::read, op_code::read, op_code::receive, op_code::receive}) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(at.bytes), at.size) == 0);
    request accepting(op_code::accept, server);
    const int fd = b.perform(accepting);
    REQUIRE(fd >= 0);
    char byte;
    request r(code, fd, &byte, 1);
    b.submit(r);
    b.turns(2);
    // The second time nobody waits when the error comes.
    if (client_number++ % 2) {
      b.selector.cancel(r);
      CHECK(b.finish(r) == -ECANCELED);
    }
    const linger reset{1, 0};
    REQUIRE(::setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    ::close(client);
    b.turns(3);
    if (r.completions == 1 && r.result == -ECANCELED) {
      request next(code, fd, &byte, 1);
      CHECK(b.perform(next) == -ECONNRESET);
    } else {
      CHECK(b.finish(r) == -ECONNRESET);
    }
    b.close(fd);
  }
  b.close(server);
}

TEST_CASE_FIXTURE(no_leak, "every operation goes through a submission queue of two entries") {
  bare b(8, 4096, 2);
  std::vector<std::unique_ptr<wire>> wires;
  std::vector<std::unique_ptr<request>> requests;
  std::vector<std::array<char, 8>> bytes(100);
  for (std::size_t i = 0; i < 100; ++i) {
    wires.push_back(std::make_unique<wire>(b.selector));
    requests.push_back(
        std::make_unique<request>(op_code::read, wires[i]->fd, bytes[i].data(), bytes[i].size()));
    REQUIRE_FALSE(b.submit(*requests[i]));
  }
  for (std::size_t i = 0; i < 100; ++i) {
    if (i % 3 == 0) b.selector.cancel(*requests[i]);
    if (i % 3 == 1) wires[i]->release();
    if (i % 3 == 2) wires[i]->say("yes");
    if (i == 50) b.turn();
  }
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(b.finish(*requests[i]) == (i % 3 == 2 ? 3 : -ECANCELED));
  }
}

TEST_CASE_FIXTURE(no_leak, "an engine ends with what was released still in flight") {
  char bytes[16];
  for (int turns = 0; turns < 3; ++turns) {
    request in(op_code::read, -1, bytes, sizeof bytes);
    int peer = -1;
    {
      bare b;
      wire w(b.selector);
      in.fd = w.fd;
      b.submit(in);
      b.turns(turns);
      w.release();
      peer = std::exchange(w.peer, -1);
    }
    CHECK(in.result == -ECANCELED);
    CHECK(::recv(peer, bytes, 1, 0) == 0);
    ::close(peer);
  }
}

TEST_CASE_FIXTURE(no_leak, "wait returns at the deadline, not rounded to milliseconds") {
  bare b;
  std::int64_t shortest = INT64_MAX;
  for (int i = 0; i < 50; ++i) {
    const std::int64_t start = system_calls::clock_ns();
    const std::int64_t deadline = start + 100'000;
    // Returning early is allowed, but not for ever.
    int returns = 0;
    while (system_calls::clock_ns() < deadline) {
      b.selector.wait(deadline);
      ++returns;
    }
    CHECK(returns < 1000);
    shortest = std::min(shortest, system_calls::clock_ns() - start);
  }
  CHECK(shortest < 900'000);
  const std::int64_t start = system_calls::clock_ns();
  b.selector.wait(1);  // long past
  b.selector.wait(0);
  CHECK(system_calls::clock_ns() - start < 1'000'000'000);
}

TEST_CASE_FIXTURE(no_leak, "wake makes the present or next wait return, from any thread") {
  bare b;
  b.turn();
  for (int i = 0; i < 10'000; ++i) b.selector.wake();
  b.selector.wait(never_ns);
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> woken = false;
    std::thread other([&] {
      woken = true;
      b.selector.wake();
    });
    while (!woken) b.selector.wait(never_ns);
    other.join();
  }
}

namespace {
std::atomic<eddy::detail::engine*> engine_to_wake = nullptr;
}

TEST_CASE_FIXTURE(no_leak, "wake may be called in a signal handler") {
  bare b;
  engine_to_wake = &b.selector;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { engine_to_wake.load()->wake(); };
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  for (int i = 0; i < 20; ++i) {
    ::raise(SIGUSR1);
    b.selector.wait(never_ns);
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}
