// The calls that the engines and system.hpp's files make, scripted. See script.hpp.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>

#include "script.hpp"

using faults::call;
using faults::due;

namespace {

bool is_event_descriptor(int fd);

int fail(int error) noexcept {
  errno = error;
  return -1;
}

// A call that moves bytes: fails, or moves one byte, or is done as it is.
template <class Real>
ssize_t scripted_bytes(call c, int fd, std::size_t size, Real real) {
  const int error = is_event_descriptor(fd) ? 0 : due(c);
  if (error == 0) return real(size);
  if (error == faults::partial) return real(std::min<std::size_t>(size, 1));
  if (error == EAGAIN && !faults::ready_after_all(fd)) return real(size);
  return fail(error);
}

// A datagram goes as a whole or not at all.
ssize_t scripted_message(call c, int fd, const msghdr* message, auto real) {
  return scripted_bytes(c, fd, 2, [&](std::size_t size) {
    if (size > 1 || message->msg_iovlen == 0 || message->msg_name) return real(message);
    msghdr less = *message;
    less.msg_iovlen = 1;
    iovec first = message->msg_iov[0];
    first.iov_len = std::min<std::size_t>(first.iov_len, 1);
    less.msg_iov = &first;
    return real(&less);
  });
}

}  // namespace

extern "C" {

// NOLINTBEGIN: the names are the linker's
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_bind(int, const sockaddr*, socklen_t);
int __real_close(int);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_eventfd(unsigned, int);
int __real_fcntl64(int, int, ...);
int __real_fstat64(int, struct stat*);
int __real_fsync(int);
int __real_getpeername(int, sockaddr*, socklen_t*);
int __real_getsockname(int, sockaddr*, socklen_t*);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_listen(int, int);
void* __real_mmap64(void*, std::size_t, int, int, int, off_t);
int __real_open64(const char*, int, ...);
ssize_t __real_read(int, void*, std::size_t);
ssize_t __real_recv(int, void*, std::size_t, int);
ssize_t __real_recvmsg(int, msghdr*, int);
ssize_t __real_send(int, const void*, std::size_t, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_shutdown(int, int);
int __real_socket(int, int, int);
ssize_t __real_write(int, const void*, std::size_t);
ssize_t __real_writev(int, const iovec*, int);

int __wrap_accept4(int fd, sockaddr* a, socklen_t* n, int flags) {
  const int error = due(call::accept4);
  if (error == 0) return __real_accept4(fd, a, n, flags);
  if (error == EAGAIN && !faults::ready_after_all(fd)) return __real_accept4(fd, a, n, flags);
  return fail(error);
}

int __wrap_bind(int fd, const sockaddr* a, socklen_t n) {
  const int error = due(call::bind);
  return error ? fail(error) : __real_bind(fd, a, n);
}

// The number is free whatever close says.
int __wrap_close(int fd) {
  faults::forget_edges(fd);
  const int error = due(call::close);
  const int result = __real_close(fd);
  return error ? fail(error) : result;
}

// An interrupted connect goes on.
int __wrap_connect(int fd, const sockaddr* a, socklen_t n) {
  const int error = due(call::connect);
  if (error == 0) return __real_connect(fd, a, n);
  if (error == EINTR) (void)__real_connect(fd, a, n);
  return fail(error);
}

int __wrap_eventfd(unsigned value, int flags) {
  const int error = due(call::eventfd);
  return error ? fail(error) : __real_eventfd(value, flags);
}

int __wrap_fcntl64(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const int argument = va_arg(rest, int);
  va_end(rest);
  const int error = due(call::fcntl);
  return error ? fail(error) : __real_fcntl64(fd, command, argument);
}

int __wrap_fstat64(int fd, struct stat* out) {
  const int error = due(call::fstat);
  return error ? fail(error) : __real_fstat64(fd, out);
}

int __wrap_fsync(int fd) {
  const int error = due(call::fsync);
  return error ? fail(error) : __real_fsync(fd);
}

// A connection that is not there yet will be, and then there is an edge.
int __wrap_getpeername(int fd, sockaddr* a, socklen_t* n) {
  const int error = due(call::getpeername);
  if (error == ENOTCONN) (void)faults::ready_after_all(fd);
  return error ? fail(error) : __real_getpeername(fd, a, n);
}

int __wrap_getsockname(int fd, sockaddr* a, socklen_t* n) {
  const int error = due(call::getsockname);
  return error ? fail(error) : __real_getsockname(fd, a, n);
}

int __wrap_getsockopt(int fd, int level, int option, void* out, socklen_t* n) {
  const int error = due(call::getsockopt);
  return error ? fail(error) : __real_getsockopt(fd, level, option, out, n);
}

int __wrap_listen(int fd, int backlog) {
  const int error = due(call::listen);
  return error ? fail(error) : __real_listen(fd, backlog);
}

void* __wrap_mmap64(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
  const int error = due(call::mmap);
  if (error == 0) return __real_mmap64(at, size, protection, flags, fd, offset);
  errno = error;
  return MAP_FAILED;
}

int __wrap_open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, unsigned);
  va_end(rest);
  const int error = due(call::open);
  return error ? fail(error) : __real_open64(path, flags, mode);
}

ssize_t __wrap_read(int fd, void* to, std::size_t size) {
  return scripted_bytes(call::read, fd, size,
                        [&](std::size_t n) { return __real_read(fd, to, n); });
}

ssize_t __wrap_recv(int fd, void* to, std::size_t size, int flags) {
  return scripted_bytes(call::recv, fd, size,
                        [&](std::size_t n) { return __real_recv(fd, to, n, flags); });
}

ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  return scripted_bytes(call::recvmsg, fd, 0,
                        [&](std::size_t) { return __real_recvmsg(fd, message, flags); });
}

ssize_t __wrap_send(int fd, const void* from, std::size_t size, int flags) {
  return scripted_bytes(call::send, fd, size,
                        [&](std::size_t n) { return __real_send(fd, from, n, flags); });
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  return scripted_message(call::sendmsg, fd, message,
                          [&](const msghdr* m) { return __real_sendmsg(fd, m, flags); });
}

int __wrap_setsockopt(int fd, int level, int option, const void* value, socklen_t size) {
  const int error = due(call::setsockopt);
  return error ? fail(error) : __real_setsockopt(fd, level, option, value, size);
}

int __wrap_shutdown(int fd, int how) {
  const int error = due(call::shutdown);
  return error ? fail(error) : __real_shutdown(fd, how);
}

int __wrap_socket(int family, int type, int protocol) {
  const int error = due(call::socket);
  return error ? fail(error) : __real_socket(family, type, protocol);
}

ssize_t __wrap_write(int fd, const void* from, std::size_t size) {
  return scripted_bytes(call::write, fd, size,
                        [&](std::size_t n) { return __real_write(fd, from, n); });
}

ssize_t __wrap_writev(int fd, const iovec* pieces, int count) {
  msghdr as_message{};
  as_message.msg_iov = const_cast<iovec*>(pieces);
  as_message.msg_iovlen = static_cast<std::size_t>(count);
  return scripted_message(call::writev, fd, &as_message, [&](const msghdr* m) {
    return __real_writev(fd, m->msg_iov, static_cast<int>(m->msg_iovlen));
  });
}
// NOLINTEND

}  // extern "C"

namespace {

// An eventfd that nobody reads is always ready to be written, and has nothing to interrupt.
bool is_event_descriptor(int fd) {
  struct stat what;
  if (__real_fstat64(fd, &what) != 0) return false;
  return (what.st_mode & S_IFMT) == 0;  // an anonymous inode
}

}  // namespace
