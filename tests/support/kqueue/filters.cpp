// What a filter says of its object at this moment.
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "emulation.hpp"
#include "queue.hpp"

namespace kqueue_emulation {

namespace {

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

bool is_socket(int fd) { return socket_option(fd, SO_TYPE) >= 0; }

short polled(int fd, short events) {
  pollfd p{fd, events, 0};
  return ::poll(&p, 1, 0) > 0 ? p.revents : short{0};
}

int asked(int fd, unsigned long request) {
  int value = 0;
  return ::ioctl(fd, request, &value) == 0 ? value : -1;
}

// How many connections wait to be accepted; of a unix socket Linux says only whether any.
std::int64_t queue_length(int fd, bool any) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return any;
  return info.tcpi_unacked;
}

bool read_file(int fd, struct kevent& event) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return false;
  event.data = S_ISREG(status.st_mode) ? status.st_size - ::lseek(fd, 0, SEEK_CUR) : 1;
  return event.data != 0;
}

bool read_ready(int fd, struct kevent& event) {
  const short now = polled(fd, POLLIN | POLLRDHUP);
  const bool readable = (now & POLLIN) != 0;
  event.data = std::max(asked(fd, FIONREAD), 0);
  if (!is_socket(fd)) {
    if (readable) event.data = std::max<std::int64_t>(event.data, !(now & POLLHUP));
    if (now & POLLHUP) event.flags |= EV_EOF;
    return readable || (now & (POLLHUP | POLLERR)) != 0;
  }
  if (socket_option(fd, SO_ACCEPTCONN) == 1) {
    event.data = queue_length(fd, readable);
    return event.data > 0;
  }
  const int error = pending_error(fd, (now & POLLERR) != 0);
  // A stream that was never connected only hangs up.
  if (now & POLLRDHUP) {
    event.flags |= EV_EOF;
    event.fflags = static_cast<unsigned>(error);
  }
  return readable || error != 0 || (now & POLLRDHUP) != 0;
}

bool write_ready(int fd, struct kevent& event) {
  const short now = polled(fd, POLLOUT | POLLRDHUP);
  const bool writable = (now & POLLOUT) != 0;
  if (!is_socket(fd)) {
    const int room = ::fcntl(fd, F_GETPIPE_SZ);
    event.data = room > 0 ? std::max(room - asked(fd, FIONREAD), 0) : writable;
    if (now & POLLERR) event.flags |= EV_EOF;
    return writable || (now & POLLERR) != 0;
  }
  const int error = pending_error(fd, (now & POLLERR) != 0);
  const bool hung_up = (now & POLLHUP) != 0;
  if (hung_up && !(now & POLLRDHUP) && !error) return false;  // never connected: silent
  event.data = std::max(socket_option(fd, SO_SNDBUF) - std::max(asked(fd, SIOCOUTQ), 0), 1);
  if (hung_up) {
    event.flags |= EV_EOF;
    event.fflags = static_cast<unsigned>(error);
  }
  return writable || error != 0 || hung_up;
}

// As wait(2) would say it; nobody is reaped.
std::int64_t exit_status(int pidfd) {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pidfd);
  if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return 0;
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

bool has_exited(const knote& k, struct kevent& event) {
  if (!polled(k.pidfd, POLLIN)) return false;
  const bool asked_for_status = (k.fflags & NOTE_EXITSTATUS) != 0;
  event.flags |= EV_EOF | EV_ONESHOT;
  event.fflags = NOTE_EXIT;
  if (current_mode() == mode::freebsd || asked_for_status) event.data = exit_status(k.pidfd);
  if (current_mode() == mode::macos && asked_for_status) event.fflags |= NOTE_EXITSTATUS;
  return (k.fflags & NOTE_EXIT) != 0;
}

}  // namespace

int attach_process(knote& k) {
  k.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(k.ident), 0));
  if (k.pidfd < 0) return errno == EINVAL ? ESRCH : errno;
  return current_mode() == mode::macos && polled(k.pidfd, POLLIN) ? ESRCH : 0;
}

bool has_no_reader(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return false;
  return (polled(fd, POLLOUT) & POLLERR) != 0;
}

bool evaluate(const knote& k, struct kevent& event) {
  event = {};
  event.ident = k.ident;
  event.filter = k.filter;
  event.flags = static_cast<unsigned short>(k.flags);
  event.udata = k.udata;
  const int fd = static_cast<int>(k.ident);
  switch (k.filter) {
    case EVFILT_READ: return k.is_file ? read_file(fd, event) : read_ready(fd, event);
    case EVFILT_WRITE: return k.is_file || write_ready(fd, event);
    case EVFILT_PROC: return has_exited(k, event);
    default: break;
  }
  event.fflags = k.fflags;
  event.data = k.data;
  return k.triggered;
}

}  // namespace kqueue_emulation
