#include "queue.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "emulation.hpp"

namespace kqueue_emulation {

namespace {

// Marks a pid in epoll's data, where other idents are descriptors.
constexpr std::uint64_t pid_mark = std::uint64_t{1} << 63;

bool of_descriptor(short filter) { return filter == EVFILT_READ || filter == EVFILT_WRITE; }

bool is_open(uintptr_t fd) {
  return fd <= INT32_MAX && ::fcntl(static_cast<int>(fd), F_GETFD) >= 0;
}

int watch(int epoll, int operation, int fd, std::uint32_t events, std::uint64_t data) {
  epoll_event e{};
  e.events = events;
  e.data.u64 = data;
  return ::epoll_ctl(epoll, operation, fd, &e) == 0 ? 0 : errno;
}

}  // namespace

// Not close-on-exec, as on the BSDs: that is left to who calls kqueue().
queue::queue() {
  outer_ = ::epoll_create1(0);
  in_ = ::epoll_create1(EPOLL_CLOEXEC);
  out_ = ::epoll_create1(EPOLL_CLOEXEC);
  pending_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int error = outer_ < 0 || in_ < 0 || out_ < 0 || pending_ < 0 ? errno : 0;
  for (const int fd : {in_, out_, pending_}) {
    if (!error) error = watch(outer_, EPOLL_CTL_ADD, fd, EPOLLIN, 0);
  }
  if (!error) return;
  if (outer_ >= 0) __real_close(outer_);
  outer_ = -1;
  errno = error;
}

queue::~queue() {
  for (const int fd : {in_, out_, pending_}) {
    if (fd >= 0) __real_close(fd);
  }
  for (auto& [where, k] : knotes_) {
    if (k.pidfd >= 0) __real_close(k.pidfd);
  }
}

// Makes the kernel tell of changes. 0 or an errno value.
int queue::attach(knote& k) {
  if (k.filter == EVFILT_PROC) {
    const int error = attach_process(k);
    if (error) return error;
    return watch(in_, EPOLL_CTL_ADD, k.pidfd, EPOLLIN | EPOLLET, k.ident | pid_mark);
  }
  if (!of_descriptor(k.filter)) return 0;
  const int fd = static_cast<int>(k.ident);
  int error = 0;
  if (k.filter == EVFILT_READ) {
    error = watch(in_, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, k.ident);
  } else {
    if (current_mode() == mode::freebsd && has_no_reader(fd)) return EPIPE;
    error = watch(out_, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLET, k.ident);
  }
  if (error != EPERM) return error;
  k.is_file = true;
  return 0;
}

void queue::touch(knote& k, const struct kevent& c, bool is_new) {
  k.udata = c.udata;
#ifdef EVFILT_USER
  if (k.filter == EVFILT_USER) {
    const unsigned given = c.fflags & NOTE_FFLAGSMASK;
    switch (c.fflags & NOTE_FFCTRLMASK) {
      case NOTE_FFAND: k.fflags &= given; break;
      case NOTE_FFOR: k.fflags |= given; break;
      case NOTE_FFCOPY: k.fflags = given; break;
      default: break;
    }
    k.data = c.data;
    const bool heard = !is_new || current_mode() == mode::macos;
    if (c.fflags & NOTE_TRIGGER && heard) k.triggered = true;
    return;
  }
#endif
  (void)is_new;
  k.fflags = c.fflags;
  k.data = c.data;
}

// Finds or makes the registration of `c`. 0 or an errno value.
int queue::add(const struct kevent& c, knote*& k) {
  if (k && of_descriptor(c.filter) && !k->is_file) {
    // Closed behind our back: epoll has forgotten it.
    const int epoll = c.filter == EVFILT_READ ? in_ : out_;
    const std::uint32_t events =
        c.filter == EVFILT_READ ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLOUT | EPOLLET;
    const int fd = static_cast<int>(c.ident);
    if (watch(epoll, EPOLL_CTL_MOD, fd, events, c.ident) == ENOENT) {
      erase(*k);
      k = nullptr;
    }
  }
  if (k) return 0;
  knote made;
  made.ident = c.ident;
  made.filter = c.filter;
  made.flags = c.flags & (EV_CLEAR | EV_ONESHOT | EV_DISPATCH);
  const int error = attach(made);
  if (error) {
    if (made.pidfd >= 0) __real_close(made.pidfd);
    return error;
  }
  k = &(knotes_[{c.filter, c.ident}] = made);
  ready_.reserve(knotes_.size());
  scanned_.reserve(knotes_.size());
  touch(*k, c, true);
  return 0;
}

int queue::change(const struct kevent& c) {
  const short known[] = {EVFILT_READ, EVFILT_WRITE, EVFILT_PROC,
#ifdef EVFILT_USER
                         EVFILT_USER
#endif
  };
  if (std::find(std::begin(known), std::end(known), c.filter) == std::end(known)) return EINVAL;
  if (of_descriptor(c.filter) && !is_open(c.ident)) return EBADF;
  const auto found = knotes_.find({c.filter, c.ident});
  knote* k = found == knotes_.end() ? nullptr : &found->second;
  if (c.flags & EV_ADD) {
    const int error = add(c, k);
    if (error) return error;
  }
  if (!k) return ENOENT;
  if (c.flags & EV_DELETE) {
    erase(*k);
    show_readiness();
    return 0;
  }
  if (!(c.flags & EV_ADD) || found != knotes_.end()) touch(*k, c, false);
  if (c.flags & EV_ENABLE) {
    k->disabled = false;
  } else if (c.flags & EV_DISABLE) {
    k->disabled = true;
  }
  struct kevent ignored;
  if (!k->disabled && (k->active || evaluate(*k, ignored))) activate(*k);
  show_readiness();
  return 0;
}

void queue::activate(knote& k) {
  k.active = true;
  if (k.disabled || k.queued) return;
  k.queued = true;
  ready_.push_back(&k);
}

void queue::erase(knote& k) {
  const int fd = k.filter == EVFILT_PROC ? k.pidfd : static_cast<int>(k.ident);
  if (of_descriptor(k.filter) || k.filter == EVFILT_PROC) {
    (void)watch(k.filter == EVFILT_WRITE ? out_ : in_, EPOLL_CTL_DEL, fd, 0, 0);
  }
  if (k.pidfd >= 0) __real_close(k.pidfd);
  std::erase(ready_, &k);
  knotes_.erase({k.filter, k.ident});
}

// Takes the edges of one direction from epoll. `filter` is that of idents that are descriptors.
void queue::pump(int epoll, short filter) {
  constexpr int at_once = 64;
  epoll_event events[at_once];
  int count = at_once;
  while (count == at_once) {
    count = ::epoll_wait(epoll, events, at_once, 0);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t ident = events[i].data.u64;
      const bool is_pid = (ident & pid_mark) != 0;
      const auto found = knotes_.find({is_pid ? EVFILT_PROC : filter, ident & ~pid_mark});
      struct kevent ignored;
      if (found != knotes_.end() && evaluate(found->second, ignored)) activate(found->second);
    }
  }
}

