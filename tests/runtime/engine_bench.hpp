// Two ways to hold an engine in a test: bare, where the test is the loop and sees every completion;
// and through small awaiters in coroutines of a real loop.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <eddy/runtime/lease.hpp>
#include <eddy/runtime/operation.hpp>
#include <eddy/runtime/timer.hpp>
#include <span>
#include <string>
#include <string_view>

#include "../../runtime/loop_state.hpp"
#include "../../runtime/selector/engine.hpp"
#include "../../runtime/selector/system.hpp"
#include "../support/descriptors.hpp"
#include "../support/fallbacks.hpp"
#include "../support/sockets.hpp"

namespace engine_bench {

using eddy_tests::over_fallbacks;
using eddy::detail::op_code;

// A hang is a failure that says where: no single wait of a test takes this long.
inline constexpr std::int64_t patience_ns = 20'000'000'000;

// A fixture: the test leaves as many descriptors open as it found.
class no_leak {
 public:
  no_leak() : before_(eddy_tests::open_descriptors()) { REQUIRE(before_ > 0); }
  ~no_leak() { CHECK(eddy_tests::open_descriptors() == before_); }

 private:
  std::size_t before_;
};

inline void allow_descriptors(rlim_t wanted) {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

// Reproducible, and good enough to choose sizes and moments.
class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed * 2 + 1) {}
  std::uint64_t next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() >> 11) % n; }

 private:
  std::uint64_t state_;
};

// Of everything that has passed, in order.
class stream_hash {
 public:
  stream_hash() noexcept {}
  void add(const void* data, std::size_t size) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) value_ = (value_ ^ p[i]) * 1099511628211u;
    bytes_ += size;
  }
  std::uint64_t value() const noexcept { return value_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::uint64_t value_ = 14695981039346656037u;
  std::size_t bytes_ = 0;
};

// An operation of the bare kind counts its completions.
struct counter {
  int completions = 0;
};

class request final : public eddy::detail::operation, public counter {
 public:
  explicit request(op_code c, int on, void* bytes = nullptr, std::size_t count = 0) noexcept
      : operation(c) {
    fd = on;
    data = bytes;
    size = count;
  }
};

class pieces_request final : public eddy::detail::pieces_operation, public counter {
 public:
  pieces_request(int on, std::span<const std::string_view> what) noexcept {
    fd = on;
    pieces = what.data();
    for (const std::string_view piece : what) size += piece.size();
  }
};

class datagram_request final : public eddy::detail::datagram_operation, public counter {
 public:
  datagram_request(op_code c, int on, void* bytes, std::size_t count) noexcept
      : datagram_operation(c) {
    fd = on;
    data = bytes;
    size = count;
  }
};

// An engine and the least that a loop must be for it.
class bare final : public eddy::detail::scope {
 public:
  explicit bare(unsigned buffers = 8, std::size_t buffer_bytes = 4096, unsigned entries = 8)
      : selector(eddy::detail::engine_options{buffer_bytes, buffers, entries}) {
    loop = &core_;
  }
  ~bare() { collect(); }
  std::coroutine_handle<> body_ended() noexcept override { return std::noop_coroutine(); }

  // True if it was complete at once.
  template <class Request>
  bool submit(Request& r) {
    r.where = this;
    r.state = eddy::detail::wait_state::waiting;
    if (!selector.submit(r)) return false;
    r.state = eddy::detail::wait_state::idle;
    ++r.completions;
    return true;
  }
  // One turn that does not block.
  void turn() {
    selector.wait(0);
    collect();
  }
  void turns(int count) {
    while (count-- > 0) turn();
  }
  // The result of `r`, which completes exactly once.
  template <class Request>
  int finish(Request& r) {
    const std::int64_t limit = eddy::detail::system::clock_ns() + patience_ns;
    collect();
    while (r.completions == 0) {
      REQUIRE_MESSAGE(eddy::detail::system::clock_ns() < limit, "the operation never completed");
      selector.wait(limit);
      collect();
    }
    REQUIRE(r.completions == 1);
    return r.result;
  }
  template <class Request>
  int perform(Request& r) {
    submit(r);
    return finish(r);
  }
  // Takes what is on the ready queue.
  void collect() {
    if (core_.ready.empty()) return;
    eddy::detail::ready_node* at = &core_.ready.first();
    const eddy::detail::ready_node* const last = &core_.ready.last();
    core_.ready.clear();
    for (bool all = false; !all;) {
      auto& r = static_cast<eddy::detail::operation&>(*at);
      all = at == last;
      at = r.next;
      r.state = eddy::detail::wait_state::idle;
      ++dynamic_cast<counter&>(r).completions;
    }
  }
  void close(int fd) {
    request r(op_code::close, fd);
    CHECK(perform(r) == 0);
  }
  void recycle(const request& r) { selector.recycle(static_cast<std::byte*>(r.data), r.buffer); }

  eddy::detail::engine selector;

 private:
  eddy::detail::loop_core core_;
};

inline std::string_view text_of(const request& r, int size) {
  return {static_cast<const char*>(r.data), static_cast<std::size_t>(size)};
}

// Engines may treat them differently.
enum class kind { unix_stream, tcp };

