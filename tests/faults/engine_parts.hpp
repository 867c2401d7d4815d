// Descriptors of the engine's, and of nobody's, for the parts of the mixed program.
#pragma once

#include <array>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "../runtime/engine_bench.hpp"

namespace faults {

using eddy::detail::op_code;

// A descriptor that is the engine's from attach() to release(), and the test's before.
class engine_end {
 public:
  explicit engine_end(const char* what) noexcept : name(what) {}
  engine_end(engine_end&& other) noexcept
      : fd(std::exchange(other.fd, -1)), name(other.name), attached_(other.attached_) {}
  engine_end& operator=(engine_end&&) = delete;
  ~engine_end() { release(); }

  void attach(int number);  // takes the number also if it throws
  void open(int family, int type);
  void release() noexcept;

  int fd = -1;
  const char* name;

 private:
  bool attached_ = false;
};

std::array<engine_end, 2> engine_pair(const char* name);
std::array<engine_end, 2> engine_pipe(const char* name);
engine_end bound_datagrams(const char* name);
eddy::detail::socket_address address_of(const engine_end& end);

// A pair of non-blocking sockets that the engine knows nothing of.
class plain_pair {
 public:
  plain_pair();
  plain_pair(const plain_pair&) = delete;
  plain_pair& operator=(const plain_pair&) = delete;
  ~plain_pair();
  // It is the caller's from now on.
  int take(std::size_t which) const noexcept { return std::exchange(fds[which], -1); }

  mutable std::array<int, 2> fds{};
};

class forgotten_at_the_end {
 public:
  explicit forgotten_at_the_end(int fd) noexcept : fd_(fd) {}
  forgotten_at_the_end(const forgotten_at_the_end&) = delete;
  forgotten_at_the_end& operator=(const forgotten_at_the_end&) = delete;
  ~forgotten_at_the_end() { engine_bench::engine_here().forget(fd_); }

 private:
  int fd_;
};

class removed_file {
 public:
  explicit removed_file(std::filesystem::path path) : path_(std::move(path)) {}
  removed_file(const removed_file&) = delete;
  removed_file& operator=(const removed_file&) = delete;
  ~removed_file();

 private:
  std::filesystem::path path_;
};

// `co_await` of one write_pieces, or one operation on datagrams; gives the engine's result.
class pieces_awaited final
    : public eddy::detail::awaited_operation<pieces_awaited, eddy::detail::pieces_operation> {
 public:
  pieces_awaited(int on, const std::vector<std::string_view>& all) noexcept {
    fd = on;
    pieces = all.data();
    for (const std::string_view piece : all) size += piece.size();
  }
  int await_resume() { return finish(); }
};

class datagram_awaited final
    : public eddy::detail::awaited_operation<datagram_awaited, eddy::detail::datagram_operation> {
 public:
  datagram_awaited(op_code c, int on, char* bytes, std::size_t count,
                   eddy::detail::socket_address to = {}) noexcept
      : awaited_operation(c) {
    fd = on;
    data = bytes;
    size = count;
    address = to;
  }
  int await_resume() { return finish(); }
};

}  // namespace faults
