// readiness.cpp over a poller that says what the test wants: events that no kernel promises, and
// those that come too late. The sockets are real.
#include <doctest/doctest.h>

#include <cerrno>
#include <vector>

#include "../../runtime/selector/poller.hpp"
#include "engine_bench.hpp"

using namespace engine_bench;

namespace {

struct watched {
  int fd = -1;
  std::uint64_t token = 0;
  bool readable = false;
  bool writable = false;
};

// What the one poller of a test was asked for, and will say.
struct script {
  std::vector<eddy::detail::readiness_event> events;
  std::vector<watched> added;
  std::vector<watched> watches;
  std::vector<int> unwatched;
  int refusal = 0;  // of the next add or watch

  std::uint64_t token_of(int fd) const {
    for (auto it = added.rbegin(); it != added.rend(); ++it) {
      if (it->fd == fd) return it->token;
    }
    return 0;
  }
  void say(std::uint64_t token, bool readable, bool writable, bool ended = false) {
    eddy::detail::readiness_event e;
    e.token = token;
    e.readable = readable;
    e.writable = writable;
    e.ended = ended;
    events.push_back(e);
  }
};

script* now_playing = nullptr;

class scripted : public no_leak {
 public:
  scripted() { now_playing = &play; }
  ~scripted() { now_playing = nullptr; }
  script play;
};

}  // namespace

namespace eddy::inline v1::detail {

poller::poller() {}
poller::~poller() {}
const char* poller::name() noexcept { return "scripted"; }
int poller::add(int fd, std::uint64_t token) noexcept {
  if (now_playing->refusal) return std::exchange(now_playing->refusal, 0);
  now_playing->added.push_back({fd, token, true, true});
  return 0;
}
int poller::watch(int fd, std::uint64_t token, bool readable, bool writable) noexcept {
  if (now_playing->refusal) return std::exchange(now_playing->refusal, 0);
  now_playing->watches.push_back({fd, token, readable, writable});
  return 0;
}
void poller::unwatch(int fd) noexcept { now_playing->unwatched.push_back(fd); }
std::size_t poller::wait(std::span<readiness_event> out, std::int64_t) noexcept {
  std::size_t count = 0;
  for (const readiness_event& e : now_playing->events) out[count++] = e;
  now_playing->events.clear();
  return count;
}
void poller::wake() noexcept {}

}  // namespace eddy::inline v1::detail

TEST_CASE_FIXTURE(scripted, "an event for a descriptor that was closed and reused touches nobody") {
  bare b;
  wire first(b.selector);
  const int number = first.fd;
  const std::uint64_t stale = play.token_of(number);
  b.close(number);
  first.fd = -1;
  wire second(b.selector);
  REQUIRE(second.fd == number);
  REQUIRE(play.token_of(number) != stale);
  char bytes[8];
  request r(op_code::read, number, bytes, sizeof bytes);
  REQUIRE_FALSE(b.submit(r));
  second.say("here");
  play.say(stale, true, true, true);
  b.turn();
  CHECK(r.completions == 0);
  play.say(play.token_of(number), true, false);
  CHECK(b.finish(r) == 4);
}

