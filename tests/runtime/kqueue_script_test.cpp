// kqueue.cpp against a kernel that misbehaves at will, and what it says to it word by word. The
// program is built twice: with EVFILT_USER in its <sys/event.h>, and without.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <system_error>

#include "../../runtime/selector/poller.hpp"
#include "kqueue_script.hpp"

using namespace kqueue_script;
using eddy::detail::poller;
using eddy::detail::readiness_event;

namespace {

constexpr std::uint32_t generation = 0x89abcdef;
constexpr int fd = 17;

std::uint64_t token_of(int of, std::uint32_t g = generation) {
  return std::uint64_t{g} << 32 | static_cast<std::uint32_t>(of);
}

std::uintptr_t mark_of(const event& e) { return reinterpret_cast<std::uintptr_t>(e.udata); }

// A script, and a poller made while everything went well.
class scripted {
 protected:
  scripted() { kernel.calls.clear(); }

  std::size_t wait(std::int64_t timeout_ns = 0) { return p.wait(out, timeout_ns); }
  readiness_event only(event e) {
    kernel.tell({e});
    REQUIRE(wait() == 1);
    return out[0];
  }
  // The last call took away what a call before it may have added.
  void check_taken_back() {
    bool read = false;
    bool write = false;
    for (std::size_t i = 1; i < kernel.calls.size(); ++i) {
      for (const event& c : kernel.calls[i].changes) {
        CHECK(c.ident == static_cast<std::uintptr_t>(fd));
        CHECK((c.flags & EV_DELETE) != 0);
        read |= c.filter == EVFILT_READ;
        write |= c.filter == EVFILT_WRITE;
      }
    }
    CHECK(read);
    CHECK(write);
  }
  int changes_of(short filter) const {
    int count = 0;
    for (const call& c : kernel.calls) {
      for (const event& e : c.changes) count += e.filter == filter;
    }
    return count;
  }

