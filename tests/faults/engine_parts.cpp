#include "engine_parts.hpp"

#include <cerrno>
#include <system_error>

namespace faults {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

}  // namespace

void engine_end::attach(int number) {
  fd = number;
  engine_bench::engine_here().attach(fd);
  attached_ = true;
}

void engine_end::open(int family, int type) {
  fd = engine_bench::engine_here().open_socket(family, type);
  attached_ = true;
}

void engine_end::release() noexcept {
  if (fd < 0) return;
  if (attached_) {
    engine_bench::engine_here().release(fd);
  } else {
    ::close(fd);
  }
  fd = -1;
}

namespace {

std::array<engine_end, 2> attached(std::array<int, 2> fds, const char* name) {
  std::array<engine_end, 2> ends{engine_end(name), engine_end(name)};
  ends[0].fd = fds[0];
  ends[1].fd = fds[1];
  ends[0].attach(fds[0]);
  ends[1].attach(fds[1]);
  return ends;
}

}  // namespace

std::array<engine_end, 2> engine_pair(const char* name) {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) fail(name);
  return attached(fds, name);
}

std::array<engine_end, 2> engine_pipe(const char* name) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) fail(name);
  return attached(fds, name);
}

engine_end bound_datagrams(const char* name) {
  engine_end end(name);
  end.open(AF_INET, SOCK_DGRAM);
  const eddy::detail::socket_address at = engine_bench::loopback();
  if (::bind(end.fd, reinterpret_cast<const sockaddr*>(at.bytes), at.size) != 0) fail(name);
  return end;
}

eddy::detail::socket_address address_of(const engine_end& end) {
  eddy::detail::socket_address at;
  const int failed = eddy::detail::system::local_address(end.fd, at);
  if (failed < 0) throw std::system_error(-failed, std::system_category(), end.name);
  return at;
}

plain_pair::plain_pair() {
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) != 0) {
    fail("a pair of sockets");
  }
}

plain_pair::~plain_pair() {
  for (const int fd : fds) {
    if (fd >= 0) ::close(fd);
  }
}

removed_file::~removed_file() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace faults
