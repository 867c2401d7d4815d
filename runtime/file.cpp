#include <cerrno>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/operation.hpp>
#include <stdexcept>

#include "selector/engine.hpp"
#include "selector/system.hpp"

namespace eddy::inline v1 {

namespace system = detail::system;
using detail::op_code;

namespace {

// One read of read_all. A pipe's capacity, and enough that the call is small beside the copy.
constexpr std::size_t read_step = 64 * 1024;

std::int64_t checked(std::int64_t result, const char* what, const std::string& path) {
  if (result < 0) detail::throw_os_error(static_cast<int>(result), what, path.c_str());
  return result;
}

void require_path(const char* what, const std::string& path) {
  if (path.find('\0') == std::string::npos) return;
  throw std::invalid_argument(std::string(what) + ": the path has a NUL byte");
}

system::open_mode mode_of(file_mode mode) noexcept {
  switch (mode) {
    case file_mode::read: return system::open_mode::read;
    case file_mode::write: return system::open_mode::write;
    case file_mode::append: return system::open_mode::append;
  }
  return system::open_mode::read;
}

class file_operation final : public detail::awaited_operation<file_operation> {
 public:
  file_operation(op_code c, int file, void* bytes, std::size_t count) noexcept
      : awaited_operation(c) {
    fd = file;
    data = bytes;
    size = count;
  }
  int await_resume() { return finish(); }
};

// The same by a call that blocks.
std::int64_t call(op_code code, int fd, void* data, std::size_t size) noexcept {
  switch (code) {
    case op_code::file_open:
      return system::file_open(static_cast<const char*>(data),
                               static_cast<system::open_mode>(size));
    case op_code::file_read: return system::file_read(fd, data, size);
    case op_code::file_write: return system::file_write(fd, data, size);
    case op_code::file_sync: return system::file_sync(fd);
    default: return system::file_close(fd);
  }
}

// By the engine, if it does files, else on a thread of `offload`. What `data` names must hold.
task<std::int64_t> perform(op_code code, int fd, void* data, std::size_t size) {
  if (!detail::engine::performs_files()) {
    const std::int64_t n = co_await offload(call, code, fd, data, size);
    co_return n;
  }
  file_operation op(code, fd, data, size);
  const int n = co_await op;
  co_return n;
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
  require_path("open", path);
  const std::int64_t fd = co_await perform(op_code::file_open, -1, path.data(),
                                           static_cast<std::size_t>(mode_of(mode)));
  checked(fd, "open", path);
  co_return file(static_cast<int>(fd), std::move(path));
}

task<std::size_t> file::read_some(std::span<std::byte> out) {
  const use lock(*this, "read");
  const std::int64_t n = co_await perform(op_code::file_read, fd_, out.data(), out.size());
  co_return static_cast<std::size_t>(checked(n, "read", path_));
}

task<std::uint64_t> file::size() {
  const use lock(*this, "size");
  const std::int64_t n = co_await offload(system::file_size, fd_);
  if (n == -ESPIPE) co_return no_size;
  co_return static_cast<std::uint64_t>(checked(n, "size", path_));
}

task<std::string> file::read_all(std::size_t limit) {
  const use lock(*this, "read");
  std::string text;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + read_step);
    char* const to = text.data() + had;
    const std::int64_t n = co_await perform(op_code::file_read, fd_, to, read_step);
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
  auto* const from = const_cast<char*>(bytes.data());  // only read
  const std::int64_t n = co_await perform(op_code::file_write, fd_, from, bytes.size());
  checked(n, "write", path_);
}

task<> file::sync() {
  const use lock(*this, "sync");
  const std::int64_t failed = co_await perform(op_code::file_sync, fd_, nullptr, 0);
  checked(failed, "sync", path_);
}

task<> file::close() {
  const use lock(*this, "close");
  const std::int64_t failed = co_await perform(op_code::file_close, fd_, nullptr, 0);
  fd_ = -1;
  checked(failed, "close", path_);
}

task<> replace_file(std::string path, std::string bytes) {
  require_path("replace", path);
  const int failed = co_await offload(system::file_replace, std::string(path), std::move(bytes));
  checked(failed, "replace", path);
}

}  // namespace eddy::inline v1
