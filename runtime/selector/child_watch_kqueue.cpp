// The end of a child as a descriptor that becomes readable: a kqueue(2) of its own, which is
// readable while it holds an event, and nobody takes that out.
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <sys/event.h>

#include <cerrno>
#include <cstdint>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

// ESRCH: the child has ended already, on macOS. The caller looks by itself then.
int watch_child(int pid) noexcept {
  const int queue = ::kqueue();
  if (queue < 0) return -errno;
  (void)::fcntl(queue, F_SETFD, FD_CLOEXEC);
  struct kevent ended;
  EV_SET(&ended, static_cast<std::uintptr_t>(pid), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, nullptr);
  if (::kevent(queue, &ended, 1, nullptr, 0, nullptr) == 0) return queue;
  const int error = errno;
  ::close(queue);
  return -error;
}

int signal_child(int pid, int, int signal) noexcept {
  return ::kill(pid, signal) == 0 ? 0 : -errno;
}

}  // namespace eddy::inline v1::detail::system
