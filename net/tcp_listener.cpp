#include <sys/socket.h>

#include <system_error>

#include "accept.hpp"
#include "socket_address.hpp"
#include "tcp_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

struct tcp_listener_state final : descriptor_state {
  tcp_listener_state(const descriptor_type& t, int descriptor, loop_core& home,
                     const endpoint& own) noexcept
      : descriptor_state(t, descriptor, home), address(own) {}

  std::string name() const { return address.to_string(); }
  void surrendered() noexcept {}

  endpoint address;
};

// Empty if the connection has ended already: then it has no peer.
tcp_stream make_accepted(int fd, loop_core& loop, const descriptor_ref&) {
  tcp_stream stream(adopt<tcp_state>(fd, loop, endpoint()));
  socket_address peer;
  endpoint& address = static_cast<tcp_state&>(descriptor_of(stream.descriptor())).peer;
  if (system::peer_address(fd, peer) < 0 || !from_socket_address(peer, address)) return {};
  if (system::set_no_delay(fd, true) < 0) return {};
  return stream;
}

}  // namespace
}  // namespace detail

tcp_listener tcp_listener::bind(endpoint at, listen_options options) {
  detail::loop_core& loop = detail::require_loop("tcp_listener::bind");
  detail::descriptor_ref socket;
  try {
    const int fd = detail::engine_of(loop).open_socket(detail::family_of(at), SOCK_STREAM);
    socket = detail::adopt<detail::tcp_listener_state>(fd, loop, at);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a socket to listen on " + at.to_string());
  }
  tcp_listener listener(std::move(socket));
  const detail::descriptor_ref& opened = listener.owned_.ref();
  const int fd = opened.base()->fd;
  const detail::socket_address wanted = detail::to_socket_address(at);
  int failed = detail::system::listen_on(fd, wanted, options.backlog_, options.reuse_port_);
  detail::socket_address bound;
  if (failed == 0) failed = detail::system::local_address(fd, bound);
  if (failed < 0) detail::fail_descriptor(failed, "listen on", opened);
  auto& state = static_cast<detail::tcp_listener_state&>(detail::descriptor_of(opened));
  detail::from_socket_address(bound, state.address);
  return listener;
}

endpoint tcp_listener::local_address() const {
  detail::descriptor_state& state = detail::state_for("local address of", owned_.ref());
  return static_cast<detail::tcp_listener_state&>(state).address;
}

task<tcp_stream> tcp_listener::accept() {
  return detail::accept_on(owned_.ref(), detail::make_accepted);
}

}  // namespace eddy::inline v1