  script kernel;
  poller p;
  std::array<readiness_event, 8> out;
};

std::string refusal() {
  try {
    poller p;
  } catch (const std::system_error& e) {
    return std::to_string(e.code().value()) + " " + e.what();
  }
  return "none";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string number(int error) { return std::to_string(error) + " "; }

}  // namespace

TEST_CASE_FIXTURE(scripted, "kqueue: READ and WRITE are two changes, enabled and edge-triggered") {
  CHECK(p.add(fd, token_of(fd)) == 0);
  REQUIRE(kernel.calls.size() == 1);
  const call& asked = kernel.calls[0];
  REQUIRE(asked.changes.size() == 2);
  CHECK(asked.room >= 2);  // for both receipts
  CHECK(asked.changes[0].filter == EVFILT_READ);
  CHECK(asked.changes[1].filter == EVFILT_WRITE);
  for (const event& c : asked.changes) {
    CHECK(c.ident == static_cast<std::uintptr_t>(fd));
    CHECK(c.flags == (EV_ADD | EV_ENABLE | EV_CLEAR | EV_RECEIPT));
    CHECK(mark_of(c) == generation);
    CHECK(c.fflags == 0);
    CHECK(c.data == 0);
    for (const std::uint64_t more : c.ext) CHECK(more == 0);
  }
}

TEST_CASE_FIXTURE(scripted, "kqueue: the end of READ is not an error: it comes with bytes") {
  event e = happened(fd, EVFILT_READ, EV_ADD | EV_CLEAR | EV_EOF, generation);
  e.data = 3;
  for (const unsigned error : {0u, unsigned{ECONNRESET}}) {
    e.fflags = error;
    const readiness_event r = only(e);
    CHECK(r.token == token_of(fd));
    CHECK(r.readable);
    CHECK(r.ended);
    CHECK_FALSE(r.writable);
  }
}

TEST_CASE_FIXTURE(scripted, "kqueue: fflags without EV_EOF are not the end") {
  event e = happened(fd, EVFILT_READ, EV_CLEAR, generation);
  e.fflags = 1;
  CHECK(only(e).readable);
  CHECK_FALSE(out[0].ended);
}

TEST_CASE_FIXTURE(scripted, "kqueue: the end of WRITE is writable, and says nothing of reading") {
  const readiness_event r = only(happened(fd, EVFILT_WRITE, EV_CLEAR | EV_EOF, generation));
  CHECK(r.writable);
  CHECK_FALSE(r.readable);
  CHECK_FALSE(r.ended);
}

TEST_CASE_FIXTURE(scripted, "kqueue: two events of one descriptor, in any order") {
  kernel.tell({happened(fd, EVFILT_WRITE, EV_CLEAR, generation),
               happened(fd, EVFILT_READ, EV_CLEAR, generation)});
  REQUIRE(wait() == 2);
  CHECK(out[0].writable);
  CHECK_FALSE(out[0].readable);
  CHECK(out[1].readable);
  CHECK_FALSE(out[1].writable);
}

TEST_CASE_FIXTURE(scripted, "kqueue: an event of an older registration carries its generation") {
  CHECK(only(happened(fd, EVFILT_READ, 0, 1)).token == token_of(fd, 1));
  CHECK(only(happened(fd, EVFILT_READ, 0, UINT32_MAX)).token == token_of(fd, UINT32_MAX));
}

TEST_CASE_FIXTURE(scripted, "kqueue: an error entry among events is nobody's event") {
  kernel.tell({receipt(fd, EVFILT_READ, EBADF, EV_ADD), happened(fd, EVFILT_READ, 0, generation),
               receipt(fd, EVFILT_WRITE, ENOENT)});
  CHECK(wait() == 1);
  CHECK(out[0].token == token_of(fd));
}

TEST_CASE_FIXTURE(scripted, "kqueue: an interrupted change has been made, and is not made again") {
  kernel.fail(EINTR);
  CHECK(p.add(fd, token_of(fd)) == 0);
  CHECK(kernel.calls.size() == 1);
  kernel.fail(EINTR);
  CHECK(p.watch(fd, token_of(fd), true, false) == 0);
  CHECK(kernel.calls.size() == 2);
  kernel.calls.clear();
  for (int i = 0; i < 2; ++i) kernel.fail(EINTR);
  p.unwatch(fd);
  CHECK(changes_of(EVFILT_READ) == 1);
  CHECK(changes_of(EVFILT_WRITE) == 1);
}

TEST_CASE_FIXTURE(scripted, "kqueue: an interrupted wait has no events, and ends") {
  kernel.fail(EINTR);
  CHECK(wait(-1) == 0);
  CHECK(kernel.calls.size() == 1);
}

TEST_CASE_FIXTURE(scripted, "kqueue: the kernel is out of memory") {
  kernel.fail(ENOMEM);
  CHECK(p.add(fd, token_of(fd)) == -ENOMEM);
  check_taken_back();
  kernel.calls.clear();
  kernel.fail(ENOMEM);
  CHECK(p.watch(fd, token_of(fd), true, true) == -ENOMEM);
  check_taken_back();
}

TEST_CASE_FIXTURE(scripted, "kqueue: one of the two changes fails, and the other is taken back") {
  for (const unsigned flags : {0u, unsigned{EV_ADD | EV_CLEAR}}) {  // FreeBSD's, macOS's
    for (const bool first : {true, false}) {
      CAPTURE(flags);
      CAPTURE(first);
      kernel.calls.clear();
      kernel.tell({receipt(fd, EVFILT_READ, first ? EMFILE : 0, flags),
                   receipt(fd, EVFILT_WRITE, first ? 0 : EMFILE, flags)});
      CHECK(p.add(fd, token_of(fd)) == -EMFILE);
      check_taken_back();
    }
  }
}

TEST_CASE_FIXTURE(scripted, "kqueue: EPIPE for WRITE is left to the first write") {
  kernel.tell({receipt(fd, EVFILT_READ, 0), receipt(fd, EVFILT_WRITE, EPIPE)});
  CHECK(p.add(fd, token_of(fd)) == 0);
  CHECK(kernel.calls.size() == 1);
  kernel.tell({receipt(fd, EVFILT_READ, EPIPE), receipt(fd, EVFILT_WRITE, 0)});
  CHECK(p.add(fd, token_of(fd)) == -EPIPE);
}

TEST_CASE_FIXTURE(scripted, "kqueue: what is watched is wanted once, and the rest is deleted") {
  for (const bool readable : {true, false}) {
    kernel.calls.clear();
    kernel.tell({receipt(fd, EVFILT_READ, readable ? 0 : ENOENT),
                 receipt(fd, EVFILT_WRITE, readable ? ENOENT : 0)});
    CHECK(p.watch(fd, token_of(fd), readable, !readable) == 0);
    REQUIRE(kernel.calls.size() == 1);
    REQUIRE(kernel.calls[0].changes.size() == 2);
    CHECK(kernel.calls[0].room >= 2);
    for (const event& c : kernel.calls[0].changes) {
      const bool wanted = (c.filter == EVFILT_READ) == readable;
      CHECK(mark_of(c) == generation);
      CHECK(c.flags ==
            EV_RECEIPT + (wanted ? EV_ADD | EV_ENABLE | EV_ONESHOT : EV_DELETE));
    }
  }
  kernel.tell({receipt(fd, EVFILT_READ, EBADF), receipt(fd, EVFILT_WRITE, EBADF)});
  CHECK(p.watch(fd, token_of(fd), true, false) == -EBADF);
}

TEST_CASE_FIXTURE(scripted, "kqueue: what is not there can be unwatched") {
  for (const int error : {ENOENT, EBADF}) {
    kernel.tell({receipt(fd, EVFILT_READ, error), receipt(fd, EVFILT_WRITE, error)});
    p.unwatch(fd);
  }
  CHECK(kernel.calls[0].changes[0].flags == (EV_DELETE | EV_RECEIPT));
  CHECK(kernel.calls[0].changes[1].flags == (EV_DELETE | EV_RECEIPT));
}

TEST_CASE_FIXTURE(scripted, "kqueue: a file cannot be watched, and the kernel is not asked") {
  const int directory = ::open(".", O_RDONLY | O_CLOEXEC);
  REQUIRE(directory >= 0);
  CHECK(p.watch(directory, token_of(directory), true, false) == -EPERM);
  CHECK(kernel.calls.empty());
  ::close(directory);
}

TEST_CASE_FIXTURE(scripted, "kqueue: a timeout has whole seconds and less than one more") {
  wait(2'000'000'001);
  CHECK(kernel.calls[0].timeout.tv_sec == 2);
  CHECK(kernel.calls[0].timeout.tv_nsec == 1);
  wait(999'999'999);
  CHECK(kernel.calls[1].timeout.tv_sec == 0);
  CHECK(kernel.calls[1].timeout.tv_nsec == 999'999'999);
  wait(0);
  CHECK_FALSE(kernel.calls[2].waits_for_ever);
  CHECK(kernel.calls[2].timeout.tv_sec == 0);
  CHECK(kernel.calls[2].timeout.tv_nsec == 0);
  wait(INT64_MAX);
  CHECK_FALSE(kernel.calls[3].waits_for_ever);
  CHECK(kernel.calls[3].timeout.tv_sec > 0);
  CHECK(kernel.calls[3].timeout.tv_sec < 100'000'000);
  wait(-1);
  CHECK(kernel.calls[4].waits_for_ever);
  for (const call& c : kernel.calls) CHECK(c.room > 0);  // with none, kevent would not wait
}

TEST_CASE_FIXTURE(scripted, "kqueue: a full list, and never more events than there is room for") {
  std::vector<event> many(1000, happened(fd, EVFILT_READ, 0, generation));
  kernel.tell(many);
  CHECK(wait() == out.size());
  CHECK(kernel.calls[0].room == static_cast<int>(out.size()));
  std::vector<readiness_event> room(1000);
  kernel.tell(many);
  const std::size_t count = p.wait(room, 0);
  CHECK(count == static_cast<std::size_t>(kernel.calls[1].room));
  CHECK(count >= 64);
  for (std::size_t i = 0; i < count; ++i) CHECK(room[i].token == token_of(fd));
}

TEST_CASE("kqueue: the queue is close-on-exec") {
  script kernel;
  poller p;
  CHECK((::fcntl(p.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("kqueue: a queue that cannot be made says what failed, and leaves nothing") {
  script kernel;
  kernel.queue_error = EMFILE;
  CHECK(has(refusal(), number(EMFILE) + "kqueue"));
  kernel.queue_error = 0;
  kernel.fcntl_error = EINVAL;
  CHECK(has(refusal(), number(EINVAL) + "close-on-exec for a kqueue"));
}

namespace {

// As on a kernel without EVFILT_USER.
class without_user {
 protected:
  void refuse() {
#ifdef EVFILT_USER
    kernel.fail(EINVAL);
#endif
  }
  script kernel;
};

}  // namespace

TEST_CASE_FIXTURE(without_user, "kqueue: a pipe that cannot be made says so, and leaves nothing") {
  kernel.pipe_error = EMFILE;
  refuse();
  CHECK(has(refusal(), number(EMFILE) + "EVFILT_USER or a pipe"));
  kernel.pipe_error = 0;
  for (int before = 1; before <= 4; ++before) {
    refuse();
    kernel.fcntl_error = EINVAL;
    kernel.fcntl_calls_before = before;
    CHECK(has(refusal(), number(EINVAL) + "EVFILT_USER or a pipe"));
  }
  kernel.fcntl_error = 0;
  refuse();
  kernel.fail(ENOMEM);
  CHECK(has(refusal(), number(ENOMEM) + "EVFILT_USER or a pipe"));
}

TEST_CASE_FIXTURE(without_user, "kqueue: woken by a pipe, which is emptied and never blocks") {
  refuse();
  poller p;
  REQUIRE(!kernel.calls.empty());
  REQUIRE(kernel.calls.back().changes.size() == 1);
  const event added = kernel.calls.back().changes[0];
  const int source = static_cast<int>(added.ident);
  CHECK(added.filter == EVFILT_READ);
  CHECK((added.flags & (EV_ADD | EV_CLEAR)) == (EV_ADD | EV_CLEAR));
  CHECK((::fcntl(source, F_GETFD) & FD_CLOEXEC) != 0);
  for (int i = 0; i < 100'000; ++i) p.wake();  // more than a pipe holds
  errno = 7;
  p.wake();
  CHECK(errno == 7);
  kernel.tell({happened(source, EVFILT_READ, EV_CLEAR), happened(fd, EVFILT_READ, 0, generation)});
  std::array<readiness_event, 8> out;
  REQUIRE(p.wait(out, -1) == 1);
  CHECK(out[0].token == token_of(fd));
  int left = -1;
  CHECK(::ioctl(source, FIONREAD, &left) == 0);
  CHECK(left == 0);
}

#ifdef EVFILT_USER

TEST_CASE("kqueue: woken by EVFILT_USER, added first, triggered later, the same udata") {
  script kernel;
  poller p;
  p.wake();
  REQUIRE(kernel.calls.size() == 2);
  const event added = kernel.calls[0].changes.at(0);
  CHECK(added.filter == EVFILT_USER);
  CHECK((added.flags & (EV_ADD | EV_CLEAR)) == (EV_ADD | EV_CLEAR));  // else it fires for ever
  CHECK((added.fflags & NOTE_TRIGGER) == 0);                          // fires on macOS only
  const event triggered = kernel.calls[1].changes.at(0);
  CHECK(triggered.filter == EVFILT_USER);
  CHECK(triggered.ident == added.ident);
  CHECK((triggered.flags & EV_ADD) == 0);
  CHECK((triggered.fflags & NOTE_TRIGGER) != 0);
  CHECK(triggered.udata == added.udata);
  CHECK(kernel.calls[1].room == 0);

  kernel.fail(ENOMEM);
  errno = 7;
  p.wake();
  CHECK(errno == 7);
  kernel.tell({added});
  std::array<readiness_event, 8> out;
  CHECK(p.wait(out, -1) == 0);
}

TEST_CASE_FIXTURE(scripted, "kqueue: EPIPE for a watched WRITE becomes an event of our own") {
  kernel.tell({receipt(fd, EVFILT_READ, ENOENT), receipt(fd, EVFILT_WRITE, EPIPE)});
  CHECK(p.watch(fd, token_of(fd), false, true) == 0);
  REQUIRE(kernel.calls.size() == 3);
  const event& added = kernel.calls[1].changes.at(0);
  const event& triggered = kernel.calls[2].changes.at(0);
  CHECK(added.flags == (EV_ADD | EV_ENABLE | EV_ONESHOT));
  CHECK((triggered.fflags & NOTE_TRIGGER) != 0);
  for (const event* e : {&added, &triggered}) {
    CHECK(e->filter == EVFILT_USER);
    CHECK(e->ident == static_cast<std::uintptr_t>(fd));
    CHECK(mark_of(*e) == generation);
  }
  const readiness_event r = only(happened(fd, EVFILT_USER, EV_ONESHOT, generation));
  CHECK(r.token == token_of(fd));
  CHECK(r.writable);
  CHECK_FALSE(r.readable);

  kernel.tell({receipt(fd, EVFILT_READ, ENOENT), receipt(fd, EVFILT_WRITE, EPIPE)});
  kernel.fail(ENOMEM);
  CHECK(p.watch(fd, token_of(fd), false, true) == -ENOMEM);
  kernel.calls.clear();
  p.unwatch(fd);
  CHECK(changes_of(EVFILT_USER) == 1);
}

#else

TEST_CASE_FIXTURE(scripted, "kqueue: EPIPE for a watched WRITE is the answer without EVFILT_USER") {
  kernel.tell({receipt(fd, EVFILT_READ, ENOENT), receipt(fd, EVFILT_WRITE, EPIPE)});
  CHECK(p.watch(fd, token_of(fd), false, true) == -EPIPE);
}

#endif
