#include <sys/socket.h>

#include <cerrno>
#include <eddy/net/udp.hpp>
#include <system_error>

#include "../runtime/descriptor_state.hpp"
#include "socket_address.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* sending = "send to";

struct udp_state final : descriptor_state {
  udp_state(const descriptor_type& t, int descriptor, loop_core& home, const endpoint& of) noexcept
      : descriptor_state(t, descriptor, home), address(of) {}

  std::string name() const { return address.to_string(); }
  void surrendered() noexcept {}

  endpoint address;  // the peer's of a connected socket, else its own
  bool is_connected = false;
};

udp_state& udp_of(const descriptor_ref& ref) noexcept {
  return static_cast<udp_state&>(descriptor_of(ref));
}

}  // namespace

bool receive_from_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin()) return false;
  fd = use_.begin();
  return submit();
}

datagram receive_from_awaiter::await_resume() {
  use_.end();
  const int got = finish();
  const bool is_connected = use_.ref() && udp_of(use_.ref()).is_connected;
  const char* receiving = is_connected ? "receive from" : "receive on";
  use_.check(receiving);
  if (got < 0) fail_descriptor(got, receiving, use_.ref());
  endpoint from;
  if (!from_socket_address(address, from) && is_connected) from = udp_of(use_.ref()).address;
  return {static_cast<std::size_t>(got), from, truncated};
}

send_awaiter::send_awaiter(const descriptor_ref& socket, std::span<const std::byte> bytes,
                           const endpoint* to) noexcept
    : awaited_operation(op_code::send_to), use_(socket, direction::writing) {
  data = const_cast<std::byte*>(bytes.data());
  size = bytes.size();
  if (to) address = to_socket_address(*to);
}

bool send_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin()) return false;
  fd = use_.begin();
  return submit();
}

void send_awaiter::await_resume() {
  use_.end();
  const int sent = finish();
  use_.check(sending);
  if (sent >= 0) return;
  const udp_state& s = udp_of(use_.ref());
  endpoint to = s.address;
  const bool is_addressed = from_socket_address(address, to) || s.is_connected;
  std::string what = is_addressed ? sending : "send without an address from";
  if (sent == -EMSGSIZE) what = "send a datagram of " + std::to_string(size) + " bytes to";
  throw_os_error(sent, what.c_str(), to.to_string().c_str());
}

}  // namespace detail

void udp_socket::configure(const udp_options& options, const endpoint* own) {
  using detail::system::socket_option;
  const int fd = owned_.ref().base()->fd;
  const auto set = [&](socket_option option, int value, const char* what) {
    const int failed = detail::system::set_option(fd, option, value);
    if (failed < 0) detail::fail_descriptor(failed, what, owned_.ref());
  };
  const bool is_ipv6 = detail::udp_of(owned_.ref()).address.is_ipv6();
  // One address family a socket, on every system alike.
  if (is_ipv6) set(socket_option::ipv6_only, 1, "set IPV6_V6ONLY on");
  if (options.broadcast_) set(socket_option::broadcast, 1, "set SO_BROADCAST on");
  if (options.reuse_port_) set(socket_option::reuse_port, 1, "set SO_REUSEPORT on");
  if (options.receive_buffer_ > 0) {
    set(socket_option::receive_buffer_bytes, options.receive_buffer_, "set SO_RCVBUF on");
  }
  if (options.send_buffer_ > 0) {
    set(socket_option::send_buffer_bytes, options.send_buffer_, "set SO_SNDBUF on");
  }
  if (!own) return;
  const int failed = detail::system::bind_to(fd, detail::to_socket_address(*own));
  if (failed < 0) detail::fail_descriptor(failed, "bind to", owned_.ref());
  detail::udp_of(owned_.ref()).address = local_address();
}

namespace {

detail::descriptor_ref open_for(const endpoint& at, const char* caller) {
  detail::loop_core& loop = detail::require_loop(caller);
  try {
    const int fd = detail::engine_of(loop).open_socket(detail::family_of(at), SOCK_DGRAM);
    return detail::adopt<detail::udp_state>(fd, loop, at);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a datagram socket for " + at.to_string());
  }
}

}  // namespace

udp_socket udp_socket::bind(endpoint at, udp_options options) {
  udp_socket socket(open_for(at, "udp_socket::bind"));
  socket.configure(options, &at);
  return socket;
}

udp_socket udp_socket::open(ip_family family, udp_options options) {
  const endpoint any = family == ip_family::v6 ? endpoint::v6({}, 0) : endpoint::any(0);
  udp_socket socket(open_for(any, "udp_socket::open"));
  socket.configure(options, nullptr);
  return socket;
}

void udp_socket::connect(endpoint peer) {
  constexpr const char* what = "connect";
  const int fd = detail::open_descriptor(what, owned_.ref());
  const int failed = detail::system::connect_datagrams(fd, detail::to_socket_address(peer));
  if (failed < 0) {
    detail::throw_os_error(failed, "connect a datagram socket to", peer.to_string().c_str());
  }
  detail::udp_state& state = detail::udp_of(owned_.ref());
  state.address = peer;
  state.is_connected = true;
}

endpoint udp_socket::local_address() const {
  constexpr const char* what = "local address of";
  detail::socket_address found;
  endpoint out;
  const int failed =
      detail::system::local_address(detail::open_descriptor(what, owned_.ref()), found);
  if (failed < 0) detail::fail_descriptor(failed, what, owned_.ref());
  detail::from_socket_address(found, out);
  return out;
}

}  // namespace eddy::inline v1
