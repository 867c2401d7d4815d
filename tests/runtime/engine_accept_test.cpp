// What CONTRACT 1 (runtime/selector/engine.hpp) promises of accepting, of whichever engine is
// linked: nobody who connects is lost.
#include <doctest/doctest.h>

#include <cerrno>
#include <set>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using eddy::detail::accepted_limit;

namespace {

// Clients that each have sent a byte of their own.
class crowd {
 public:
  crowd() {}
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() {
    for (const int fd : clients_) ::close(fd);
  }
  void dial(const listener& l, int count) {
    for (; count > 0; --count) {
      clients_.push_back(l.dial());
      const char name = static_cast<char>(clients_.size() - 1);
      REQUIRE(eddy_tests::quiet_send(clients_.back(), &name, 1) == 1);
    }
  }
  std::size_t size() const { return clients_.size(); }
  // Whether each sees the end of its stream.
  bool all_dropped() const {
    for (const int fd : clients_) {
      char byte = 0;
      const ssize_t n = ::recv(fd, &byte, 1, MSG_DONTWAIT);
      if (n > 0 || (n < 0 && errno != ECONNRESET)) return false;
    }
    return true;
  }

 private:
  std::vector<int> clients_;
};

// Accepts once; says which client it was.
int accept_one(bare& b, const listener& l) {
  request accepting(op_code::accept, l.fd);
  const int fd = b.perform(accepting);
  REQUIRE(fd >= 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  char name = 0;
  request reading(op_code::read, fd, &name, 1);
  REQUIRE(b.perform(reading) == 1);
  b.close(fd);
  return static_cast<unsigned char>(name);
}

// So low that no further descriptor can be had, while this lives.
class no_descriptors {
 public:
  explicit no_descriptors(rlim_t more = 0) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    REQUIRE(next >= 0);
    ::close(next);
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(next) + more;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() {
    for (const int fd : filling_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  void fill() {
    for (int fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0); fd >= 0; fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0)) {
      filling_.push_back(fd);
    }
  }
  void free_some(int count) {
    for (; count > 0; --count) {
      ::close(filling_.back());
      filling_.pop_back();
    }
  }

 private:
  rlimit before_{};
  std::vector<int> filling_;
};

int unconnected() {
  const int fd = eddy_tests::plain_socket(AF_UNIX, SOCK_STREAM);
  REQUIRE(fd >= 0);
  return fd;
}

void connect(int fd, const listener& l) {
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(l.at.bytes), l.at.size) == 0);
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "a burst of more connections than are accepted ahead loses nobody") {
  allow_descriptors(2048);
  bare b;
  listener l(b.selector, 512);
  crowd clients;
  std::set<int> met;
  clients.dial(l, 1);
  met.insert(accept_one(b, l));
  for (const int size : {static_cast<int>(accepted_limit) * 3, 20}) {
    clients.dial(l, size);
    b.turns(3);
    while (met.size() < clients.size()) REQUIRE(met.insert(accept_one(b, l)).second);
  }
  request more(op_code::accept, l.fd);
  CHECK_FALSE(b.submit(more));
  b.turns(3);
  CHECK(more.completions == 0);
  b.selector.cancel(more);
  CHECK(b.finish(more) == -ECANCELED);
}

TEST_CASE_FIXTURE(no_leak, "connections that nobody asks for are not accepted without bound") {
  allow_descriptors(2048);
  bare b(8, 4096, 256);  // the queue of completions is no bound either
  listener l(b.selector, 512);
  crowd clients;
  clients.dial(l, 1);
  accept_one(b, l);
  b.turns(3);
  // Nobody asks: from here on the kernel's backlog holds them.
  const std::size_t open = eddy_tests::open_descriptors();
  clients.dial(l, 100);
  b.turns(10);
  CHECK(eddy_tests::open_descriptors() == open + 100);
}

TEST_CASE_FIXTURE(no_leak, "accepts that are cancelled lose nobody") {
  bare b;
  listener l(b.selector);
  crowd clients;
  std::set<int> met;
  for (int round = 0; round < 60; ++round) {
    request accepting(op_code::accept, l.fd);
    if (!b.submit(accepting)) {
      b.turns(round % 3);
      if (round % 2) clients.dial(l, 1);
      b.turns(round / 3 % 3);
      b.selector.cancel(accepting);
    }
    const int fd = b.finish(accepting);
    if (fd < 0) {
      CHECK(fd == -ECANCELED);
      continue;
    }
    char name = 0;
    request reading(op_code::read, fd, &name, 1);
    REQUIRE(b.perform(reading) == 1);
    met.insert(name);
    b.close(fd);
  }
  while (met.size() < clients.size()) REQUIRE(met.insert(accept_one(b, l)).second);
}

TEST_CASE_FIXTURE(no_leak, "a released listener closes what it has accepted ahead") {
  bare b;
  for (int round = 0; round < 10; ++round) {
    listener l(b.selector);
    crowd first;
    first.dial(l, 1);
    accept_one(b, l);
    crowd clients;
    clients.dial(l, 20);
    b.turns(round % 4);
    l.release();
    b.turns(3);
    CHECK(clients.all_dropped());
  }
}

