// A poller by kqueue(2), woken by EVFILT_USER, or by a pipe where there is none.
//
// READ and WRITE are two registrations of a descriptor. Both carry its generation in udata: a
// pointer of 32 bits has no room for the whole token, and the descriptor is the event's ident.
#include <fcntl.h>
#include <sys/types.h>
// sys/event.h of older BSDs needs sys/types.h before it.
#include <sys/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "poller.hpp"

namespace eddy::inline v1::detail {

namespace {

using event = struct ::kevent;

constexpr std::size_t events_at_once = 256;
constexpr std::int64_t ns_per_s = 1'000'000'000;
// A time_t may have 32 bits, and OpenBSD refuses more than 100,000,000 s: the caller waits again.
constexpr std::int64_t longest_wait_s = 24 * 3600;
constexpr auto wake_ident = static_cast<decltype(event::ident)>(-1);  // no descriptor

// Every field is set: FreeBSD's has more than the man page names.
event make_change(decltype(event::ident) ident, int filter, int flags,
                  std::uint64_t token) noexcept {
  event e{};
  e.ident = ident;
  e.filter = static_cast<decltype(e.filter)>(filter);
  e.flags = static_cast<decltype(e.flags)>(flags);
  // Not a C++ cast: udata is a pointer, but an integer on NetBSD before 10.
  e.udata = (decltype(e.udata))static_cast<std::uintptr_t>(token >> 32);
  return e;
}

event make_change(int fd, int filter, int flags, std::uint64_t token) noexcept {
  return make_change(static_cast<decltype(event::ident)>(fd), filter, flags, token);
}

// One change without an answer. 0, or a negative errno value.
int apply(int queue, const event& change) noexcept {
  return ::kevent(queue, &change, 1, nullptr, 0, nullptr) == 0 || errno == EINTR ? 0 : -errno;
}

// What went wrong with READ and WRITE; negative errno values.
struct outcome {
  int read = 0;
  int write = 0;
};

// Both changes by one call. Each has EV_RECEIPT and room for its answer: without room an error
// would end the list, and FreeBSD would end it at the first receipt.
outcome apply(int queue, event (&changes)[2]) noexcept {
  event answers[2];
  for (event& change : changes) {
    change.flags = static_cast<decltype(change.flags)>(change.flags | EV_RECEIPT);
  }
  const int count = ::kevent(queue, changes, 2, answers, 2, nullptr);
  // After EINTR the changes have been applied.
  if (count < 0) return errno == EINTR ? outcome() : outcome{-errno, -errno};
  outcome result;
  for (int i = 0; i < count; ++i) {
    if (!(answers[i].flags & EV_ERROR)) continue;
    (answers[i].filter == EVFILT_READ ? result.read : result.write) =
        -static_cast<int>(answers[i].data);
  }
  return result;
}

// For the write side of what can never be written to again, where the kernel registers nothing: an
// event of our own.
int tell_writable(int queue, int fd, std::uint64_t token) noexcept {
#ifdef EVFILT_USER
  event change = make_change(fd, EVFILT_USER, EV_ADD | EV_ENABLE | EV_ONESHOT, token);
  const int failed = apply(queue, change);
  if (failed) return failed;
  // A trigger together with EV_ADD fires on macOS only.
  change = make_change(fd, EVFILT_USER, 0, token);
  change.fflags = NOTE_TRIGGER;
  return apply(queue, change);
#else
  (void)queue, (void)fd, (void)token;
  return -EPIPE;
#endif
}

// What wake() acts on: the queue itself, or a pipe where EVFILT_USER is missing or refused.
struct waker {
  int error = 0;  // negative errno value
  int ends[2] = {-1, -1};
};

waker open_pipe(int queue) noexcept {
  waker w;
  if (::pipe(w.ends) != 0) {
    w.error = -errno;
    return w;
  }
  for (const int fd : w.ends) {
    const bool set = ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
    if (!set && !w.error) w.error = -errno;
  }
  if (!w.error) w.error = apply(queue, make_change(w.ends[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0));
  if (!w.error) return w;
  for (const int fd : w.ends) ::close(fd);
  return w;
}

waker open_waker(int queue) noexcept {
#ifdef EVFILT_USER
  // Without EV_CLEAR it would fire for ever.
  if (!apply(queue, make_change(wake_ident, EVFILT_USER, EV_ADD | EV_CLEAR, 0))) return waker();
#endif
  return open_pipe(queue);
}

// The next write is an event in any case, but a full pipe takes none.
void drain(int fd) noexcept {
  char bytes[256];
  while (::read(fd, bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
  }
}

// Files and directories are always ready on some systems, silent at their end on others, and
// refused by epoll.
bool is_file(int fd) noexcept {
  struct stat status;
  return ::fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

}  // namespace

poller::poller() {
  queue_ = ::kqueue();
  if (queue_ < 0) throw std::system_error(errno, std::system_category(), "kqueue");
  const char* what = "close-on-exec for a kqueue";
  waker w;
  if (::fcntl(queue_, F_SETFD, FD_CLOEXEC) != 0) {
    w.error = -errno;
  } else {
    what = "EVFILT_USER or a pipe for waking the loop";
    w = open_waker(queue_);
  }
  if (w.error) {
    ::close(queue_);
    throw std::system_error(-w.error, std::system_category(), what);
  }
  wake_source_ = w.ends[0];
  wake_ = w.ends[1];
}

poller::~poller() {
  if (wake_ >= 0) ::close(wake_);
  if (wake_source_ >= 0) ::close(wake_source_);
  ::close(queue_);
}

const char* poller::name() noexcept { return "kqueue"; }

int poller::add(int fd, std::uint64_t token) noexcept {
  constexpr int edges = EV_ADD | EV_ENABLE | EV_CLEAR;
  event changes[] = {make_change(fd, EVFILT_READ, edges, token),
                     make_change(fd, EVFILT_WRITE, edges, token)};
  outcome result = apply(queue_, changes);
  // The peer of a pipe has gone: the first write says so, and is tried before anybody waits.
  if (result.write == -EPIPE) result.write = 0;
  const int failed = result.read ? result.read : result.write;
  if (failed) unwatch(fd);  // no half of it stays
  return failed;
}

int poller::watch(int fd, std::uint64_t token, bool readable, bool writable) noexcept {
  if (is_file(fd)) return -EPERM;
  // EV_ADD alone does not enable what was disabled, whatever the man pages say.
  constexpr int once = EV_ADD | EV_ENABLE | EV_ONESHOT;
  event changes[] = {make_change(fd, EVFILT_READ, readable ? once : EV_DELETE, token),
                     make_change(fd, EVFILT_WRITE, writable ? once : EV_DELETE, token)};
  outcome result = apply(queue_, changes);
  // What is not wanted may well not be there.
  if (!readable) result.read = 0;
  if (!writable) result.write = 0;
  if (result.write == -EPIPE) result.write = tell_writable(queue_, fd, token);
  const int failed = result.read ? result.read : result.write;
  if (failed) unwatch(fd);
  return failed;
}

void poller::unwatch(int fd) noexcept {
  event changes[] = {make_change(fd, EVFILT_READ, EV_DELETE, 0),
                     make_change(fd, EVFILT_WRITE, EV_DELETE, 0)};
  (void)apply(queue_, changes);
#ifdef EVFILT_USER
  (void)apply(queue_, make_change(fd, EVFILT_USER, EV_DELETE, 0));
#endif
}

std::size_t poller::wait(std::span<readiness_event> out, std::int64_t timeout_ns) noexcept {
  event events[events_at_once];
  const int most = static_cast<int>(std::min(out.size(), events_at_once));
  timespec limit{};
  limit.tv_sec = static_cast<time_t>(std::min(timeout_ns / ns_per_s, longest_wait_s));
  limit.tv_nsec = static_cast<long>(timeout_ns % ns_per_s);
  // A negative count is EINTR: a signal.
  const int count = ::kevent(queue_, nullptr, 0, events, most, timeout_ns < 0 ? nullptr : &limit);
  std::size_t written = 0;
  for (int i = 0; i < count; ++i) {
    const event& e = events[i];
    if (e.flags & EV_ERROR || e.ident == wake_ident) continue;
    const int fd = static_cast<int>(e.ident);
    if (fd == wake_source_) {
      drain(fd);
      continue;
    }
    readiness_event& r = out[written++];
    const auto generation = static_cast<std::uint32_t>((std::uintptr_t)e.udata);
    r.token = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
    // The end of READ comes with what is still to be read; that of WRITE fails the next write.
    r.readable = e.filter == EVFILT_READ;
    r.ended = r.readable && (e.flags & EV_EOF);
#ifdef EV_OOBAND
    r.urgent = r.readable && (e.flags & EV_OOBAND);
#endif
    r.writable = !r.readable;
  }
  return written;
}

void poller::wake() noexcept {
  const int saved = errno;  // this may run in a signal handler
  if (wake_ >= 0) {
    [[maybe_unused]] const auto n = ::write(wake_, "", 1);
  } else {
#ifdef EVFILT_USER
    // Any change replaces udata: it is the same as at first.
    event change = make_change(wake_ident, EVFILT_USER, 0, 0);
    change.fflags = NOTE_TRIGGER;
    (void)apply(queue_, change);
#endif
  }
  errno = saved;
}

}  // namespace eddy::inline v1::detail
