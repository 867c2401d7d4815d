// The socket calls of system.hpp in the simulated world.
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "network.hpp"

namespace eddy::inline v1::detail::system {

namespace {

using simulation::net_address;
using simulation::network;

// Who everybody is in the simulated world.
constexpr std::int64_t simulated_process = 1000;
constexpr std::uint32_t simulated_user = 1000;

network& net() noexcept { return simulation::here().net(); }

// `call` on the socket, or the error of a number that is none.
template <class Call>
int on_socket(int fd, Call call) noexcept {
  simulation::socket* s = net().find(fd);
  return s ? call(*s) : -ENOTSOCK;
}

template <class Call>
int address_by(Call call, socket_address& out) noexcept {
  net_address found;
  const int failed = call(found);
  if (!failed) out = simulation::socket_address_of(found);
  return failed;
}

}  // namespace

int listen_on(int fd, const socket_address& at, int backlog, bool reuse_port) noexcept {
  return on_socket(fd, [&](simulation::socket& s) {
    s.reuses_port = reuse_port;
    const int failed = net().bind(s, simulation::address_from(at));
    return failed ? failed : net().listen(s, backlog);
  });
}

int local_address(int fd, socket_address& out) noexcept {
  return on_socket(fd, [&](const simulation::socket& s) {
    return address_by([&](net_address& a) { return net().local_address(s, a); }, out);
  });
}

int peer_address(int fd, socket_address& out) noexcept {
  return on_socket(fd, [&](const simulation::socket& s) {
    return address_by([&](net_address& a) { return net().peer_address(s, a); }, out);
  });
}

int set_no_delay(int fd, bool) noexcept {
  return on_socket(fd, [](simulation::socket& s) {
    return s.of == simulation::family::local ? -EOPNOTSUPP : 0;
  });
}

int bind_to(int fd, const socket_address& at) noexcept {
  return on_socket(fd, [&](simulation::socket& s) {
    return net().bind(s, simulation::address_from(at));
  });
}

int listen(int fd, int backlog) noexcept {
  return on_socket(fd, [&](simulation::socket& s) { return net().listen(s, backlog); });
}

int connect_datagrams(int fd, const socket_address& to) noexcept {
  return on_socket(fd, [&](simulation::socket& s) {
    return net().connect_datagrams(s, simulation::address_from(to));
  });
}

int set_option(int fd, socket_option option, int value) noexcept {
  return on_socket(fd, [&](simulation::socket& s) {
    switch (option) {
      case socket_option::broadcast: s.broadcasts = value != 0; break;
      case socket_option::reuse_port: s.reuses_port = value != 0; break;
      case socket_option::receive_buffer_bytes:
        s.datagram_limit = static_cast<std::size_t>(value) * 2;  // as Linux does (socket(7))
        break;
      default: break;
    }
    return 0;
  });
}

int shutdown_sending(int fd) noexcept {
  return on_socket(fd, [](simulation::socket& s) { return net().shut_down_sending(s); });
}

int peek(int fd) noexcept {
  return on_socket(fd, [](simulation::socket& s) { return net().peek(s); });
}

std::size_t unix_path_limit() noexcept { return sizeof(sockaddr_un::sun_path) - 1; }
std::size_t unix_abstract_limit() noexcept { return sizeof(sockaddr_un::sun_path) - 1; }

socket_address unix_socket_address(std::string_view name, bool is_abstract) noexcept {
  net_address at;
  at.of = simulation::family::local;
  if (is_abstract) at.name.push_back('\0');
  at.name.append(name);
  return simulation::socket_address_of(at);
}

int make_socket_pair(int (&out)[2]) noexcept { return net().make_pair(out); }

int identify_peer(int fd, peer_identity& out) noexcept {
  return on_socket(fd, [&](simulation::socket& s) {
    if (!s.link) return -ENOTCONN;
    out = {simulated_process + s.link->ends[1 - s.side].host, simulated_user, simulated_user};
    return 0;
  });
}

int identify_file(const char* path, file_identity& out) noexcept {
  return net().identify_file(path, out);
}

int unlink_if_same(const char* path, const file_identity& file) noexcept {
  return net().unlink_if_same(path, file);
}

int probe_unix_server(const socket_address& at) noexcept {
  return net().probe(simulation::address_from(at));
}

void resolve_name(const std::string& host, std::uint16_t port, std::vector<socket_address>& out,
                  std::string& error) {
  for (const net_address& found : net().lookup(host, error)) {
    out.push_back(simulation::socket_address_of(found.with_port(port)));
  }
}

std::int64_t simulated_lookup_time(const std::string& host) { return net().lookup_time(host); }

bool has_real_network() noexcept { return false; }

}  // namespace eddy::inline v1::detail::system
