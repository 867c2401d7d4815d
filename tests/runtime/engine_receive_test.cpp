// What CONTRACT 1 (runtime/selector/engine.hpp) promises of leases, of whichever engine is linked.
// Here the test is the loop; engine_streams_test.cpp drives streams through a real one.
#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using eddy::detail::heap_buffer;
using eddy::detail::retained_limit;
namespace system_calls = eddy::detail::system;

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
  CHECK((last.buffer == heap_buffer) == over_fallbacks());
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
    const ssize_t n =
        eddy_tests::quiet_send(w.peer, piece.data(), piece.size(), MSG_DONTWAIT);
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

TEST_CASE_FIXTURE(each_kind, "streams that nobody reads leave the others half of the buffers") {
  constexpr unsigned buffers = 16;
  bare b(buffers);
  std::vector<std::unique_ptr<wire>> silent;
  for (unsigned i = 0; i < buffers; ++i) {
    silent.push_back(std::make_unique<wire>(b.selector, stream));
    wire& w = *silent.back();
    request begun(op_code::receive, w.fd);
    b.submit(begun);
    w.say("asked for");
    REQUIRE(b.finish(begun) == 9);
    b.recycle(begun);
    w.say("and not");
    b.turns(2);
    w.say("asked for");
    b.turns(2);
  }
  std::vector<std::unique_ptr<request>> held;
  wire w(b.selector, stream);
  for (unsigned i = 0; i < buffers / 2; ++i) {
    held.push_back(std::make_unique<request>(op_code::receive, w.fd));
    request& r = *held.back();
    b.submit(r);
    w.say("hello");
    REQUIRE(b.finish(r) == 5);
    CHECK((r.buffer == heap_buffer) == over_fallbacks());
  }
  for (auto& r : held) b.recycle(*r);
  for (auto& s : silent) {
    std::string all;
    while (all.size() < 16) {
      request r(op_code::receive, s->fd);
      all += text_of(r, b.perform(r));
      b.recycle(r);
    }
    CHECK(all == "and notasked for");
  }
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
  CHECK((r.buffer == heap_buffer) == over_fallbacks());
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
    const int client = eddy_tests::plain_socket(AF_INET, SOCK_STREAM);
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
