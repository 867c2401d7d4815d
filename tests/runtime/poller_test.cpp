// What CONTRACT 2 (runtime/selector/poller.hpp) promises of readiness, of whichever poller is
// linked.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../../runtime/selector/poller.hpp"
#include "../support/sockets.hpp"

using eddy::detail::poller;
using eddy::detail::readiness_event;

namespace {

constexpr std::int64_t patience_ns = 20'000'000'000;

std::uint64_t token_of(int fd, std::uint32_t generation = 1) {
  return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
}

// Two ends, the first of which the test gives to the poller.
struct ends {
  explicit ends(bool of_pipe = false) {
    if (of_pipe) {
      int both[2];
      REQUIRE(::pipe(both) == 0);
      mine = both[1];
      peer = both[0];
    } else {
      const auto both = eddy_tests::plain_pair();
      REQUIRE(both[0] >= 0);
      for (const int fd : both) REQUIRE(eddy_tests::set_non_blocking(fd));
      mine = both[0];
      peer = both[1];
    }
  }
  ends(const ends&) = delete;
  ends& operator=(const ends&) = delete;
  ~ends() {
    close_mine();
    close_peer();
  }
  void close_mine() {
    if (mine >= 0) ::close(std::exchange(mine, -1));
  }
  void close_peer() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void say(std::string_view text) const {
    REQUIRE(::write(peer, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void hear(std::size_t size) const {
    char bytes[64];
    REQUIRE(::read(mine, bytes, size) == static_cast<ssize_t>(size));
  }
  // Until no byte more is taken.
  void fill() const {
    const std::vector<char> bytes(1 << 16);
    while (::write(mine, bytes.data(), bytes.size()) > 0) {
    }
    REQUIRE(errno == EAGAIN);
  }
  void drain_peer() const {
    char bytes[4096];
    while (::recv(peer, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
  }
  int mine = -1;
  int peer = -1;
};

// What the events of one wait say together of one descriptor.
struct news {
  bool readable = false;
  bool writable = false;
  bool ended = false;
};

class polling {
 protected:
  news ask(std::uint64_t token, std::int64_t timeout_ns) {
    news all;
    const std::size_t count = p.wait(out, timeout_ns);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(out[i].token == token);
      all.readable |= out[i].readable;
      all.writable |= out[i].writable;
      all.ended |= out[i].ended;
    }
    return all;
  }
  news soon(int fd) { return ask(token_of(fd), patience_ns); }
  news now(int fd) { return ask(token_of(fd), 0); }
  bool silent() { return p.wait(out, 0) == 0; }
  bool polls() const {
    pollfd asked{p.descriptor(), POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1;
  }

  poller p;
  std::array<readiness_event, 16> out;
};

}  // namespace

TEST_CASE_FIXTURE(polling, "poller: both directions are told of once, and again after a change") {
  ends e;
  e.say("abc");
  REQUIRE(p.add(e.mine, token_of(e.mine)) == 0);
  const news first = soon(e.mine);
  CHECK(first.readable);
  CHECK(first.writable);
  CHECK_FALSE(first.ended);
  CHECK(silent());
  e.hear(1);
  CHECK(silent());
  e.hear(2);
  e.say("d");
  CHECK(soon(e.mine).readable);
  e.fill();
  (void)now(e.mine);
  e.drain_peer();
  CHECK(soon(e.mine).writable);
}

TEST_CASE_FIXTURE(polling, "poller: bytes come before the end that came with them") {
  ends e;
  e.say("abc");
  ::shutdown(e.peer, SHUT_WR);
  REQUIRE(p.add(e.mine, token_of(e.mine)) == 0);
  const news all = soon(e.mine);
  CHECK(all.readable);
  CHECK(all.ended);
  CHECK(all.writable);
  e.hear(3);
}

TEST_CASE_FIXTURE(polling, "poller: a number used again tells by its own token only") {
  ends a;
  const int fd = a.mine;
  REQUIRE(p.add(fd, token_of(fd, 1)) == 0);
  CHECK(soon(fd).writable);
  a.say("old");
  a.close_mine();
  ends b;
  REQUIRE(::dup2(b.mine, fd) == fd);
  REQUIRE(p.add(fd, token_of(fd, 2)) == 0);
  CHECK_FALSE(ask(token_of(fd, 2), patience_ns).readable);
  b.say("new");
  CHECK(ask(token_of(fd, 2), patience_ns).readable);
  ::close(fd);
  CHECK(p.add(fd, token_of(fd, 3)) == -EBADF);
}

TEST_CASE_FIXTURE(polling, "poller: more descriptors than a wait has room for") {
  std::vector<ends> many(40);
  for (const ends& e : many) REQUIRE(p.add(e.mine, token_of(e.mine)) == 0);
  std::vector<int> told;
  while (told.size() < many.size()) {
    const std::size_t count = p.wait(out, patience_ns);
    REQUIRE(count > 0);
    REQUIRE(count <= out.size());
    for (std::size_t i = 0; i < count; ++i) {
      told.push_back(static_cast<int>(out[i].token & UINT32_MAX));
    }
  }
  CHECK(told.size() == many.size());
  CHECK(silent());
}

TEST_CASE_FIXTURE(polling, "poller: woken before, during and again, by a thread and by a signal") {
  for (int round = 0; round < 100; ++round) {
    p.wake();
    p.wake();
    CHECK(p.wait(out, patience_ns) == 0);
    std::thread other([&] { p.wake(); });
    CHECK(p.wait(out, -1) == 0);
    other.join();
  }
  static poller* woken;
  woken = &p;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { woken->wake(); };
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  for (int round = 0; round < 100; ++round) {
    errno = 7;
    ::raise(SIGUSR1);
    CHECK(errno == 7);
    CHECK(p.wait(out, -1) == 0);
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE_FIXTURE(polling, "poller: a wait ends at its deadline, not before") {
  for (const std::int64_t ns : {0, 1, 300'000, 2'000'000}) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(p.wait(out, ns) == 0);
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::nanoseconds(ns));
  }
}

TEST_CASE_FIXTURE(polling, "poller: a watched descriptor tells once for each time it is watched") {
  ends e;
  CHECK(p.watch(e.mine, token_of(e.mine), true, false) == 0);
  CHECK(silent());
  e.say("abc");
  CHECK(soon(e.mine).readable);
  e.say("d");
  CHECK(silent());
  // Level-triggered: what was left unread is told of again.
  CHECK(p.watch(e.mine, token_of(e.mine), true, false) == 0);
  CHECK(soon(e.mine).readable);
  e.hear(4);
  CHECK(p.watch(e.mine, token_of(e.mine), true, false) == 0);
  CHECK(silent());
}

TEST_CASE_FIXTURE(polling, "poller: watching again replaces what was wanted, and unwatch ends it") {
  ends e;
  CHECK(p.watch(e.mine, token_of(e.mine, 1), true, false) == 0);
  CHECK(p.watch(e.mine, token_of(e.mine, 2), false, true) == 0);
  CHECK(ask(token_of(e.mine, 2), patience_ns).writable);
  e.say("abc");
  CHECK(silent());
  CHECK(p.watch(e.mine, token_of(e.mine, 3), true, true) == 0);
  const news both = ask(token_of(e.mine, 3), patience_ns);
  CHECK((both.readable || both.writable));
  p.unwatch(e.mine);
  CHECK(silent());
  CHECK(p.watch(e.mine, token_of(e.mine), true, true) == 0);
  p.unwatch(e.mine);
  CHECK(silent());
  p.unwatch(e.mine);
  const int fd = e.mine;
  e.close_mine();
  p.unwatch(fd);
  CHECK(p.watch(fd, token_of(fd), true, false) == -EBADF);
}

TEST_CASE_FIXTURE(polling, "poller: the end is readable and a broken pipe is writable") {
  ends e;
  e.close_peer();
  CHECK(p.watch(e.mine, token_of(e.mine), true, false) == 0);
  const news end = soon(e.mine);
  CHECK(end.readable);
  CHECK(end.ended);
  for (const bool broken_before : {false, true}) {
    ends pipe(true);
    if (broken_before) pipe.close_peer();
    CHECK(p.watch(pipe.mine, token_of(pipe.mine), false, true) == 0);
    CHECK(soon(pipe.mine).writable);
    pipe.close_peer();
    CHECK(silent());
    CHECK(p.watch(pipe.mine, token_of(pipe.mine), false, true) == 0);
    CHECK(soon(pipe.mine).writable);
    CHECK(p.watch(pipe.mine, token_of(pipe.mine), false, true) == 0);
    p.unwatch(pipe.mine);
    CHECK(silent());
  }
}

TEST_CASE_FIXTURE(polling, "poller: files and directories cannot be watched") {
  for (const char* name : {".", "/proc/self/exe"}) {
    const int fd = ::open(name, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    CHECK(p.watch(fd, token_of(fd), true, false) == -EPERM);
    ::close(fd);
  }
}

TEST_CASE_FIXTURE(polling, "poller: its descriptor polls as readable while there is something") {
  ends e;
  CHECK_FALSE(polls());
  REQUIRE(p.add(e.mine, token_of(e.mine)) == 0);
  CHECK(polls());
  CHECK(soon(e.mine).writable);
  CHECK_FALSE(polls());
  e.say("abc");
  CHECK(polls());
  CHECK(soon(e.mine).readable);
  CHECK_FALSE(polls());
  p.wake();
  CHECK(polls());
  CHECK(p.wait(out, -1) == 0);
  CHECK_FALSE(polls());
}
