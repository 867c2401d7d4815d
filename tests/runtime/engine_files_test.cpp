// What CONTRACT 1 (runtime/selector/engine.hpp) promises of files, of an engine that performs them
// itself; file_test.cpp tests `file` on all of them.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using eddy::detail::engine;
using eddy::detail::system::open_mode;

namespace {

// A directory of its own, empty at its end again.
class scratch : public no_leak {
 public:
  scratch() {
    path_ = "/tmp/eddy-engine-XXXXXX";
    REQUIRE(::mkdtemp(path_.data()));
  }
  ~scratch() {
    for (const std::string& name : names_) ::unlink(name.c_str());
    CHECK(::rmdir(path_.c_str()) == 0);
  }
  std::string at(const char* name) {
    names_.push_back(path_ + "/" + name);
    return names_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> names_;
};

request opening(std::string& path, open_mode mode) {
  return request(op_code::file_open, -1, path.data(), static_cast<std::size_t>(mode));
}

off_t size_of(const std::string& path) {
  struct stat what {};
  return ::stat(path.c_str(), &what) == 0 ? what.st_size : -1;
}

}  // namespace

TEST_CASE_FIXTURE(scratch, "files are opened, written, read at their position, and closed") {
  if (!engine::performs_files()) return;
  bare b;
  std::string path = at("a");
  request missing = opening(path, open_mode::read);
  CHECK(b.perform(missing) == -ENOENT);
  request made = opening(path, open_mode::write);
  const int out = b.perform(made);
  REQUIRE(out >= 0);
  CHECK((::fcntl(out, F_GETFD) & FD_CLOEXEC) != 0);
  std::string text = "0123456789";
  request written(op_code::file_write, out, text.data(), text.size());
  CHECK(b.perform(written) == 0);
  CHECK(written.done == text.size());
  request nothing(op_code::file_write, out, text.data(), 0);
  CHECK(b.perform(nothing) == 0);
  request synced(op_code::file_sync, out);
  CHECK(b.perform(synced) == 0);
  request closed(op_code::file_close, out);
  CHECK(b.perform(closed) == 0);
  CHECK_FALSE(is_open(out));
  request again(op_code::file_close, out);
  CHECK(b.perform(again) == -EBADF);

  request opened = opening(path, open_mode::read);
  const int in = b.perform(opened);
  char bytes[6];
  for (const int size : {6, 4, 0}) {
    request read(op_code::file_read, in, bytes, sizeof bytes);
    CHECK(b.perform(read) == size);
  }
  request refused(op_code::file_write, in, bytes, 1);
  CHECK(b.perform(refused) == -EBADF);
  ::close(in);
}

TEST_CASE_FIXTURE(scratch, "cancelled before the kernel was told, a file operation has no effect") {
  if (!engine::performs_files()) return;
  bare b;
  std::string path = at("b");
  request made = opening(path, open_mode::write);
  b.submit(made);
  b.selector.cancel(made);
  b.selector.cancel(made);
  CHECK(b.finish(made) == -ECANCELED);
  b.turns(3);
  CHECK(made.completions == 1);
  CHECK(size_of(path) == -1);

  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  char byte = 'x';
  request written(op_code::file_write, fd, &byte, 1);
  b.submit(written);
  b.selector.cancel(written);
  CHECK(b.finish(written) == -ECANCELED);
  request closed(op_code::file_close, fd);
  b.submit(closed);
  b.selector.cancel(closed);
  CHECK(b.finish(closed) == -ECANCELED);
  b.turns(3);
  CHECK(size_of(path) == 0);
  CHECK(is_open(fd));
  ::close(fd);
}

TEST_CASE_FIXTURE(scratch, "what sleeps is interrupted by a cancellation, and nobody is left") {
  if (!engine::performs_files()) return;
  bare b;
  std::string path = at("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  for (int turns = 1; turns < 6; ++turns) {
    request waiting = opening(path, open_mode::read);  // for a writer
    b.submit(waiting);
    b.turns(turns);
    CHECK(waiting.completions == 0);
    b.selector.cancel(waiting);
    CHECK(b.finish(waiting) == -ECANCELED);

    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    char byte;
    request read(op_code::file_read, fd, &byte, 1);
    b.submit(read);
    b.turns(turns);
    CHECK(read.completions == 0);
    b.selector.cancel(read);
    CHECK(b.finish(read) == -ECANCELED);
    ::close(fd);
  }
}

TEST_CASE_FIXTURE(scratch, "a write to a file is done to its end or not at all") {
  if (!engine::performs_files()) return;
  bare b;
  std::string bytes(20 << 20, 'w');
  int cancelled = 0;
  for (int round = 0; round < 12; ++round) {
    std::string path = at(("w" + std::to_string(round)).c_str());
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    request r(op_code::file_write, fd, bytes.data(), bytes.size());
    b.submit(r);
    b.turns(round % 4);
    b.selector.cancel(r);
    const int result = b.finish(r);
    if (result == -ECANCELED) ++cancelled;
    CHECK((result == 0 || result == -ECANCELED));
    CHECK(size_of(path) == (result == 0 ? static_cast<off_t>(bytes.size()) : 0));
    ::close(fd);
    ::unlink(path.c_str());
  }
  CHECK(cancelled >= 3);
}

TEST_CASE_FIXTURE(scratch, "a write to a FIFO goes on after its room, and ends with EPIPE unsignalled") {
  if (!engine::performs_files()) return;
  bare b;
  std::string path = at("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int in = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  request opened = opening(path, open_mode::write);
  const int out = b.perform(opened);
  REQUIRE(out >= 0);
  std::string bytes(300'000, 'f');
  request r(op_code::file_write, out, bytes.data(), bytes.size());
  b.submit(r);
  std::vector<char> got(1 << 16);
  std::size_t total = 0;
  const std::int64_t limit = eddy::detail::system::clock_ns() + patience_ns;
  while (total < bytes.size() && eddy::detail::system::clock_ns() < limit) {
    b.turn();
    const ssize_t n = ::read(in, got.data(), got.size());
    if (n > 0) total += static_cast<std::size_t>(n);
  }
  CHECK(total == bytes.size());
  CHECK(b.finish(r) == 0);
  ::close(in);
  request broken(op_code::file_write, out, bytes.data(), bytes.size());
  CHECK(b.perform(broken) == -EPIPE);
  ::close(out);
}

TEST_CASE_FIXTURE(scratch, "many file operations go through a queue of two, cancelled or not") {
  if (!engine::performs_files()) return;
  bare b(8, 4096, 2);
  std::string path = at("many");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char byte = 'm';
  std::vector<std::unique_ptr<request>> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(std::make_unique<request>(op_code::file_write, fd, &byte, 1));
    b.submit(*all.back());
    if (i % 100 == 50) b.turn();
  }
  for (std::size_t i = 0; i < 500; i += 2) b.selector.cancel(*all[i]);
  off_t done = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    const int result = b.finish(*all[i]);
    if (i % 2) CHECK(result == 0);
    if (result == 0) ++done;
  }
  CHECK(size_of(path) == done);
  CHECK(done < 500);
  ::close(fd);
}
