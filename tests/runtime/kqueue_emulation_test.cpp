// The specification of the kqueue emulation (tests/support/kqueue): what FreeBSD, NetBSD and macOS
// were seen to do, or do by their source. Where the emulation differs, the emulation is wrong.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../support/kqueue/emulation.hpp"

namespace {

using kqueue_emulation::mode;
using event = struct ::kevent;

constexpr int patience_s = 20;
constexpr int edge = EV_ADD | EV_CLEAR;

// Each case twice, and the mode of the environment afterwards.
class each_mode {
 public:
  each_mode() : before_(kqueue_emulation::current_mode()) {
    SUBCASE("FreeBSD") { kqueue_emulation::set_mode(mode::freebsd); }
    SUBCASE("macOS") { kqueue_emulation::set_mode(mode::macos); }
  }
  ~each_mode() { kqueue_emulation::set_mode(before_); }
  bool on_macos() const { return kqueue_emulation::current_mode() == mode::macos; }

 private:
  mode before_;
};

event make(std::uintptr_t ident, short filter, int flags, unsigned fflags = 0, int mark = 0) {
  event e{};
  e.ident = ident;
  e.filter = filter;
  e.flags = static_cast<unsigned short>(flags);
  e.fflags = fflags;
  e.udata = reinterpret_cast<void*>(static_cast<std::uintptr_t>(mark));
  return e;
}

class queue {
 public:
  queue() { REQUIRE(fd >= 0); }
  queue(const queue&) = delete;
  queue& operator=(const queue&) = delete;
  ~queue() { ::close(fd); }