TEST_CASE_FIXTURE(no_leak, "an engine ends with connections that nobody has asked for") {
  crowd clients;
  {
    bare b;
    crowd first;
    // With a lower number than its connections, and with a higher one.
    listener low(b.selector);
    first.dial(low, 1);
    accept_one(b, low);
    listener high(b.selector);
    first.dial(high, 1);
    clients.dial(low, 10);
    b.turns(3);
    CHECK(accept_one(b, high) == 1);
    low.fd = -1;
    high.fd = -1;
  }
  CHECK(clients.all_dropped());
}

TEST_CASE_FIXTURE(no_leak, "a stream that is asked to accept refuses, and loses nothing") {
  for (const kind k : {kind::unix_stream, kind::tcp}) {
    bare b;
    const wire w(b.selector, k);
    request first(op_code::receive, w.fd);
    b.submit(first);
    w.say("one");
    CHECK(b.finish(first) == 3);
    b.recycle(first);
    w.say("two");
    b.turns(2);
    request accept(op_code::accept, w.fd);
    CHECK(b.perform(accept) == -EINVAL);
    request second(op_code::receive, w.fd);
    const int size = b.perform(second);
    REQUIRE(size == 3);
    CHECK(text_of(second, size) == "two");
    b.recycle(second);
  }
}

TEST_CASE_FIXTURE(no_leak, "without a free descriptor an accept waits for somebody to connect") {
  bare b;
  listener l(b.selector);
  const int client = unconnected();
  const int other = unconnected();
  request accepting(op_code::accept, l.fd);
  b.turns(2);
  {
    const no_descriptors limit;
    CHECK_FALSE(b.submit(accepting));
    b.turns(5);
    REQUIRE(accepting.completions == 0);
    connect(client, l);
    connect(other, l);
    CHECK(b.finish(accepting) == -EMFILE);
    // And again: it says so each time that it is asked.
    request again(op_code::accept, l.fd);
    CHECK(b.perform(again) == -EMFILE);
    b.turns(3);
  }
  for (int i = 0; i < 2; ++i) {
    request later(op_code::accept, l.fd);
    const int fd = b.perform(later);
    REQUIRE(fd >= 0);
    b.close(fd);
  }
  ::close(client);
  ::close(other);
}

TEST_CASE_FIXTURE(no_leak, "also after a connection: without a descriptor an accept waits") {
  bare b;
  listener l(b.selector);
  const int first = l.dial();
  request one(op_code::accept, l.fd);
  const int accepted = b.perform(one);
  REQUIRE(accepted >= 0);
  {
    const no_descriptors limit;
    request two(op_code::accept, l.fd);
    REQUIRE_FALSE(b.submit(two));
    b.turns(3);
    CHECK(two.completions == 0);
    b.selector.cancel(two);
    CHECK(b.finish(two) == -ECANCELED);
  }
  ::close(first);
  b.close(accepted);
}

TEST_CASE_FIXTURE(no_leak, "an accept that wants for descriptors can be cancelled and repeated") {
  bare b;
  listener l(b.selector);
  const int client = unconnected();
  b.turns(2);
  {
    const no_descriptors limit;
    for (int turns = 0; turns < 6; ++turns) {
      request accepting(op_code::accept, l.fd);
      CHECK_FALSE(b.submit(accepting));
      b.turns(turns);
      b.selector.cancel(accepting);
      CHECK(b.finish(accepting) == -ECANCELED);
    }
  }
  request accepting(op_code::accept, l.fd);
  b.submit(accepting);
  b.turns(3);
  connect(client, l);
  const int fd = b.finish(accepting);
  REQUIRE(fd >= 0);
  b.close(fd);
  ::close(client);
}

TEST_CASE_FIXTURE(no_leak, "descriptors that run out between two accepts lose nobody") {
  bare b;
  listener l(b.selector);
  std::vector<int> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(unconnected());
  b.turns(2);
  int accepted = 0;
  int refused = 0;
  {
    no_descriptors limit(8);
    connect(clients[0], l);
    request first(op_code::accept, l.fd);
    const int fd = b.perform(first);
    REQUIRE(fd >= 0);
    b.close(fd);
    ++accepted;
    limit.fill();
    for (int i = 1; i < 8; ++i) connect(clients[static_cast<std::size_t>(i)], l);
    b.turns(5);
    while (accepted < 8) {
      REQUIRE(refused < 100);
      request accepting(op_code::accept, l.fd);
      const int next = b.perform(accepting);
      if (next >= 0) {
        ++accepted;
        b.close(next);
        continue;
      }
      CHECK(next == -EMFILE);
      if (++refused == 3) limit.free_some(2);
    }
  }
  CHECK(refused == 3);
  for (const int fd : clients) ::close(fd);
}
