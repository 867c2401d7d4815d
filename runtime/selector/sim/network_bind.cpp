// Who has which address and port, and what a socket says of itself.
#include <algorithm>
#include <cerrno>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// Of net.core.somaxconn on Linux.
constexpr int most_backlog = 4096;
constexpr std::uint16_t first_own_port = 32768;
constexpr std::uint16_t last_own_port = 60999;

bool overlap(const net_address& a, const net_address& b) {
  return a.of == b.of && a.port == b.port &&
         (a.bytes == b.bytes || a.is_wildcard() || b.is_wildcard());
}

}  // namespace

bool network::is_taken(const socket& by, const net_address& at) const {
  return std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& entry) {
    const socket& other = *entry.second;
    if (&other == &by || !other.is_bound || other.host != by.host || other.kind != by.kind) {
      return false;
    }
    // Accepted connections share their listener's address.
    if (other.link && other.side == 1) return false;
    return overlap(other.local, at) && !(other.reuses_port && by.reuses_port);
  });
}

// 0 if all are taken.
std::uint16_t network::free_port(const socket& by, const net_address& at) {
  std::uint16_t& next = hosts.at(by.host).next_port;
  for (int tries = 0; tries <= last_own_port - first_own_port; ++tries) {
    const std::uint16_t port = next;
    next = port == last_own_port ? first_own_port : static_cast<std::uint16_t>(port + 1);
    if (!is_taken(by, at.with_port(port))) return port;
  }
  return 0;
}

int network::bind(socket& s, const net_address& at) {
  if (at.of != s.of) return at.of == family::none ? -EINVAL : -EAFNOSUPPORT;
  if (s.is_bound || s.link) return -EINVAL;
  if (s.of == family::local) return bind_unix(s, at);
  if (!hosts.has_address(s.host, at)) return -EADDRNOTAVAIL;
  net_address wanted = at;
  if (wanted.port == 0) {
    wanted.port = free_port(s, wanted);
    if (wanted.port == 0) return -EADDRINUSE;
  } else if (is_taken(s, wanted)) {
    return -EADDRINUSE;
  }
  s.local = wanted;
  s.is_bound = true;
  return 0;
}

int network::listen(socket& s, int backlog) {
  if (s.kind != socket_kind::stream) return -EOPNOTSUPP;
  if (s.link) return -EINVAL;
  if (!s.is_bound) {
    if (s.of == family::local) return -EINVAL;
    const int failed = bind(s, any_address(s.of));
    if (failed) return failed;
  }
  s.is_listening = true;
  s.backlog = static_cast<std::size_t>(std::clamp(backlog, 0, most_backlog));
  return 0;
}

// The exact address goes before the wildcard. Of several that share a port, each in its turn: the
// one with the fewest connections waiting.
socket* network::listener_at(host_id host, const net_address& at) const {
  socket* best = nullptr;
  for (const auto& [fd, s] : sockets_) {
    if (!s->is_listening || s->host != host || !overlap(s->local, at)) continue;
    const auto rank = [](const socket& of) {
      return std::pair(of.local.is_wildcard(), of.waiting.size() + of.half_open.size());
    };
    if (!best || rank(*s) < rank(*best)) best = s.get();
  }
  return best;
}

int network::local_address(const socket& s, net_address& out) const {
  out = s.local;
  return 0;
}

int network::peer_address(const socket& s, net_address& out) const {
  if (s.kind == socket_kind::datagram) {
    if (s.peer.of == family::none) return -ENOTCONN;
    out = s.peer;
    return 0;
  }
  if (!s.link || s.end().state != end_state::open) return -ENOTCONN;
  out = s.link->ends[1 - s.side].address;
  return 0;
}

int network::shut_down_sending(socket& s) {
  if (!s.link) return -ENOTCONN;
  stream_end& e = s.end();
  if (e.state != end_state::open) return -ENOTCONN;
  if (std::exchange(e.said_end, true)) return 0;
  send(*s.link, s.side, segment_kind::finishes);
  try_again(s, true);
  return 0;
}

int network::peek(socket& s) {
  if (!s.link) return -ENOTCONN;
  stream_end& e = s.end();
  if (e.available() > 0) return 1;
  if (e.heard_end) return 0;
  if (e.error) return -std::exchange(e.error, 0);
  return e.state == end_state::gone ? 0 : -EAGAIN;
}

int network::connect_datagrams(socket& s, const net_address& to) {
  if (to.of != s.of) return -EAFNOSUPPORT;
  const int failed = choose_source(s, to);
  if (failed) return failed;
  s.peer = to.is_wildcard() ? loopback_address(to.of).with_port(to.port) : to;
  return 0;
}

}  // namespace eddy::inline v1::detail::simulation
