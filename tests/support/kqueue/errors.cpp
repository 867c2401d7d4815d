// Linux forgets a socket's error when SO_ERROR is read; a BSD's filter shows it and keeps it. So
// the emulation reads it, keeps it here, and gives it to the first call that would have met it.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>

#include "queue.hpp"

extern "C" {
int __real_getsockopt(int fd, int level, int option, void* value, socklen_t* size);
ssize_t __real_recv(int fd, void* data, size_t size, int flags);
ssize_t __real_recvfrom(int fd, void* data, size_t size, int flags, sockaddr* from, socklen_t* n);
ssize_t __real_recvmsg(int fd, msghdr* message, int flags);
ssize_t __real_readv(int fd, const iovec* parts, int count);
ssize_t __real_send(int fd, const void* data, size_t size, int flags);
ssize_t __real_sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to,
                      socklen_t n);
ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __real_writev(int fd, const iovec* parts, int count);
}

namespace kqueue_emulation {

namespace {

constinit std::atomic<int> remembered = 0;

std::map<int, int>& errors() {
  static auto* all = new std::map<int, int>;
  return *all;
}

// The error that `fd` still has to tell; 0 if none.
int take_error(int fd, bool keep = false) {
  if (remembered.load() == 0) return 0;
  const guard locked;
  const auto found = errors().find(fd);
  if (found == errors().end()) return 0;
  const int error = found->second;
  if (!keep) forget_error(fd);
  return error;
}

// After the bytes that came before the error.
ssize_t received(ssize_t n, int fd, bool peek = false) {
  if (n > 0) return n;
  const int saved = errno;
  const int error = take_error(fd, peek);
  errno = error ? error : saved;
  return error ? -1 : n;
}

template <class Call>
ssize_t sending(int fd, Call call) {
  const int error = take_error(fd);
  if (!error) return call();
  errno = error;
  return -1;
}

}  // namespace

int pending_error(int fd, bool polls_as_error) {
  const auto found = errors().find(fd);
  if (found != errors().end()) return found->second;
  int error = 0;
  socklen_t size = sizeof error;
  if (!polls_as_error) return 0;
  if (__real_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || !error) return 0;
  errors()[fd] = error;
  ++remembered;
  return error;
}

void forget_error(int fd) { remembered -= static_cast<int>(errors().erase(fd)); }

}  // namespace kqueue_emulation

using namespace kqueue_emulation;

extern "C" {

int __wrap_getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  const int result = __real_getsockopt(fd, level, option, value, size);
  if (result != 0 || level != SOL_SOCKET || option != SO_ERROR || *size != sizeof(int)) {
    return result;
  }
  const int error = take_error(fd);
  if (error) *static_cast<int*>(value) = error;
  return 0;
}

ssize_t __wrap_recv(int fd, void* data, size_t size, int flags) {
  return received(__real_recv(fd, data, size, flags), fd, (flags & MSG_PEEK) != 0);
}

ssize_t __wrap_recvfrom(int fd, void* data, size_t size, int flags, sockaddr* from, socklen_t* n) {
  return received(__real_recvfrom(fd, data, size, flags, from, n), fd, (flags & MSG_PEEK) != 0);
}

ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  return received(__real_recvmsg(fd, message, flags), fd, (flags & MSG_PEEK) != 0);
}

ssize_t __wrap_read(int fd, void* data, size_t size) {
  return received(__real_read(fd, data, size), fd);
}

ssize_t __wrap_readv(int fd, const iovec* parts, int count) {
  return received(__real_readv(fd, parts, count), fd);
}

ssize_t __wrap_send(int fd, const void* data, size_t size, int flags) {
  return sending(fd, [&] { return __real_send(fd, data, size, flags); });
}

ssize_t __wrap_sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to,
                      socklen_t n) {
  return sending(fd, [&] { return __real_sendto(fd, data, size, flags, to, n); });
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  return sending(fd, [&] { return __real_sendmsg(fd, message, flags); });
}

ssize_t __wrap_write(int fd, const void* data, size_t size) {
  return sending(fd, [&] { return __real_write(fd, data, size); });
}

ssize_t __wrap_writev(int fd, const iovec* parts, int count) {
  return sending(fd, [&] { return __real_writev(fd, parts, count); });
}

}  // extern "C"
