#include "descriptors.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace eddy::inline v1::detail {

namespace {

int fcntl_flag(int fd, int get, int set, int flag, bool on) noexcept {
  const int flags = ::fcntl(fd, get);
  if (flags < 0) return -errno;
  const int wanted = on ? flags | flag : flags & ~flag;
  if (wanted == flags) return 0;
  return ::fcntl(fd, set, wanted) == 0 ? 0 : -errno;
}

// Where the call that makes a descriptor takes no flags. A fork between the two lets the child
// inherit it; there is no way around that on such systems.
[[maybe_unused]] int furnish(int fd, blocking_mode mode) noexcept {
  int failed = fcntl_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, true);
  if (!failed) failed = set_mode(fd, mode);
  if (!failed) return fd;
  ::close(fd);
  return failed;
}

}  // namespace

int set_mode(int fd, blocking_mode mode) noexcept {
  return fcntl_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, mode == blocking_mode::never_waits);
}

void quiet_socket([[maybe_unused]] int fd) noexcept {
#ifdef SO_NOSIGPIPE
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

descriptor_kind kind_of_socket(int family, int type) noexcept {
  if (type == SOCK_DGRAM) return descriptor_kind::datagram;
  const bool internet = family == AF_INET || family == AF_INET6;
  return type == SOCK_STREAM && internet ? descriptor_kind::tcp : descriptor_kind::stream;
}

int kind_of(int fd, descriptor_kind& out) noexcept {
  struct stat what;
  if (::fstat(fd, &what) != 0) return -errno;
  if (S_ISREG(what.st_mode) || S_ISDIR(what.st_mode)) return -EPERM;
  out = descriptor_kind::pipe;  // and what else is read and written like one: terminals, devices
  if (!S_ISSOCK(what.st_mode)) return 0;
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return -errno;
  sockaddr_storage address{};
  size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -errno;
  out = kind_of_socket(address.ss_family, type);
  return 0;
}

int make_socket(int family, int type, blocking_mode mode) noexcept {
#ifdef SOCK_CLOEXEC
  const int flags = SOCK_CLOEXEC | (mode == blocking_mode::never_waits ? SOCK_NONBLOCK : 0);
  const int fd = ::socket(family, type | flags, 0);
  if (fd < 0) return -errno;
#else
  int fd = ::socket(family, type, 0);
  if (fd < 0) return -errno;
  fd = furnish(fd, mode);
  if (fd < 0) return fd;
#endif
  quiet_socket(fd);
  return fd;
}

int accept_connection(int listener, blocking_mode mode) noexcept {
  for (;;) {
#ifdef SOCK_CLOEXEC
    const int flags = SOCK_CLOEXEC | (mode == blocking_mode::never_waits ? SOCK_NONBLOCK : 0);
    int fd = ::accept4(listener, nullptr, nullptr, flags);
#else
    int fd = ::accept(listener, nullptr, nullptr);
#endif
    if (fd < 0 && errno == EINTR) continue;
    if (fd < 0) return -errno;
#ifndef SOCK_CLOEXEC
    fd = furnish(fd, mode);
    if (fd < 0) return fd;
#endif
    quiet_socket(fd);
    return fd;
  }
}

}  // namespace eddy::inline v1::detail
