#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "descriptors.hpp"
#include "file_flags.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail::system {

int file_open(const char* path, open_mode mode) noexcept {
  for (;;) {
    const int fd = ::open(path, open_flags(mode), new_file_mode);
    if (fd >= 0) return fd;
    if (errno != EINTR) return -errno;
  }
}

std::int64_t file_read(int fd, void* data, std::size_t size) noexcept {
  for (;;) {
    const auto n = ::read(fd, data, size);
    if (n >= 0) return n;
    if (errno != EINTR) return -errno;
  }
}

std::int64_t file_write(int fd, const void* data, std::size_t size) noexcept {
  const auto* at = static_cast<const unsigned char*>(data);
  std::size_t left = size;
  while (left > 0) {
    const std::int64_t n = write_file(fd, at, left);
    if (n < 0) return n;
    at += n;
    left -= static_cast<std::size_t>(n);
  }
  return static_cast<std::int64_t>(size);
}

int file_sync(int fd) noexcept {
  for (;;) {
    if (::fsync(fd) == 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

std::int64_t file_size(int fd) noexcept {
  struct stat is = {};
  if (::fstat(fd, &is) != 0) return -errno;
  if (S_ISDIR(is.st_mode)) return -EISDIR;
  return S_ISREG(is.st_mode) ? is.st_size : -ESPIPE;
}

// Linux has freed the number also when close says EINTR; a retry could close another's.
int file_close(int fd) noexcept { return ::close(fd) == 0 || errno == EINTR ? 0 : -errno; }

}  // namespace eddy::inline v1::detail::system
