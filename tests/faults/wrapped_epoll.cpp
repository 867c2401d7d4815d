// epoll(7), scripted, and the edges of descriptors that were told EAGAIN. See script.hpp.
#include <sys/epoll.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "script.hpp"

using faults::call;
using faults::due;

namespace {

struct registration {
  int queue = -1;
  epoll_event event{};
};

// Never destroyed: a descriptor may be closed at the very end of the process.
struct edges {
  std::mutex mutex;
  std::map<int, registration> by_descriptor;
};
edges& all_edges() {
  static edges& one = *new edges;
  return one;
}

}  // namespace

extern "C" {

int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, epoll_event*);
int __real_epoll_pwait2(int, epoll_event*, int, const timespec*, const sigset_t*);
int __real_epoll_wait(int, epoll_event*, int, int);

int __wrap_epoll_create1(int flags) {
  if (const int error = due(call::epoll_create1)) {
    errno = error;
    return -1;
  }
  return __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int queue, int what, int fd, epoll_event* event) {
  if (const int error = due(call::epoll_ctl)) {
    errno = error;
    return -1;
  }
  const int result = __real_epoll_ctl(queue, what, fd, event);
  if (result == 0 && what == EPOLL_CTL_ADD && (event->events & EPOLLET) != 0) {
    edges& all = all_edges();
    const std::lock_guard lock(all.mutex);
    all.by_descriptor[fd] = registration{queue, *event};
  }
  return result;
}

int __wrap_epoll_pwait2(int queue, epoll_event* out, int most, const timespec* limit,
                        const sigset_t* mask) {
  if (const int error = due(call::epoll_pwait2)) {
    errno = error;
    return -1;
  }
  return __real_epoll_pwait2(queue, out, most, limit, mask);
}

int __wrap_epoll_wait(int queue, epoll_event* out, int most, int limit_ms) {
  if (const int error = due(call::epoll_wait)) {
    errno = error;
    return -1;
  }
  return __real_epoll_wait(queue, out, most, limit_ms);
}

}  // extern "C"

namespace faults {

// EPOLL_CTL_MOD looks at the descriptor anew, and reports it if it is ready.
bool ready_after_all(int fd) noexcept {
  edges& all = all_edges();
  const std::lock_guard lock(all.mutex);
  const auto at = all.by_descriptor.find(fd);
  if (at == all.by_descriptor.end()) return false;
  epoll_event event = at->second.event;
  return __real_epoll_ctl(at->second.queue, EPOLL_CTL_MOD, fd, &event) == 0;
}

void forget_edges(int fd) noexcept {
  edges& all = all_edges();
  const std::lock_guard lock(all.mutex);
  all.by_descriptor.erase(fd);
}

}  // namespace faults