TEST_CASE_FIXTURE(scripted, "an event for a number that nobody holds is passed over") {
  bare b;
  wire w(b.selector);
  const std::uint64_t stale = play.token_of(w.fd);
  b.close(w.fd);
  w.fd = -1;
  play.say(stale, true, true, true);
  play.say(std::uint64_t{9} << 32 | 100'000, true, true, true);
  b.turn();
}

TEST_CASE_FIXTURE(scripted, "a read is tried only after the poller has said readable") {
  bare b;
  wire w(b.selector, kind::tcp);
  w.say("bytes");
  char bytes[64];
  request r(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(r));
  play.say(play.token_of(w.fd), false, true);
  b.turn();
  CHECK(r.completions == 0);
  play.say(play.token_of(w.fd), true, false);
  CHECK(b.finish(r) == 5);
  // A short read has emptied the stream: the next waits for the next edge, though there is more.
  w.say("again");
  request next(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(next));
  play.say(play.token_of(w.fd), true, false);
  CHECK(b.finish(next) == 5);
}

TEST_CASE_FIXTURE(scripted, "after a full read the next is tried at once") {
  bare b;
  wire w(b.selector);
  w.say("abcdef");
  char bytes[3];
  request first(op_code::read, w.fd, bytes, sizeof bytes);
  b.submit(first);
  play.say(play.token_of(w.fd), true, false);
  CHECK(b.finish(first) == 3);
  request second(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK(b.submit(second));
  CHECK(second.result == 3);
}

TEST_CASE_FIXTURE(scripted, "the end comes with its bytes, is no error, and is told once") {
  bare b;
  wire w(b.selector);
  w.say("last");
  w.close_peer();
  play.say(play.token_of(w.fd), true, true, true);
  b.turn();
  char bytes[64];
  request last(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK(b.perform(last) == 4);
  // No second event comes.
  request end(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK(b.perform(end) == 0);
}

TEST_CASE_FIXTURE(scripted, "a spurious event leaves an operation waiting") {
  bare b;
  wire w(b.selector);
  char bytes[8];
  request r(op_code::read, w.fd, bytes, sizeof bytes);
  b.submit(r);
  for (int i = 0; i < 3; ++i) {
    play.say(play.token_of(w.fd), true, true);
    b.turn();
    CHECK(r.completions == 0);
  }
  w.say("x");
  play.say(play.token_of(w.fd), true, false);
  CHECK(b.finish(r) == 1);
}

TEST_CASE_FIXTURE(scripted, "a short datagram does not hide the next one") {
  bare b;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
  b.selector.attach(ends[0]);
  REQUIRE(::send(ends[1], "one", 3, 0) == 3);
  REQUIRE(::send(ends[1], "two", 3, 0) == 3);
  play.say(play.token_of(ends[0]), true, false);
  b.turn();
  char bytes[16];
  for (int i = 0; i < 2; ++i) {
    request r(op_code::read, ends[0], bytes, sizeof bytes);
    CHECK(b.submit(r));
    CHECK(r.result == 3);
  }
  b.close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(scripted, "a descriptor that cannot be registered is not kept") {
  bare b;
  play.refusal = -ENOSPC;  // fs.epoll.max_user_watches
  CHECK_THROWS_AS(b.selector.open_socket(AF_INET, SOCK_STREAM), std::system_error);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  play.refusal = -ENOMEM;
  CHECK_THROWS_AS(b.selector.attach(ends[0]), std::system_error);
  CHECK(is_open(ends[0]));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(scripted, "a connection that cannot be registered is closed and told of") {
  bare b;
  listener l(b.selector);
  play.say(play.token_of(l.fd), true, false);
  b.turn();
  const int client = l.dial();
  play.refusal = -ENOMEM;
  request r(op_code::accept, l.fd);
  CHECK(b.perform(r) == -ENOMEM);
  char byte;
  CHECK(::recv(client, &byte, 1, 0) == 0);
  ::close(client);
}

TEST_CASE_FIXTURE(scripted, "foreign waits: watched anew each time, and for what is still wanted") {
  bare b;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  request in(op_code::wait_readable, ends[0]);
  request out(op_code::wait_writable, ends[0]);
  CHECK_FALSE(b.submit(in));
  CHECK_FALSE(b.submit(out));
  REQUIRE(play.watches.size() == 2);
  CHECK(play.watches[0].readable);
  CHECK_FALSE(play.watches[0].writable);
  CHECK(play.watches[1].readable);
  CHECK(play.watches[1].writable);
  const std::uint64_t token = play.watches[1].token;
  play.say(token, false, true);
  CHECK(b.finish(out) == 0);
  REQUIRE(play.watches.size() == 3);
  CHECK(play.watches[2].readable);
  CHECK_FALSE(play.watches[2].writable);
  // Watching again is refused: the wait ends with the reason instead of never.
  request again(op_code::wait_writable, ends[0]);
  CHECK_FALSE(b.submit(again));
  play.refusal = -ENOMEM;
  play.say(token, true, false);
  CHECK(b.finish(in) == 0);
  CHECK(b.finish(again) == -ENOMEM);
  b.selector.forget(ends[0]);
  CHECK(play.unwatched == std::vector<int>{ends[0]});
  for (const int fd : ends) ::close(fd);
}
