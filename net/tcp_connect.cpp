#include <sys/socket.h>

#include <eddy/net/resolver.hpp>
#include <system_error>

#include "../runtime/loop_state.hpp"
#include "socket_address.hpp"
#include "socket_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* connecting = "connect to";

class connect_awaiter final : public operation {
 public:
  connect_awaiter(const socket_ref& socket, const endpoint& to) noexcept
      : operation(op_code::connect), socket_(socket), to_(to_socket_address(to)) {
    data = to_.bytes;
    size = to_.size;
    fd = socket.base()->fd;
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return submit();
  }
  void await_resume() {
    const int failed = finish();
    if (failed < 0) fail_socket(failed, connecting, socket_);
  }

 private:
  socket_ref socket_;
  system::socket_address to_;
};

socket_ref open_for(const endpoint& to) {
  loop_core& loop = require_loop("tcp_stream::connect");
  try {
    return adopt_socket(engine_of(loop).open_socket(family_of(to), SOCK_STREAM), loop, to);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a socket to connect to " + to.to_string());
  }
}

}  // namespace
}  // namespace detail

task<tcp_stream> tcp_stream::connect(endpoint to) {
  tcp_stream stream(detail::open_for(to));
  detail::connect_awaiter handshake(stream.socket(), to);
  co_await handshake;
  stream.set_no_delay(true);
  co_return std::move(stream);
}

task<tcp_stream> tcp_stream::connect(std::string host, std::uint16_t port) {
  if (endpoint::is_address(host)) {
    tcp_stream stream = co_await connect(endpoint::parse(host, port));
    co_return std::move(stream);
  }
  const std::vector<endpoint> addresses = co_await resolve(host, port);
  std::string text = detail::connecting + (" " + host + ":" + std::to_string(port));
  std::error_code last;
  for (const endpoint& at : addresses) {
    try {
      tcp_stream stream = co_await connect(at);
      co_return std::move(stream);
    } catch (const std::system_error& e) {
      // The message of the last one is added by system_error itself.
      if (last) text.append(": ").append(last.message()).append(";");
      text.append(last ? " " : ": ").append(at.to_string());
      last = e.code();
    }
  }
  throw std::system_error(last, text);
}

}  // namespace eddy::inline v1
