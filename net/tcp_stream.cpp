// Connecting, and what a connection knows about itself.
#include <sys/socket.h>

#include <eddy/net/resolver.hpp>
#include <system_error>

#include "connect_any.hpp"
#include "connect_operation.hpp"
#include "lookup.hpp"
#include "socket_address.hpp"
#include "tcp_state.hpp"

namespace eddy::inline v1 {

namespace {

detail::descriptor_ref open_for(const endpoint& to) {
  detail::loop_core& loop = detail::require_loop("tcp_stream::connect");
  try {
    const int fd = detail::engine_of(loop).open_socket(detail::family_of(to), SOCK_STREAM);
    return detail::adopt<detail::tcp_state>(fd, loop, to);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a socket to connect to " + to.to_string());
  }
}

}  // namespace

task<tcp_stream> tcp_stream::connect(endpoint to) {
  tcp_stream stream(open_for(to));
  detail::connect_operation handshake(stream.descriptor().base()->fd,
                                      detail::to_socket_address(to));
  const int failed = co_await handshake;
  if (failed < 0) detail::fail_descriptor(failed, "connect to", stream.descriptor());
  stream.set_no_delay(true);
  co_return std::move(stream);
}

task<tcp_stream> tcp_stream::connect(std::string host, std::uint16_t port) {
  if (endpoint::is_address(host)) {
    tcp_stream stream = co_await connect(endpoint::parse(host, port));
    co_return std::move(stream);
  }
  std::string name = host + ":" + std::to_string(port);
  detail::check_name(host);
  const detail::lookup_answer first =
      co_await detail::look_up(std::string(host), detail::resolution_delay_ns);
  detail::more_addresses more;
  if (first.is_partial) more = [host, port] { return resolve(host, port); };
  std::vector<endpoint> found =
      detail::interleave_families(detail::with_port(first.addresses, port));
  tcp_stream stream =
      co_await detail::connect_any(std::move(found), std::move(name),
                                   detail::connection_attempt_delay_ns, std::move(more));
  co_return std::move(stream);
}

endpoint tcp_stream::local_address() const {
  constexpr const char* what = "local address of the connection to";
  detail::socket_address found;
  endpoint out;
  const int failed =
      detail::system::local_address(detail::open_descriptor(what, descriptor()), found);
  if (failed < 0) detail::fail_descriptor(failed, what, descriptor());
  detail::from_socket_address(found, out);
  return out;
}

endpoint tcp_stream::remote_address() const {
  return static_cast<detail::tcp_state&>(detail::state_for("remote address of", descriptor())).peer;
}

void tcp_stream::set_no_delay(bool on) {
  constexpr const char* what = "set TCP_NODELAY on the connection to";
  const int failed = detail::system::set_no_delay(detail::open_descriptor(what, descriptor()), on);
  if (failed < 0) detail::fail_descriptor(failed, what, descriptor());
}

}  // namespace eddy::inline v1