  // 0 or the errno value.
  int change(std::intptr_t ident, short filter, int flags, unsigned fflags = 0, int mark = 0) {
    const event e = make(static_cast<std::uintptr_t>(ident), filter, flags, fflags, mark);
    return ::kevent(fd, &e, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
  }
  // What there is; waits for it if asked to.
  std::vector<event> events(int seconds = 0, int most = 16) {
    std::vector<event> all(static_cast<std::size_t>(most));
    const timespec limit{seconds, 0};
    const int count = ::kevent(fd, nullptr, 0, all.data(), most, &limit);
    REQUIRE(count >= 0);
    all.resize(static_cast<std::size_t>(count));
    return all;
  }
  // The one event that comes.
  event one() {
    const auto all = events(patience_s);
    REQUIRE(all.size() == 1);
    return all[0];
  }
  bool silent() { return events().empty(); }
  bool polls() const {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
  }

  int fd = ::kqueue();
};

// Two connected sockets, closed at the end unless one has been given up.
struct stream {
  explicit stream(bool tcp) {
    if (!tcp) {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
      return;
    }
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* address = reinterpret_cast<sockaddr*>(&at);
    REQUIRE(::bind(server, address, size) == 0);
    REQUIRE(::listen(server, 1) == 0);
    REQUIRE(::getsockname(server, address, &size) == 0);
    ends[0] = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::connect(ends[0], address, size) == 0);
    ends[1] = ::accept(server, nullptr, nullptr);
    for (const int fd : ends) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    ::close(server);
  }
  ~stream() {
    for (const int fd : ends) {
      if (fd >= 0) ::close(fd);
    }
  }
  void close_peer() { ::close(std::exchange(ends[1], -1)); }
  void reset_by_peer() {
    const linger now{1, 0};
    REQUIRE(::setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    close_peer();
  }
  void say(std::string_view text) const {
    REQUIRE(::send(ends[1], text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  int fd() const { return ends[0]; }
  std::array<int, 2> ends{-1, -1};
};

int hear(int fd, std::size_t most) {
  char bytes[64];
  const auto n = ::recv(fd, bytes, most, 0);
  return n < 0 ? -errno : static_cast<int>(n);
}

int error_of(int fd) {
  int error = -1;
  socklen_t size = sizeof error;
  REQUIRE(::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0);
  return error;
}

event with_filter(const std::vector<event>& all, short filter) {
  for (const event& e : all) {
    if (e.filter == filter) return e;
  }
  FAIL("no event of filter " << filter);
  return {};
}

bool has_eof(const event& e) { return (e.flags & EV_EOF) != 0; }

int socket_of_tcp() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }

}  // namespace

TEST_CASE_FIXTURE(each_mode, "kqueue: bytes and the end of the stream come in one event") {
  queue q;
  stream s(true);
  s.say("abc");
  ::shutdown(s.ends[1], SHUT_WR);
  CHECK(q.change(s.fd(), EVFILT_READ, edge) == 0);
  auto all = q.events(patience_s);
  while (!has_eof(all.at(0))) all = q.events(patience_s);
  CHECK(all[0].data == 3);
  CHECK(all[0].fflags == 0);
  CHECK(hear(s.fd(), 64) == 3);
  CHECK(hear(s.fd(), 64) == 0);
  s.close_peer();
  CHECK(q.silent());  // the end was told already
}

TEST_CASE_FIXTURE(each_mode, "kqueue: READ and WRITE are two registrations and two events") {
  queue q;
  stream s(false);
  s.say("abc");
  CHECK(q.change(s.fd(), EVFILT_READ, edge, 0, 1) == 0);
  CHECK(q.change(s.fd(), EVFILT_WRITE, edge, 0, 2) == 0);
  auto all = q.events(patience_s);
  REQUIRE(all.size() == 2);
  CHECK(with_filter(all, EVFILT_READ).data == 3);
  CHECK(with_filter(all, EVFILT_READ).udata == reinterpret_cast<void*>(1));
  CHECK(with_filter(all, EVFILT_WRITE).data > 3);
  CHECK(with_filter(all, EVFILT_WRITE).udata == reinterpret_cast<void*>(2));
  CHECK(q.silent());
  s.say("d");  // of what was not read, only new bytes tell; and nothing of the other direction
  all = q.events(patience_s);
  REQUIRE(all.size() == 1);
  CHECK(all[0].filter == EVFILT_READ);
  CHECK(all[0].data == 4);
  CHECK(q.change(s.fd(), EVFILT_READ | EVFILT_WRITE, edge) == 0);  // that is READ alone
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_DELETE) == ENOENT);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: without EV_CLEAR it is told until nothing is left") {
  queue q;
  stream s(false);
  s.say("ab");
  CHECK(q.change(s.fd(), EVFILT_READ, EV_ADD) == 0);
  CHECK(q.one().data == 2);
  CHECK(q.one().data == 2);
  CHECK(hear(s.fd(), 1) == 1);
  CHECK(q.one().data == 1);
  CHECK(hear(s.fd(), 1) == 1);
  CHECK(q.silent());
}

TEST_CASE_FIXTURE(each_mode, "kqueue: adding again fires again, and replaces udata") {
  queue q;
  stream s(true);
  s.say("abc");
  CHECK(q.change(s.fd(), EVFILT_READ, edge, 0, 1) == 0);
  CHECK(q.one().udata == reinterpret_cast<void*>(1));
  CHECK(q.silent());
  CHECK(q.change(s.fd(), EVFILT_READ, edge, 0, 2) == 0);
  CHECK(q.one().udata == reinterpret_cast<void*>(2));
  CHECK(q.change(s.fd(), EVFILT_READ, EV_ENABLE, 0, 3) == 0);
  CHECK(q.one().udata == reinterpret_cast<void*>(3));
}

TEST_CASE_FIXTURE(each_mode, "kqueue: what is disabled is silent until EV_ENABLE, also if added") {
  queue q;
  stream s(false);
  s.say("abc");
  CHECK(q.change(s.fd(), EVFILT_READ, edge | EV_DISABLE) == 0);
  CHECK(q.silent());
  CHECK(q.change(s.fd(), EVFILT_READ, EV_ADD) == 0);
  CHECK(q.silent());
  CHECK(q.change(s.fd(), EVFILT_READ, EV_ENABLE) == 0);
  CHECK(q.one().data == 3);

  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_ADD | EV_DISPATCH) == 0);
  CHECK(q.one().filter == EVFILT_WRITE);
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_ADD | EV_DISPATCH) == 0);
  CHECK(q.silent());
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_ADD | EV_ENABLE) == 0);
  CHECK(q.one().filter == EVFILT_WRITE);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: EV_ONESHOT is gone after its event") {
  queue q;
  stream s(false);
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_ADD | EV_ONESHOT) == 0);
  CHECK(q.one().filter == EVFILT_WRITE);
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_DELETE) == ENOENT);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: any close of a number ends its registrations") {
  queue q;
  stream s(false);
  CHECK(q.change(s.fd(), EVFILT_READ, edge) == 0);
  CHECK(q.change(s.fd(), EVFILT_WRITE, edge) == 0);
  const int fd = s.fd();
  const int copy = ::dup(fd);
  ::close(fd);
  s.ends[0] = copy;
  s.say("abc");
  CHECK(q.silent());
  CHECK(q.change(fd, EVFILT_READ, EV_DELETE) == EBADF);
  CHECK(q.change(fd, EVFILT_READ, EV_ADD) == EBADF);
  CHECK(::dup2(copy, fd) == fd);
  CHECK(q.change(fd, EVFILT_READ, EV_DELETE) == ENOENT);
  ::close(fd);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a refused connect ends both directions and says why") {
  queue q;
  const int deaf = socket_of_tcp();
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  REQUIRE(::bind(deaf, address, size) == 0);
  REQUIRE(::getsockname(deaf, address, &size) == 0);
  const int fd = socket_of_tcp();
  CHECK(q.change(fd, EVFILT_READ, edge) == 0);
  CHECK(q.change(fd, EVFILT_WRITE, edge) == 0);
  CHECK(q.silent());  // Linux polls what is not connected as writable and hung up
  CHECK(::connect(fd, address, size) != 0);
  REQUIRE(errno == EINPROGRESS);
  std::vector<event> all;
  while (all.size() < 2) {
    for (const event& e : q.events(patience_s)) all.push_back(e);
  }
  for (const short filter : {short{EVFILT_READ}, short{EVFILT_WRITE}}) {
    CHECK(has_eof(with_filter(all, filter)));
    CHECK(with_filter(all, filter).fflags == ECONNREFUSED);
  }
  CHECK(error_of(fd) == ECONNREFUSED);
  CHECK(error_of(fd) == 0);
  ::close(fd);
  ::close(deaf);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a reset ends both directions, after the bytes before it") {
  queue q;
  stream s(true);
  CHECK(q.change(s.fd(), EVFILT_WRITE, edge) == 0);
  CHECK(q.one().filter == EVFILT_WRITE);
  s.say("abc");
  s.reset_by_peer();
  const event e = q.one();
  CHECK(has_eof(e));
  CHECK(e.fflags == ECONNRESET);
  CHECK(q.change(s.fd(), EVFILT_READ, edge) == 0);
  const event r = q.one();
  CHECK(has_eof(r));
  CHECK(r.fflags == ECONNRESET);
  CHECK(r.data == 3);
  CHECK(hear(s.fd(), 64) == 3);
  CHECK(hear(s.fd(), 64) == -ECONNRESET);
  CHECK(hear(s.fd(), 64) == 0);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: data of a listening socket is the length of its queue") {
  queue q;
  const int server = socket_of_tcp();
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  REQUIRE(::bind(server, address, size) == 0);
  REQUIRE(::listen(server, 8) == 0);
  REQUIRE(::getsockname(server, address, &size) == 0);
  const int a = ::socket(AF_INET, SOCK_STREAM, 0);
  const int b = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::connect(a, address, size) == 0);
  REQUIRE(::connect(b, address, size) == 0);
  CHECK(q.change(server, EVFILT_READ, EV_ADD) == 0);
  CHECK(q.change(server, EVFILT_WRITE, EV_ADD) == 0);
  auto first = q.one();
  while (first.data == 1) first = q.one();
  CHECK(first.data == 2);
  const int accepted = ::accept(server, nullptr, nullptr);
  CHECK(q.one().data == 1);
  for (const int fd : {server, a, b, accepted}) ::close(fd);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: an error among changes is an answer, and no events come") {
  queue q;
  stream s(false);
  s.say("abc");
  const event changes[] = {make(900, EVFILT_READ, edge), make(static_cast<unsigned>(s.fd()),
                           EVFILT_READ, edge), make(901, EVFILT_READ, edge)};
  event answers[4];
  const timespec zero{};
  REQUIRE(::kevent(q.fd, changes, 3, answers, 4, &zero) == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK((answers[i].flags & EV_ERROR) != 0);
    // FreeBSD's answer has no other flag.
    CHECK((answers[i].flags == EV_ERROR) == !on_macos());
    CHECK(answers[i].data == EBADF);
  }
  CHECK(answers[0].ident == 900);
  CHECK(answers[1].ident == 901);
  CHECK(q.one().data == 3);

  // Without room it ends the list.
  CHECK(q.change(s.fd(), EVFILT_READ, EV_DELETE) == 0);
  CHECK(::kevent(q.fd, changes, 3, nullptr, 0, nullptr) == -1);
  CHECK(errno == EBADF);
  CHECK(q.silent());
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a receipt is an answer; FreeBSD stops where it has no room") {
  queue q;
  stream s(false);
  const auto ident = static_cast<std::uintptr_t>(s.fd());
  const event changes[] = {make(ident, EVFILT_READ, edge | EV_RECEIPT),
                           make(ident, EVFILT_WRITE, edge | EV_RECEIPT)};
  event answers[2];
  REQUIRE(::kevent(q.fd, changes, 2, answers, 2, nullptr) == 2);
  for (const event& answer : answers) {
    CHECK((answer.flags & EV_ERROR) != 0);
    CHECK(answer.data == 0);
  }
  CHECK(q.one().filter == EVFILT_WRITE);
  CHECK(q.change(s.fd(), EVFILT_READ, EV_DELETE) == 0);
  CHECK(q.change(s.fd(), EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(::kevent(q.fd, changes, 2, nullptr, 0, nullptr) == 0);
  CHECK(q.events().size() == (on_macos() ? 1 : 0));
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a pipe without reader or writer") {
  queue q;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK(q.change(ends[0], EVFILT_READ, edge) == 0);
  CHECK(q.change(ends[1], EVFILT_WRITE, edge) == 0);
  CHECK(q.one().data == 65536);
  CHECK(::write(ends[1], "abc", 3) == 3);
  CHECK(q.one().data == 3);
  ::close(ends[0]);
  CHECK(has_eof(q.one()));
  CHECK(q.change(ends[1], EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(q.change(ends[1], EVFILT_WRITE, edge) == (on_macos() ? 0 : EPIPE));
  CHECK(q.events().size() == (on_macos() ? 1 : 0));
  ::close(ends[1]);

  REQUIRE(::pipe(ends) == 0);
  CHECK(q.change(ends[0], EVFILT_READ, edge) == 0);
  ::close(ends[1]);
  const event e = q.one();
  CHECK(has_eof(e));
  CHECK(e.data == 0);
  ::close(ends[0]);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a user event, and a trigger together with EV_ADD") {
  queue q;
  CHECK(q.change(1, EVFILT_USER, edge, NOTE_TRIGGER, 7) == 0);
  CHECK(q.events().size() == (on_macos() ? 1 : 0));
  CHECK(q.change(1, EVFILT_USER, 0, NOTE_TRIGGER, 7) == 0);
  CHECK(q.change(1, EVFILT_USER, 0, NOTE_TRIGGER, 8) == 0);
  CHECK(q.polls());
  const event e = q.one();
  CHECK(e.ident == 1);
  CHECK(e.udata == reinterpret_cast<void*>(8));
  CHECK(q.silent());
  CHECK_FALSE(q.polls());
  CHECK(q.change(2, EVFILT_USER, 0, NOTE_TRIGGER) == ENOENT);

  CHECK(q.change(3, EVFILT_USER, EV_ADD, NOTE_FFCOPY | 5) == 0);
  CHECK(q.change(3, EVFILT_USER, 0, NOTE_FFOR | NOTE_TRIGGER | 8) == 0);
  CHECK(q.one().fflags == 13);
  CHECK(q.one().ident == 3);  // for ever: it was added without EV_CLEAR
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a trigger from another thread and from a signal handler") {
  static int triggered_queue;
  queue q;
  triggered_queue = q.fd;
  CHECK(q.change(1, EVFILT_USER, edge) == 0);
  for (int round = 0; round < 50; ++round) {
    std::thread other([&] { CHECK(q.change(1, EVFILT_USER, 0, NOTE_TRIGGER) == 0); });
    CHECK(q.one().filter == EVFILT_USER);
    other.join();
  }
  const auto before = std::signal(SIGUSR1, [](int) {
    const event e = make(1, EVFILT_USER, 0, NOTE_TRIGGER);
    (void)::kevent(triggered_queue, &e, 1, nullptr, 0, nullptr);
  });
  for (int round = 0; round < 50; ++round) {
    ::raise(SIGUSR1);
    CHECK(q.one().filter == EVFILT_USER);
  }
  std::signal(SIGUSR1, before);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a queue polls as readable, by poll, epoll and a kqueue") {
  queue inner;
  queue outer;
  stream s(false);
  const int foreign = ::epoll_create1(0);
  epoll_event asked{};
  asked.events = EPOLLIN;
  REQUIRE(::epoll_ctl(foreign, EPOLL_CTL_ADD, inner.fd, &asked) == 0);
  CHECK(inner.change(s.fd(), EVFILT_READ, edge) == 0);
  CHECK(outer.change(inner.fd, EVFILT_READ, edge) == 0);
  CHECK_FALSE(inner.polls());
  CHECK(outer.silent());
  s.say("abc");
  CHECK(inner.polls());
  epoll_event got{};
  CHECK(::epoll_wait(foreign, &got, 1, 0) == 1);
  CHECK(outer.one().ident == static_cast<std::uintptr_t>(inner.fd));
  CHECK(inner.one().data == 3);
  CHECK_FALSE(inner.polls());
  CHECK(::epoll_wait(foreign, &got, 1, 0) == 0);
  ::close(foreign);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a child that exits, and one that has done so before") {
  queue q;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::pause();
    ::_exit(1);
  }
  CHECK(q.change(child, EVFILT_PROC, EV_ADD, NOTE_EXIT) == 0);
  CHECK(q.silent());
  ::kill(child, SIGKILL);
  const event e = q.one();
  CHECK(e.ident == static_cast<std::uintptr_t>(child));
  CHECK((e.fflags & NOTE_EXIT) != 0);
  CHECK(has_eof(e));
  CHECK(e.data == (on_macos() ? 0 : SIGKILL));
  CHECK(q.change(child, EVFILT_PROC, EV_DELETE) == ENOENT);
  // Still a zombie.
  CHECK(q.change(child, EVFILT_PROC, EV_ADD, NOTE_EXIT) == (on_macos() ? ESRCH : 0));
  CHECK(q.events().size() == (on_macos() ? 0 : 1));
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(q.change(child, EVFILT_PROC, EV_ADD, NOTE_EXIT) == ESRCH);

  const pid_t next = ::fork();
  if (next == 0) {
    ::pause();
    ::_exit(1);
  }
  CHECK(q.change(next, EVFILT_PROC, EV_ADD, NOTE_EXIT | NOTE_EXITSTATUS) == 0);
  ::kill(next, SIGKILL);
  CHECK(q.one().data == SIGKILL);
  CHECK(::waitpid(next, &status, 0) == next);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a child of fork has no queue and ends no registration") {
  queue q;
  stream s(false);
  CHECK(q.change(s.fd(), EVFILT_READ, edge) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const timespec zero{};
    event e;
    const bool refused = ::kevent(q.fd, nullptr, 0, &e, 1, &zero) == -1 && errno == EBADF;
    ::close(s.fd());
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  s.say("abc");
  CHECK(q.one().data == 3);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: timeouts, and an event list of any length") {
  queue q;
  stream s(false);
  event e;
  const timespec bad{0, 2'000'000'000};
  CHECK(::kevent(q.fd, nullptr, 0, &e, 1, &bad) == -1);
  CHECK(errno == EINVAL);
  CHECK(::kevent(q.fd, nullptr, 0, nullptr, 0, nullptr) == 0);  // returns at once
  CHECK(::kevent(-1, nullptr, 0, &e, 1, nullptr) == -1);
  CHECK(errno == EBADF);
  const timespec little{0, 1'000'000};
  CHECK(::kevent(q.fd, nullptr, 0, &e, 1, &little) == 0);

  s.say("abc");
  CHECK(q.change(s.fd(), EVFILT_READ, edge) == 0);
  CHECK(q.change(s.fd(), EVFILT_WRITE, edge) == 0);
  const auto first = q.events(patience_s, 1);
  REQUIRE(first.size() == 1);
  CHECK(q.polls());
  const auto second = q.events(patience_s, 1);
  REQUIRE(second.size() == 1);
  CHECK(first[0].filter != second[0].filter);
  CHECK(q.silent());
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a signal ends the wait with EINTR, its changes applied") {
  queue q;
  stream s(false);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
  const event change = make(static_cast<unsigned>(s.fd()), EVFILT_READ, edge);
  event e;
  ::ualarm(20'000, 20'000);
  CHECK(::kevent(q.fd, &change, 1, &e, 1, nullptr) == -1);
  CHECK(errno == EINTR);
  ::ualarm(0, 0);
  REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
  s.say("abc");
  CHECK(q.one().data == 3);
}

TEST_CASE_FIXTURE(each_mode, "kqueue: a file tells what is left of it, and is always writable") {
  queue q;
  char name[] = "/dev/shm/eddy-kqueue-XXXXXX";
  const int fd = ::mkstemp(name);
  REQUIRE(fd >= 0);
  ::unlink(name);
  REQUIRE(::pwrite(fd, "abcd", 4, 0) == 4);
  CHECK(q.change(fd, EVFILT_READ, EV_ADD) == 0);
  CHECK(q.one().data == 4);
  char bytes[8];
  CHECK(::read(fd, bytes, sizeof bytes) == 4);
  CHECK(q.silent());
  CHECK(q.change(fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT) == 0);
  CHECK(q.one().filter == EVFILT_WRITE);
  ::close(fd);
}
