// What is behind a kqueue's descriptor in the emulation.
#pragma once

#include <signal.h>
#include <sys/event.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace kqueue_emulation {

// Held around everything below. Signals are blocked meanwhile, so that a handler may trigger an
// event: it never meets its own thread's lock.
class guard {
 public:
  guard();
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;
  ~guard();

 private:
  sigset_t before_;
};

// A registration: what (ident, filter) is asked for, and whether it has something to tell.
struct knote {
  uintptr_t ident = 0;
  short filter = 0;
  unsigned flags = 0;   // EV_CLEAR, EV_ONESHOT, EV_DISPATCH: those of the first EV_ADD
  unsigned fflags = 0;  // as asked for; of EVFILT_USER: as set so far
  std::int64_t data = 0;
  void* udata = nullptr;
  bool active = false;
  bool disabled = false;
  bool queued = false;
  bool triggered = false;  // EVFILT_USER
  bool is_file = false;    // always ready, unknown to epoll
  int pidfd = -1;          // EVFILT_PROC
};

// filters.cpp: whether `k` has an event now, and which. Takes a socket's error away from the kernel
// and remembers it.
bool evaluate(const knote& k, struct kevent& event);
// What of a pid is open, or that it cannot be watched: 0 or an errno value.
int attach_process(knote& k);
bool has_no_reader(int fd);

// errors.cpp: the error that a socket has and nobody was told of yet; 0 if none.
int pending_error(int fd, bool polls_as_error);
void forget_error(int fd);

// The calls that are wrapped, unwrapped: the wrappers take the lock.
extern "C" int __real_close(int fd);
extern "C" ssize_t __real_read(int fd, void* data, size_t size);
extern "C" ssize_t __real_write(int fd, const void* data, size_t size);

class queue {
 public:
  // Throws nothing; descriptor() is negative and errno set if there are not enough descriptors.
  queue();
  queue(const queue&) = delete;
  queue& operator=(const queue&) = delete;
  // Leaves descriptor() to who closes it.
  ~queue();

  int descriptor() const noexcept { return outer_; }

  // 0 or an errno value.
  int change(const struct kevent& c);
  int collect(struct kevent* events, int most);
  // `fd` is about to be closed.
  void drop(int fd);

 private:
  using key = std::pair<short, uintptr_t>;

  int attach(knote& k);
  void touch(knote& k, const struct kevent& c, bool is_new);
  int add(const struct kevent& c, knote*& k);
  void activate(knote& k);
  void erase(knote& k);
  void pump(int epoll, short filter);
  void show_readiness();

  // In the outer one, which polls as readable while there is something to tell: the epoll of each
  // direction, whose items are edge-triggered, and an eventfd that is set while `ready_` is not
  // empty.
  int outer_ = -1;
  int in_ = -1;
  int out_ = -1;
  int pending_ = -1;
  bool shown_ = false;
  std::map<key, knote> knotes_;
  // In the order of activation. Both have room for all knotes: a signal handler cannot allocate.
  std::vector<knote*> ready_;
  std::vector<knote*> scanned_;
};

}  // namespace kqueue_emulation
