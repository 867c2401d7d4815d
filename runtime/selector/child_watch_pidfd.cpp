// The end of a child as a descriptor that becomes readable: pidfd_open(2), from Linux 5.3 on.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

int watch_child(int pid) noexcept {
#ifdef SYS_pidfd_open
  // Close-on-exec by itself.
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  return fd >= 0 ? fd : -errno;
#else
  (void)pid;
  return -ENOSYS;
#endif
}

int signal_child(int pid, int watch, int signal) noexcept {
#ifdef SYS_pidfd_send_signal
  if (watch >= 0) {
    if (::syscall(SYS_pidfd_send_signal, watch, signal, nullptr, 0) == 0) return 0;
    if (errno != ENOSYS && errno != EPERM) return -errno;
  }
#else
  (void)watch;
#endif
  return ::kill(pid, signal) == 0 ? 0 : -errno;
}

}  // namespace eddy::inline v1::detail::system
