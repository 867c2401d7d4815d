// AF_UNIX: names, the files that they leave, and who is at the other end.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "descriptors.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail::system {

namespace {

constexpr std::size_t name_at = offsetof(sockaddr_un, sun_path);

}  // namespace

std::size_t unix_path_limit() noexcept { return sizeof(sockaddr_un::sun_path) - 1; }

std::size_t unix_abstract_limit() noexcept {
#ifdef __linux__
  return sizeof(sockaddr_un::sun_path) - 1;
#else
  return 0;
#endif
}

socket_address unix_socket_address(std::string_view name, bool is_abstract) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // An abstract name is one that begins with a NUL byte, and ends where the address does.
  std::memcpy(address.sun_path + (is_abstract ? 1 : 0), name.data(), name.size());
  const std::size_t size = name_at + name.size() + 1;
#ifndef __linux__
  address.sun_len = static_cast<decltype(address.sun_len)>(size);
#endif
  socket_address out;
  static_assert(sizeof address <= sizeof out.bytes);
  std::memcpy(out.bytes, &address, sizeof address);
  out.size = static_cast<unsigned>(size);
  return out;
}

int make_socket_pair(int (&out)[2]) noexcept {
#ifdef SOCK_CLOEXEC
  return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == 0 ? 0 : -errno;
#else
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, out) != 0) return -errno;
  for (const int fd : out) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

int identify_peer(int fd, peer_identity& out) noexcept {
#ifdef __linux__
  ucred found{};
  socklen_t size = sizeof found;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &size) != 0) return -errno;
  out.pid = found.pid;
  out.uid = found.uid;
  out.gid = found.gid;
#else
  uid_t uid = 0;
  gid_t gid = 0;
  if (::getpeereid(fd, &uid, &gid) != 0) return -errno;
  out.uid = uid;
  out.gid = gid;
#ifdef LOCAL_PEERPID
  pid_t pid = 0;
  socklen_t size = sizeof pid;
  if (::getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) == 0) out.pid = pid;
#endif
#endif
  return 0;
}

int identify_file(const char* path, file_identity& out) noexcept {
  struct stat found;
  if (::lstat(path, &found) != 0) return -errno;
  out.device = static_cast<std::uint64_t>(found.st_dev);
  out.number = static_cast<std::uint64_t>(found.st_ino);
  out.is_socket = S_ISSOCK(found.st_mode);
  return 0;
}

int unlink_if_same(const char* path, const file_identity& file) noexcept {
  file_identity now;
  const int failed = identify_file(path, now);
  if (failed) return failed;
  if (now.device != file.device || now.number != file.number) return -ESTALE;
  return ::unlink(path) == 0 ? 0 : -errno;
}

int probe_unix_server(const socket_address& at) noexcept {
  const int fd = make_socket(AF_UNIX, SOCK_STREAM, blocking_mode::never_waits);
  if (fd < 0) return fd;
  const auto* address = reinterpret_cast<const sockaddr*>(at.bytes);
  const int failed = ::connect(fd, address, at.size) == 0 ? 0 : errno;
  ::close(fd);
  // A queue that is full has someone behind it.
  return failed == EAGAIN || failed == EINPROGRESS ? 0 : -failed;
}

}  // namespace eddy::inline v1::detail::system
