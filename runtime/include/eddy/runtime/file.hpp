// Files, read and written without blocking the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/runtime/task.hpp>
#include <span>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

enum class file_mode : std::uint8_t {
  read,    // the file must exist
  write,   // made if missing, emptied if not
  append,  // made if missing; each write goes to the end, as one piece
};

// An open file. Move-only. The calls are made by the kernel itself under an io_uring selector, and
// on the loop's offload threads under the others; one at a time for each file (a second concurrent
// one throws std::logic_error), and may not outlive the file. Errors are std::system_error with the
// path.
//
// Cancellation: a call that has not started is withdrawn and has no effect (a close, too: the file
// is then as it was); one that has is waited for and keeps its result. Under io_uring one that
// sleeps, as opening or reading a FIFO, is interrupted, which is not possible on a thread. A
// cancelled read_all has moved the position by what it had read. write_all is a single call, so its
// bytes are written together or not at all, short of an error.
class file {
 public:
  // Opens `path` (open(2)); a file that is made gets mode 0666 less the umask.
  static task<file> open(std::string path, file_mode mode);

  file(file&& other) noexcept;
  file& operator=(file&& other) noexcept;
  // Closes without waiting, on this thread; what close(2) says is lost. Prefer close().
  ~file();

  // Reads up to `out.size()` bytes at the current position; 0 at the end.
  task<std::size_t> read_some(std::span<std::byte> out);
  // Its bytes, now. Nothing to ask for of a FIFO or a device: no_size; a directory is an error.
  static constexpr std::uint64_t no_size = UINT64_MAX;
  task<std::uint64_t> size();
  // Reads to the end; throws std::length_error past `limit` bytes.
  task<std::string> read_all(std::size_t limit = 64 * 1024 * 1024);
  // Writes all of `bytes`, which must stay valid until the await returns.
  task<> write_all(std::string_view bytes);
  // The same for a file opened with file_mode::append, where it says what happens.
  task<> append(std::string_view bytes) { return write_all(bytes); }
  // Waits until the data is on the disk: fsync(2).
  task<> sync();
  // Closes and reports what close(2) says. The file is unusable then, also when that is an error.
  task<> close();

  const std::string& path() const noexcept { return path_; }

 private:
  file(int fd, std::string path) noexcept : path_(std::move(path)), fd_(fd) {}
  class use;

  std::string path_;
  int fd_ = -1;
  bool busy_ = false;
};

// Makes `bytes` what the file holds, as one step: a crash, a full disk or a cancellation leaves
// what it held before. They are written beside it, brought to the disk (fsync(2)), and take its
// place (rename(2)) with its permissions; one that is made gets mode 0666 less the umask. Its
// other hard links keep the old bytes, and its owner is who calls. A path that names no regular
// file, as a device, is just written to. Throws std::system_error with the path. A single call on
// an offload thread: a cancellation withdraws it or waits for it.
//
//   co_await replace_file("settings.txt", text);
task<> replace_file(std::string path, std::string bytes);

}  // namespace eddy::inline v1
