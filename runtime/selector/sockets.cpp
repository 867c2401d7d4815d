#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

namespace {

int set_int(int fd, int level, int option, int value) noexcept {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

template <class Call>
int address_by(Call call, int fd, socket_address& out) noexcept {
  socklen_t size = sizeof out.bytes;
  if (call(fd, reinterpret_cast<sockaddr*>(out.bytes), &size) != 0) return -errno;
  out.size = size;
  return 0;
}

}  // namespace

int listen_on(int fd, const socket_address& at, int backlog, bool reuse_port) noexcept {
  const auto* address = reinterpret_cast<const sockaddr*>(at.bytes);
  // Without it a restarted server cannot bind while old connections are in TIME_WAIT.
  int failed = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!failed && reuse_port) failed = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // One address family a socket, on every system alike.
  if (!failed && address->sa_family == AF_INET6) failed = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (failed) return failed;
  if (::bind(fd, address, at.size) != 0) return -errno;
  return ::listen(fd, backlog) == 0 ? 0 : -errno;
}

int local_address(int fd, socket_address& out) noexcept {
  return address_by(::getsockname, fd, out);
}

int peer_address(int fd, socket_address& out) noexcept {
  return address_by(::getpeername, fd, out);
}

int set_no_delay(int fd, bool on) noexcept { return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on); }

int shutdown_sending(int fd) noexcept { return ::shutdown(fd, SHUT_WR) == 0 ? 0 : -errno; }

int peek(int fd) noexcept {
  char first = 0;
  for (;;) {
    const auto n = ::recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n >= 0) return static_cast<int>(n);
    if (errno != EINTR) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
  }
}

}  // namespace eddy::inline v1::detail::system
