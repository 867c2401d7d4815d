#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "../runtime/loop_state.hpp"
#include "socket_address.hpp"
#include "socket_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* listening = "listen on";
constexpr const char* accepting = "accept on";

class accept_awaiter final : public operation {
 public:
  explicit accept_awaiter(int listener) noexcept : operation(op_code::accept) { fd = listener; }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return submit();
  }
  int await_resume() { return finish(); }
};

class accept_turn {
 public:
  explicit accept_turn(const socket_ref& listener) : listener_(listener) {
    if (!listener) refuse_use(socket_verdict::empty, accepting, listener, nullptr);
    socket_state& s = socket_of(listener);
    const socket_verdict verdict = judge(listener, s.reading, nullptr);
    if (verdict != socket_verdict::submitted) refuse_use(verdict, accepting, listener, nullptr);
    s.reading = true;
  }
  accept_turn(const accept_turn&) = delete;
  accept_turn& operator=(const accept_turn&) = delete;
  ~accept_turn() { socket_of(listener_).reading = false; }

 private:
  const socket_ref& listener_;
};

// accept(2): what was wrong with the connection that was to be accepted, not with the listener.
bool concerns_one_connection(int result) noexcept {
  switch (-result) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

// Empty if the connection has ended already: then it has no peer.
tcp_stream make_accepted(int fd, loop_core& loop) {
  tcp_stream stream(adopt_socket(fd, loop, endpoint()));
  system::socket_address peer;
  endpoint& address = socket_of(stream.socket()).address;
  if (system::peer_address(fd, peer) < 0 || !from_socket_address(peer, address)) return {};
  if (system::set_no_delay(fd, true) < 0) return {};
  return stream;
}

task<tcp_stream> accept_on(socket_ref listener) {
  const accept_turn turn(listener);
  for (;;) {
    if (listener.base()->fd < 0) fail_socket(-EBADF, accepting, listener);
    accept_awaiter next(listener.base()->fd);
    const int fd = co_await next;
    if (fd < 0 && !concerns_one_connection(fd)) fail_socket(fd, accepting, listener);
    if (fd < 0) continue;
    tcp_stream stream = make_accepted(fd, *socket_of(listener).loop);
    if (stream.is_open()) co_return std::move(stream);
  }
}

}  // namespace
}  // namespace detail

tcp_listener tcp_listener::bind(endpoint at, listen_options options) {
  detail::loop_core& loop = detail::require_loop("tcp_listener::bind");
  detail::socket_ref socket;
  try {
    const int fd = detail::engine_of(loop).open_socket(detail::family_of(at), SOCK_STREAM);
    socket = detail::adopt_socket(fd, loop, at);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a socket to listen on " + at.to_string());
  }
  const int fd = socket.base()->fd;
  const detail::system::socket_address wanted = detail::to_socket_address(at);
  int failed = detail::system::listen_on(fd, wanted, options.backlog_, options.reuse_port_);
  detail::system::socket_address bound;
  if (failed == 0) failed = detail::system::local_address(fd, bound);
  if (failed < 0) detail::fail_socket(failed, detail::listening, socket);
  detail::from_socket_address(bound, detail::socket_of(socket).address);
  return tcp_listener(std::move(socket));
}

void tcp_listener::release() noexcept { detail::socket_of(socket_).release(); }

endpoint tcp_listener::local_address() const {
  if (!socket_) {
    detail::refuse_use(detail::socket_verdict::empty, "local address of", socket_, nullptr);
  }
  return detail::socket_of(socket_).address;
}

task<tcp_stream> tcp_listener::accept() { return detail::accept_on(socket_); }

}  // namespace eddy::inline v1
