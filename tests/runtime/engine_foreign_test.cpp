// What CONTRACT 1 (runtime/selector/engine.hpp) promises of waiting for foreign descriptors, and of
// being waited for by a foreign loop, of whichever engine is linked.
#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using eddy::detail::never_ns;

namespace {

// Both ends are the test's.
class strangers {
 public:
  strangers() {
    const auto ends = make_stream(kind::unix_stream);
    fd = ends[0];
    peer = ends[1];
  }
  strangers(const strangers&) = delete;
  strangers& operator=(const strangers&) = delete;
  ~strangers() {
    close(fd);
    close(peer);
  }
  static void close(int& which) {
    if (which >= 0) ::close(which);
    which = -1;
  }
  void say(std::string_view text) const {
    REQUIRE(eddy_tests::quiet_send(peer, text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  void take(std::size_t size) const {
    std::vector<char> bytes(size);
    REQUIRE(::recv(fd, bytes.data(), size, MSG_DONTWAIT) == static_cast<ssize_t>(size));
  }
  // So that it cannot be written to.
  void fill() const {
    const std::vector<char> bytes(1 << 16);
    while (eddy_tests::quiet_send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
  }
  void drain() const {
    std::vector<char> bytes(1 << 16);
    while (::recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
  }

  int fd = -1;
  int peer = -1;
};

bool polls_readable(int fd, int timeout_ms) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN) != 0;
}

// Turns until there is nothing to do, which must be soon.
void settle(bare& b) {
  const int watched = b.selector.descriptor();
  int turns = 0;
  while (polls_readable(watched, 0)) {
    REQUIRE(++turns < 20);
    b.turn();
  }
}

constexpr int patience_ms = 10'000;

}  // namespace

TEST_CASE_FIXTURE(no_leak, "wait_readable is level-triggered, once for each time it is asked") {
  bare b;
  const strangers s;
  for (int round = 0; round < 3; ++round) {
    request idle(op_code::wait_readable, s.fd);
    CHECK_FALSE(b.submit(idle));
    b.turns(3);
    REQUIRE(idle.completions == 0);
    s.say("two");
    CHECK(b.finish(idle) == 0);
    // Not read yet: ready at once.
    request left(op_code::wait_readable, s.fd);
    CHECK(b.perform(left) == 0);
    s.take(2);
    request rest(op_code::wait_readable, s.fd);
    CHECK(b.perform(rest) == 0);
    s.take(1);
  }
}

TEST_CASE_FIXTURE(no_leak, "both directions are waited for at the same time, and apart") {
  bare b;
  const strangers s;
  for (int round = 0; round < 3; ++round) {
    s.fill();
    request readable(op_code::wait_readable, s.fd);
    request writable(op_code::wait_writable, s.fd);
    CHECK_FALSE(b.submit(readable));
    CHECK_FALSE(b.submit(writable));
    b.turns(3);
    CHECK(readable.completions + writable.completions == 0);
    if (round % 2) {
      s.say("x");
      CHECK(b.finish(readable) == 0);
      b.turns(2);
      CHECK(writable.completions == 0);
      s.drain();
      CHECK(b.finish(writable) == 0);
    } else {
      s.drain();
      CHECK(b.finish(writable) == 0);
      b.turns(2);
      CHECK(readable.completions == 0);
      s.say("x");
      CHECK(b.finish(readable) == 0);
    }
    s.take(1);
  }
}

TEST_CASE_FIXTURE(no_leak, "a foreign descriptor that has ended or failed is ready") {
  bare b;
  strangers s;
  s.fill();
  request readable(op_code::wait_readable, s.fd);
  request writable(op_code::wait_writable, s.fd);
  b.submit(readable);
  b.submit(writable);
  b.turns(2);
  strangers::close(s.peer);
  CHECK(b.finish(readable) == 0);
  CHECK(b.finish(writable) == 0);
}

TEST_CASE_FIXTURE(no_leak, "nobody is told of a file that the number had before") {
  bare b;
  for (const bool cancelled : {false, true}) {
    const auto first = eddy_tests::plain_pipe();
    const int number = first[0];
    const int kept = ::dup(number);  // as a child that was forked has it
    request old(op_code::wait_readable, number);
    REQUIRE_FALSE(b.submit(old));
    b.turns(2);
    if (cancelled) {
      b.selector.cancel(old);
      CHECK(b.finish(old) == -ECANCELED);
    } else {
      REQUIRE(::write(first[1], "x", 1) == 1);
      CHECK(b.finish(old) == 0);
    }
    ::close(number);
    const auto second = eddy_tests::plain_pipe();
    REQUIRE(second[0] == number);
    request wait(op_code::wait_readable, number);
    REQUIRE_FALSE(b.submit(wait));
    b.turns(2);
    REQUIRE(::write(first[1], "old", 3) == 3);
    b.turns(3);
    CHECK(wait.completions == 0);
    REQUIRE(::write(second[1], "new", 3) == 3);
    CHECK(b.finish(wait) == 0);
    b.selector.forget(number);
    for (const int fd : {first[1], kept, second[0], second[1]}) ::close(fd);
  }
}

TEST_CASE_FIXTURE(no_leak, "what was waited for may become the engine's own") {
  bare b;
  const auto ends = eddy_tests::plain_pair();
  request wait(op_code::wait_readable, ends[0]);
  REQUIRE_FALSE(b.submit(wait));
  b.turns(2);
  b.selector.cancel(wait);
  CHECK(b.finish(wait) == -ECANCELED);
  b.selector.attach(ends[0]);
  char byte = 0;
  request reading(op_code::read, ends[0], &byte, 1);
  b.submit(reading);
  REQUIRE(eddy_tests::quiet_send(ends[1], "x", 1) == 1);
  CHECK(b.finish(reading) == 1);
  b.close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(no_leak, "a second wait for the same, and one for the engine's own, is busy") {
  bare b;
  const strangers s;
  const wire w(b.selector);
  s.fill();
  for (const op_code code : {op_code::wait_readable, op_code::wait_writable}) {
    request own(code, w.fd);
    CHECK(b.perform(own) == -EBUSY);
    request first(code, s.fd);
    CHECK_FALSE(b.submit(first));
    b.turns(1);
    request second(code, s.fd);
    CHECK(b.perform(second) == -EBUSY);
    if (code == op_code::wait_readable) {
      s.say("x");
    } else {
      s.drain();
    }
    CHECK(b.finish(first) == 0);
  }
}

TEST_CASE_FIXTURE(no_leak, "files, directories and what is not open cannot be waited for") {
  bare b;
  for (const op_code code : {op_code::wait_readable, op_code::wait_writable}) {
    // Which devices can be waited for is the system's own affair.
    const bool is_kqueue = std::string_view(eddy::detail::engine::name()) == "kqueue";
    for (const char* path : {"/", "/proc/self/exe", is_kqueue ? "/" : "/dev/null"}) {
      const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
      request r(code, fd);
      CHECK(b.perform(r) == -EPERM);
      ::close(fd);
    }
    strangers s;
    const int gone = s.fd;
    strangers::close(s.fd);
    for (const int fd : {-1, gone}) {
      request r(code, fd);
      CHECK(b.perform(r) == -EBADF);
    }
  }
}

TEST_CASE_FIXTURE(no_leak, "a wait is cancelled at any stage, and can be repeated") {
  bare b(8, 4096, 2);
  const strangers s;
  s.fill();
  for (int round = 0; round < 12; ++round) {
    request readable(op_code::wait_readable, s.fd);
    request writable(op_code::wait_writable, s.fd);
    b.submit(readable);
    b.submit(writable);
    b.turns(round % 4);
    b.selector.cancel(readable);
    b.selector.cancel(readable);
    CHECK(b.finish(readable) == -ECANCELED);
    CHECK(writable.completions == 0);
    b.selector.cancel(writable);
    if (round % 2) {
      CHECK(b.finish(writable) == -ECANCELED);
    } else {
      request next(op_code::wait_readable, s.fd);
      CHECK_FALSE(b.submit(next));
      CHECK(b.finish(writable) == -ECANCELED);
      s.say("x");
      CHECK(b.finish(next) == 0);
      s.take(1);
    }
  }
}

TEST_CASE_FIXTURE(no_leak, "forget ends both waits, and lets go of the descriptor") {
  bare b;
  for (int turns = 0; turns < 4; ++turns) {
    strangers s;
    s.fill();
    request readable(op_code::wait_readable, s.fd);
    request writable(op_code::wait_writable, s.fd);
    b.submit(readable);
    b.submit(writable);
    b.turns(turns);
    b.selector.forget(s.fd);
    b.collect();
    REQUIRE(readable.completions == 1);
    REQUIRE(writable.completions == 1);
    CHECK(readable.result == -ECANCELED);
    CHECK(writable.result == -ECANCELED);
    const int number = s.fd;
    strangers::close(s.fd);
    // Nobody holds the open file any more: its peer sees the end.
    s.drain();
    char byte;
    CHECK(::recv(s.peer, &byte, 1, MSG_DONTWAIT) == 0);
    b.selector.forget(number);
    b.selector.forget(-1);
    b.turns(2);
    CHECK(readable.completions == 1);
  }
}

TEST_CASE_FIXTURE(no_leak, "what else completes during forget is kept, and a wake is not lost") {
  bare b;
  wire w(b.selector);
  const strangers s;
  char bytes[8];
  request read(op_code::read, w.fd, bytes, sizeof bytes);
  request wait(op_code::wait_readable, s.fd);
  b.submit(read);
  b.submit(wait);
  b.turns(3);
  w.say("kept");
  b.selector.wake();
  b.selector.forget(s.fd);
  const std::int64_t start = eddy::detail::system::clock_ns();
  b.selector.wait(start + patience_ns);
  CHECK(eddy::detail::system::clock_ns() - start < patience_ns / 2);
  CHECK(b.finish(wait) == -ECANCELED);
  CHECK(b.finish(read) == 4);
}

TEST_CASE_FIXTURE(no_leak, "a number that was closed while waited for can be the engine's next") {
  bare b;
  for (int turns = 0; turns < 3; ++turns) {
    strangers s;
    request wait(op_code::wait_readable, s.fd);
    b.submit(wait);
    b.turns(turns);
    const int number = std::exchange(s.fd, -1);
    ::close(number);
    const int opened = b.selector.open_socket(AF_INET, SOCK_DGRAM);
    REQUIRE(opened == number);
    CHECK(b.finish(wait) == -ECANCELED);
    char byte = 0;
    request read(op_code::read, opened, &byte, 1);
    CHECK_FALSE(b.submit(read));
    // What becomes of the old one is nothing to the new one.
    strangers::close(s.peer);
    b.turns(3);
    CHECK(read.completions == 0);
    CHECK(wait.completions == 1);
    b.close(opened);
    CHECK(b.finish(read) == -ECANCELED);
  }
}

TEST_CASE_FIXTURE(no_leak, "descriptors whose numbers are far apart, the engine's and others'") {
  constexpr int own_number = 1000;
  constexpr int strange_number = 3000;
  allow_descriptors(strange_number + 1000);
  for (const bool let_go : {false, true}) {
    const strangers s;
    const auto ends = eddy_tests::plain_pair();
    const int own = ::fcntl(ends[0], F_DUPFD_CLOEXEC, own_number);
    const int strange = ::fcntl(s.fd, F_DUPFD_CLOEXEC, strange_number);
    REQUIRE(own >= own_number);
    REQUIRE(strange >= strange_number);
    {
      bare b;
      b.selector.attach(own);
      char byte = 0;
      for (const int unknown : {own - 1, own + 1, strange - 1, strange + 1000}) {
        request read(op_code::read, unknown, &byte, 1);
        CHECK(b.perform(read) == -EBADF);
        b.selector.forget(unknown);
        b.selector.release(unknown);
      }
      request wait(op_code::wait_readable, strange);
      request read(op_code::read, own, &byte, 1);
      CHECK_FALSE(b.submit(wait));
      CHECK_FALSE(b.submit(read));
      b.turns(2);
      if (!let_go) {
        REQUIRE(eddy_tests::quiet_send(ends[1], "x", 1) == 1);
        s.say("y");
        CHECK(b.finish(read) == 1);
        CHECK(b.finish(wait) == 0);
        b.close(own);
      } else {
        b.selector.forget(strange);
        CHECK(b.finish(wait) == -ECANCELED);
        b.selector.release(own);
        CHECK(b.finish(read) == -ECANCELED);
      }
    }
    for (const int fd : {ends[0], ends[1], strange}) ::close(fd);
  }
}

TEST_CASE_FIXTURE(no_leak, "the watched descriptor is readable while there is something to do") {
  bare b;
  const int watched = b.selector.descriptor();
  CHECK(b.selector.descriptor() == watched);
  wire w(b.selector);
  settle(b);
  for (int round = 0; round < 20; ++round) {
    char bytes[8];
    request read(round % 2 ? op_code::read : op_code::receive, w.fd, bytes, sizeof bytes);
    REQUIRE_FALSE(b.submit(read));
    b.turn();
    settle(b);
    REQUIRE(read.completions == 0);
    // While nobody is in wait().
    w.say("come");
    REQUIRE(polls_readable(watched, patience_ms));
    int turns = 0;
    while (read.completions == 0) {
      REQUIRE(++turns < 20);
      REQUIRE(polls_readable(watched, patience_ms));
      b.turn();
    }
    CHECK(read.result == 4);
    if (read.code == op_code::receive) b.recycle(read);
    settle(b);
  }
}

TEST_CASE_FIXTURE(no_leak, "wake makes the watched descriptor readable, from any thread") {
  bare fresh;  // that has never waited
  const int before = fresh.selector.descriptor();
  fresh.selector.wake();
  CHECK(polls_readable(before, patience_ms));

  bare b;
  b.turns(2);
  const int watched = b.selector.descriptor();
  for (int round = 0; round < 50; ++round) {
    settle(b);
    std::thread other([&] { b.selector.wake(); });
    CHECK(polls_readable(watched, patience_ms));
    other.join();
    b.turn();
  }
}

TEST_CASE_FIXTURE(no_leak, "a foreign loop that waits only when told to drives a stream") {
  bare b(8, 512, 4);
  const int watched = b.selector.descriptor();
  wire w(b.selector, kind::tcp);
  constexpr std::size_t total = 2 << 20;
  stream_hash sent;
  stream_hash got;
  std::thread sender([&] {
    dice d(9);
    std::vector<char> piece;
    while (sent.bytes() < total) {
      piece.resize(std::min(total - sent.bytes(), 1 + d.below(4000)));
      for (char& c : piece) c = static_cast<char>(d.next() >> 20);
      if (eddy_tests::quiet_send(w.peer, piece.data(), piece.size()) < 0) return;
      sent.add(piece.data(), piece.size());
    }
    ::shutdown(w.peer, SHUT_WR);
  });
  dice d(10);
  std::vector<char> out(3000);
  bool hung = false;
  for (bool open = true; open && !hung;) {
    const bool lends = d.below(3) == 0;
    request r(lends ? op_code::receive : op_code::read, w.fd, out.data(), out.size());
    // A loop makes one wait() after what it has submitted.
    if (!b.submit(r)) b.turn();
    while (r.completions == 0 && !hung) {
      hung = !polls_readable(watched, patience_ms);
      b.turn();
    }
    if (hung) break;
    open = r.result > 0;
    if (r.result > 0) got.add(r.data, static_cast<std::size_t>(r.result));
    if (lends && r.result > 0) b.recycle(r);
  }
  CHECK_FALSE(hung);
  if (hung) w.release();
  sender.join();
  CHECK(got.bytes() == total);
  CHECK(got.value() == sent.value());
}
