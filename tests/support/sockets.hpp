// The other end of a connection or a pipe, by plain system calls that every system has: closed on
// exec and never raising SIGPIPE. The calls that set both at once, accept4() among them, are not
// everywhere.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>

namespace eddy_tests {

// Gives `fd` back, also when it is an error.
inline int as_ours(int fd) noexcept {
  if (fd < 0) return fd;
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return fd;
}

inline int plain_socket(int family, int type) noexcept {
  return as_ours(::socket(family, type, 0));
}

inline int plain_accept(int listening) noexcept {
  return as_ours(::accept(listening, nullptr, nullptr));
}

// Two connected streams; both -1 if there could be none.
inline std::array<int, 2> plain_pair() noexcept {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return {-1, -1};
  for (const int fd : ends) as_ours(fd);
  return ends;
}

// A pipe, its reading end first; both -1 if there could be none.
inline std::array<int, 2> plain_pipe() noexcept {
  std::array<int, 2> ends{-1, -1};
  if (::pipe(ends.data()) != 0) return {-1, -1};
  for (const int fd : ends) as_ours(fd);
  return ends;
}

inline bool set_non_blocking(int fd) noexcept {
  return ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

// send(2) that fails with EPIPE where it would raise SIGPIPE. `flags` are added.
inline ssize_t quiet_send(int fd, const void* data, std::size_t size, int flags = 0) noexcept {
#ifdef MSG_NOSIGNAL
  flags |= MSG_NOSIGNAL;
#endif
  return ::send(fd, data, size, flags);
}

// A unix-domain name that nobody has, to bind a listening socket to. Linux chooses one itself,
// among those without a path; elsewhere it is a path, which goes with this object.
class unix_name {
 public:
  unix_name() noexcept {
    name_.sun_family = AF_UNIX;
#ifdef __linux__
    size_ = sizeof name_.sun_family;
#else
    // The address of this object, so that two of one process differ.
    std::snprintf(name_.sun_path, sizeof name_.sun_path, "%s/eddy-%ld-%p", P_tmpdir,
                  static_cast<long>(::getpid()), static_cast<void*>(this));
    size_ = sizeof name_;
#endif
  }
  unix_name(const unix_name&) = delete;
  unix_name& operator=(const unix_name&) = delete;
  ~unix_name() {
    if (name_.sun_path[0] != '\0') ::unlink(name_.sun_path);
  }
  const sockaddr_un& name() const noexcept { return name_; }
  std::size_t size() const noexcept { return size_; }

 private:
  sockaddr_un name_{};
  std::size_t size_ = 0;
};

}  // namespace eddy_tests
