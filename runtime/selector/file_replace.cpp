// Files that change as a whole.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "file_flags.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail::system {

namespace {

constexpr int permissions = 07777;
constexpr int private_mode = 0600;

int write_over(const std::string& path, const std::string& bytes) noexcept {
  const int fd = file_open(path.c_str(), open_mode::write);
  if (fd < 0) return fd;
  const std::int64_t written = file_write(fd, bytes.data(), bytes.size());
  const int closed = file_close(fd);
  return written < 0 ? static_cast<int>(written) : closed;
}

// A name that nobody else uses, in the folder of `path`: rename(2) does not leave the file system.
std::string name_beside(const std::string& path) {
  constexpr char digits[] = "0123456789abcdef";
  unsigned char random[8] = {};
  (void)fill_random(random, sizeof random);  // O_EXCL finds out
  const std::size_t slash = path.rfind('/');
  std::string out = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  out += ".eddy-";
  for (const unsigned char byte : random) {
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

int fill(int fd, const std::string& bytes, const struct stat* like) noexcept {
  if (like && ::fchmod(fd, like->st_mode & permissions) != 0) return -errno;
  const std::int64_t written = file_write(fd, bytes.data(), bytes.size());
  return written < 0 ? static_cast<int>(written) : file_sync(fd);
}

// So that the new name, too, survives a crash. Not all file systems can.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = file_open(folder.c_str(), open_mode::read);
  if (fd < 0) return;
  (void)file_sync(fd);
  file_close(fd);
}

// The file itself, if `path` is a symbolic link to it.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr),
                                                          std::free);
  return found ? std::string(found.get()) : path;
}

}  // namespace

int file_replace(const std::string& path, const std::string& bytes) {
  struct stat is = {};
  const bool exists = ::stat(path.c_str(), &is) == 0;
  if (exists && !S_ISREG(is.st_mode)) return write_over(path, bytes);
  const std::string target = exists ? resolved(path) : path;
  const std::string beside = name_beside(target);
  const int fd = ::open(beside.c_str(), open_flags(open_mode::write) | O_EXCL,
                        exists ? private_mode : new_file_mode);
  if (fd < 0) return -errno;
  int failed = fill(fd, bytes, exists ? &is : nullptr);
  const int closed = file_close(fd);
  if (failed == 0) failed = closed;
  if (failed == 0 && std::rename(beside.c_str(), target.c_str()) != 0) failed = -errno;
  if (failed < 0) {
    (void)::unlink(beside.c_str());
    return failed;
  }
  sync_folder_of(target);
  return 0;
}

}  // namespace eddy::inline v1::detail::system