int queue::collect(struct kevent* events, int most) {
  pump(in_, EVFILT_READ);
  pump(out_, EVFILT_WRITE);
  int written = 0;
  scanned_.swap(ready_);
  for (knote* k : scanned_) {
    if (written == most) {
      ready_.push_back(k);
      continue;
    }
    k->queued = false;
    if (k->disabled) continue;
    k->active = evaluate(*k, events[written]);
    if (!k->active) continue;
    const unsigned flags = events[written++].flags;
    if (flags & EV_ONESHOT) {
      erase(*k);
    } else if (flags & (EV_CLEAR | EV_DISPATCH)) {
      k->active = false;
      if (flags & EV_CLEAR) k->triggered = false;
      if (flags & EV_DISPATCH) k->disabled = true;
    } else {
      activate(*k);  // again at the next call, behind the others
    }
  }
  scanned_.clear();
  show_readiness();
  return written;
}

void queue::drop(int fd) {
  constexpr short both[] = {EVFILT_READ, EVFILT_WRITE};
  for (const short filter : both) {
    const auto found = knotes_.find({filter, static_cast<uintptr_t>(fd)});
    if (found != knotes_.end()) erase(found->second);
  }
  show_readiness();
}

void queue::show_readiness() {
  if (shown_ == !ready_.empty()) return;
  shown_ = !shown_;
  std::uint64_t count = 1;
  [[maybe_unused]] const auto n =
      shown_ ? __real_write(pending_, &count, sizeof count)
             : __real_read(pending_, &count, sizeof count);
}

}  // namespace kqueue_emulation