// The two ends of a connection, made by plain system calls.
inline std::array<int, 2> make_stream(kind k) {
  std::array<int, 2> ends{};
  if (k == kind::unix_stream) {
    ends = eddy_tests::plain_pair();
    REQUIRE(ends[0] >= 0);
    return ends;
  }
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  const int server = eddy_tests::plain_socket(AF_INET, SOCK_STREAM);
  // So that a writer has to wait after a megabyte: by default the kernel takes ten.
  const int room = 128 << 10;
  ::setsockopt(server, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  ::setsockopt(server, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  REQUIRE(::bind(server, address, size) == 0);
  REQUIRE(::listen(server, 1) == 0);
  REQUIRE(::getsockname(server, address, &size) == 0);
  ends[0] = eddy_tests::plain_socket(AF_INET, SOCK_STREAM);
  ::setsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  REQUIRE(::connect(ends[0], address, size) == 0);
  ends[1] = eddy_tests::plain_accept(server);
  REQUIRE(ends[1] >= 0);
  ::close(server);
  const int on = 1;
  for (const int fd : ends) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return ends;
}

// A stream of which the engine has one end and the test the other.
class wire {
 public:
  explicit wire(eddy::detail::engine& e, kind k = kind::unix_stream) : engine_(&e) {
    const auto ends = make_stream(k);
    fd = ends[0];
    peer = ends[1];
    e.attach(fd);
  }
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  ~wire() {
    release();
    close_peer();
  }
  void release() {
    if (fd >= 0) engine_->release(fd);
    fd = -1;
  }
  void close_peer() {
    if (peer >= 0) ::close(peer);
    peer = -1;
  }
  void say(std::string_view text) const {
    REQUIRE(eddy_tests::quiet_send(peer, text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  // At least one byte; empty at the end of the stream.
  std::string hear() const {
    char bytes[4096];
    const ssize_t n = ::recv(peer, bytes, sizeof bytes, 0);
    REQUIRE(n >= 0);
    return std::string(bytes, static_cast<std::size_t>(n));
  }

  int fd = -1;
  int peer = -1;

 private:
  eddy::detail::engine* engine_;
};

// A listening socket of the engine's, in the unix domain.
class listener {
 public:
  explicit listener(eddy::detail::engine& e, int backlog = 64) : engine_(&e) {
    fd = e.open_socket(AF_UNIX, SOCK_STREAM);
    eddy::detail::system::socket_address any;
    std::memcpy(any.bytes, &name_.name(), name_.size());
    any.size = static_cast<unsigned>(name_.size());
    REQUIRE(eddy::detail::system::listen_on(fd, any, backlog, false) == 0);
    REQUIRE(eddy::detail::system::local_address(fd, at) == 0);
  }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener() { release(); }
  void release() {
    if (fd >= 0) engine_->release(fd);
    fd = -1;
  }
  // A connection by plain system calls.
  int dial() const {
    const int s = eddy_tests::plain_socket(AF_UNIX, SOCK_STREAM);
    REQUIRE(s >= 0);
    REQUIRE(::connect(s, reinterpret_cast<const sockaddr*>(at.bytes), at.size) == 0);
    return s;
  }

  int fd = -1;
  eddy::detail::system::socket_address at;

 private:
  eddy_tests::unix_name name_;
  eddy::detail::engine* engine_;
};

// `co_await` of one operation; gives the engine's result.
class awaited final : public eddy::detail::awaited_operation<awaited> {
 public:
  explicit awaited(op_code c, int on, void* bytes = nullptr, std::size_t count = 0) noexcept
      : eddy::detail::awaited_operation<awaited>(c) {
    fd = on;
    data = bytes;
    size = count;
  }
  int await_resume() { return finish(); }
};

// The same for `receive`; gives a lease.
class awaited_lease final : public eddy::detail::awaited_operation<awaited_lease> {
 public:
  explicit awaited_lease(int on) noexcept
      : eddy::detail::awaited_operation<awaited_lease>(op_code::receive) {
    fd = on;
  }
  eddy::lease await_resume() {
    const int n = finish();
    if (n < 0) eddy::detail::throw_os_error(n, "receive", "");
    if (n == 0) return eddy::lease();
    return eddy::lease(*where->loop, static_cast<std::byte*>(data), static_cast<std::size_t>(n),
                       buffer);
  }
};

// The engine of the loop that runs here.
inline eddy::detail::engine& engine_here() {
  return eddy::detail::engine_of(eddy::detail::require_loop("a test"));
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

inline eddy::detail::system::socket_address loopback() {
  eddy::detail::system::socket_address at;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(at.bytes, &in, sizeof in);
  at.size = sizeof in;
  return at;
}

// A bound TCP socket; listens if `backlog` is not negative.
inline int bound_tcp(bare& b, eddy::detail::system::socket_address& at, int backlog) {
  const int fd = b.selector.open_socket(AF_INET, SOCK_STREAM);
  at = loopback();
  if (backlog >= 0) {
    REQUIRE(eddy::detail::system::listen_on(fd, at, backlog, false) == 0);
  } else {
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(at.bytes), at.size) == 0);
  }
  REQUIRE(eddy::detail::system::local_address(fd, at) == 0);
  return fd;
}

// Runs a test case once for each kind of stream.
class each_kind : public no_leak {
 public:
  each_kind() {
    SUBCASE("unix") { stream = kind::unix_stream; }
    SUBCASE("TCP") { stream = kind::tcp; }
  }

 protected:
  kind stream = kind::unix_stream;
};

}  // namespace engine_bench
