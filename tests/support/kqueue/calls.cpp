// The calls themselves, and the queues of the process.
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "emulation.hpp"
#include "queue.hpp"

namespace kqueue_emulation {

namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t longest_wait_s = 1'000'000'000;

struct world {
  std::mutex mutex;
  std::map<int, std::shared_ptr<queue>> queues;
  sigset_t before_fork;
  std::atomic<mode> how;
};

sigset_t block_signals() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  return before;
}

world& the_world() {
  static world* const made = [] {
    auto* w = new world;
    const char* name = std::getenv("EDDY_KQUEUE_MODE");
    w->how = name && std::strcmp(name, "macos") == 0 ? mode::macos : mode::freebsd;
    // A child inherits neither a lock that a thread of its parent held, nor any queue.
    ::pthread_atfork(
        [] {
          const sigset_t before = block_signals();
          the_world().mutex.lock();
          the_world().before_fork = before;
        },
        [] {
          const sigset_t before = the_world().before_fork;
          the_world().mutex.unlock();
          ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        },
        [] {
          const sigset_t before = the_world().before_fork;
          for (const auto& [fd, q] : the_world().queues) __real_close(fd);
          the_world().queues.clear();
          the_world().mutex.unlock();
          ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        });
    return w;
  }();
  return *made;
}

std::shared_ptr<queue> find(int kq) {
  const guard locked;
  const auto found = the_world().queues.find(kq);
  return found == the_world().queues.end() ? nullptr : found->second;
}

// Errors and receipts as events. The number of them; -1 where an error has no room.
int apply(queue& q, const struct kevent* changes, int count, struct kevent* events, int room) {
  const guard locked;
  int answers = 0;
  for (int i = 0; i < count; ++i) {
    const struct kevent& c = changes[i];
    const int error = q.change(c);
    const bool receipt = (c.flags & EV_RECEIPT) != 0;
    if (!error && !receipt) continue;
    if (answers < room) {
      const unsigned kept = current_mode() == mode::macos ? c.flags : 0u;
      events[answers] = c;
      events[answers].flags = static_cast<unsigned short>(kept | EV_ERROR);
      events[answers].data = error;
      ++answers;
      continue;
    }
    if (error) {
      errno = error;
      return -1;
    }
    // A receipt without room: FreeBSD leaves the rest of the list undone, and calls it a success.
    if (current_mode() == mode::freebsd) break;
  }
  return answers;
}

std::int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * ns_per_s + t.tv_nsec;
}

// Until an event, a signal (EINTR) or the deadline; negative: none.
int wait_for(queue& q, struct kevent* events, int room, std::int64_t deadline) {
  for (;;) {
    int count = 0;
    {
      const guard locked;
      count = q.collect(events, room);
    }
    const std::int64_t left = deadline < 0 ? 0 : deadline - now_ns();
    if (count > 0 || (deadline >= 0 && left <= 0)) return count;
    const timespec limit{left / ns_per_s, left % ns_per_s};
    pollfd p{q.descriptor(), POLLIN, 0};
    if (::ppoll(&p, 1, deadline < 0 ? nullptr : &limit, nullptr) < 0) return -1;
  }
}

}  // namespace

guard::guard() : before_(block_signals()) { the_world().mutex.lock(); }

guard::~guard() {
  the_world().mutex.unlock();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

mode current_mode() noexcept { return the_world().how.load(); }

void set_mode(mode m) noexcept { the_world().how.store(m); }

}  // namespace kqueue_emulation

using namespace kqueue_emulation;

extern "C" {

int kqueue(void) {
  auto made = std::make_shared<queue>();
  const int fd = made->descriptor();
  if (fd < 0) return -1;
  const guard locked;
  the_world().queues[fd] = std::move(made);
  return fd;
}

int kevent(int kq, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout) {
  const auto q = find(kq);
  if (!q || change_count < 0 || event_count < 0) {
    errno = q ? EINVAL : EBADF;
    return -1;
  }
  const int answers = apply(*q, changes, change_count, events, event_count);
  if (answers != 0 || event_count == 0) return answers;
  std::int64_t deadline = -1;
  if (timeout) {
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= ns_per_s) {
      errno = EINVAL;
      return -1;
    }
    const std::int64_t seconds = std::min<std::int64_t>(timeout->tv_sec, longest_wait_s);
    deadline = now_ns() + seconds * ns_per_s + timeout->tv_nsec;
  }
  return wait_for(*q, events, event_count, deadline);
}

int __wrap_close(int fd) {
  std::shared_ptr<queue> closed;  // ends after the lock
  {
    const guard locked;
    auto& queues = the_world().queues;
    const auto own = queues.find(fd);
    if (own != queues.end()) {
      closed = std::move(own->second);
      queues.erase(own);
    }
    for (const auto& [kq, q] : queues) q->drop(fd);
    forget_error(fd);
  }
  return __real_close(fd);
}

}  // extern "C"
