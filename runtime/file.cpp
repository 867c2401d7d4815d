#include <cerrno>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/operation.hpp>
#include <stdexcept>

#include "selector/system.hpp"

namespace eddy::inline v1 {

namespace system = detail::system;

namespace {

// One read of read_all. A pipe's capacity, and enough that a thread hop is small beside the copy.
constexpr std::size_t read_step = 64 * 1024;

std::int64_t checked(std::int64_t result, const char* what, const std::string& path) {
  if (result < 0) detail::throw_os_error(static_cast<int>(result), what, path.c_str());
  return result;
}

int open_by_name(const std::string& path, system::open_mode mode) noexcept {
  return system::file_open(path.c_str(), mode);
}

system::open_mode mode_of(file_mode mode) noexcept {
  switch (mode) {
    case file_mode::read: return system::open_mode::read;
    case file_mode::write: return system::open_mode::write;
    case file_mode::append: return system::open_mode::append;
  }
  return system::open_mode::read;
}

}  // namespace

// Marks a file busy for one call.
class file::use {
 public:
  use(file& f, const char* what) : file_(f) {
    if (f.fd_ < 0) throw std::logic_error(std::string(what) + " of a closed file: " + f.path_);
    if (f.busy_) {
      throw std::logic_error(std::string(what) + " while another call is running: " + f.path_);
    }
    f.busy_ = true;
  }
  use(const use&) = delete;
  use& operator=(const use&) = delete;
  ~use() { file_.busy_ = false; }

 private:
  file& file_;
};

file::file(file&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

file& file::operator=(file&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) system::file_close(fd_);
    path_ = std::move(other.path_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

file::~file() {
  if (fd_ >= 0) system::file_close(fd_);
}

task<file> file::open(std::string path, file_mode mode) {
  if (path.find('\0') != std::string::npos) {
    throw std::invalid_argument("open: the path has a NUL byte");
  }
  const int fd = co_await offload(open_by_name, path, mode_of(mode));
  checked(fd, "open", path);
  co_return file(fd, std::move(path));
}

task<std::size_t> file::read_some(std::span<std::byte> out) {
  const use lock(*this, "read");
  const std::int64_t n = co_await offload(system::file_read, fd_, out.data(), out.size());
  co_return static_cast<std::size_t>(checked(n, "read", path_));
}

task<std::string> file::read_all(std::size_t limit) {
  const use lock(*this, "read");
  std::string text;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + read_step);
    const std::int64_t n = co_await offload(system::file_read, fd_, text.data() + had, read_step);
    const auto got = static_cast<std::size_t>(checked(n, "read", path_));
    text.resize(had + got);
    if (got == 0) co_return text;
    if (text.size() > limit) {
      throw std::length_error("read_all of " + path_ + ": over the limit of " +
                              std::to_string(limit) + " bytes");
    }
  }
}

task<> file::write_all(std::string_view bytes) {
  const use lock(*this, "write");
  const std::int64_t n = co_await offload(system::file_write, fd_, bytes.data(), bytes.size());
  checked(n, "write", path_);
}

task<> file::sync() {
  const use lock(*this, "sync");
  const int failed = co_await offload(system::file_sync, fd_);
  checked(failed, "sync", path_);
}

task<> file::close() {
  const use lock(*this, "close");
  const int failed = co_await offload(system::file_close, fd_);
  fd_ = -1;
  checked(failed, "close", path_);
}

}  // namespace eddy::inline v1
