// Datagrams: some get lost, some come twice or late, all are whole.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// What fits an IPv4 packet beside its headers (ip(7), udp(7)).
constexpr std::size_t longest_datagram = 65'507;

}  // namespace

int network::send_to(datagram_operation& op, socket& s) {
  if (s.kind != socket_kind::datagram) return -EOPNOTSUPP;
  if (s.error) return -std::exchange(s.error, 0);
  net_address to = op.address.size > 0 ? address_from(op.address) : s.peer;
  if (to.of == family::none) return -EDESTADDRREQ;
  if (to.of != s.of) return -EAFNOSUPPORT;
  if (op.size > longest_datagram) return -EMSGSIZE;
  if (to.port == 0) return -EINVAL;
  if (to.is_broadcast() && !s.broadcasts) return -EACCES;
  if (to.is_wildcard()) to = loopback_address(to.of).with_port(to.port);
  const net_address source = to.is_broadcast() ? hosts.at(s.host).addresses.front()
                                               : hosts.source_for(s.host, to);
  if (source.of == family::none) return -ENETUNREACH;
  if (s.local.port == 0) s.local.port = free_port(s, s.local);
  if (s.local.port == 0) return -EAGAIN;
  s.is_bound = true;
  const net_address from = s.local.is_wildcard() ? source.with_port(s.local.port) : s.local;
  const datagram_in what{from, std::string(static_cast<const char*>(op.data), op.size)};
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto target = static_cast<host_id>(i);
    host_id meant = 0;
    if (!to.is_broadcast() && (!hosts.find(to, s.host, meant) || meant != target)) continue;
    send_datagram(s.host, target, what, to, s.fd);
    if (chance(hosts.way(s.host, target).settings.duplicated)) {
      send_datagram(s.host, target, what, to, s.fd);
    }
  }
  return static_cast<int>(op.size);
}

void network::send_datagram(host_id from, host_id to, datagram_in what, const net_address& at,
                            int by) {
  path& way = hosts.way(from, to);
  const link_settings& link = way.settings;
  std::int64_t arrives = arrival(from, to, what.bytes.size());
  if (chance(link.lost)) return note(1, what.bytes.size());
  if (chance(link.reordered)) {
    arrives += world_.chances.between(0, 4 * std::max<std::int64_t>(link.most_latency_ns, 1));
  } else if (arrives > world_.now()) {
    // One after the other: events of one instant have no order.
    arrives = std::max(arrives, way.last_datagram_ns + 1);
    way.last_datagram_ns = arrives;
  }
  // Within a host it is there, or refused, when the call returns.
  if (from == to && arrives <= world_.now()) {
    return datagram_arrives(to, at, std::move(what), from, by);
  }
  auto later = [this, from, to, at, by, packet = std::move(what)]() mutable {
    datagram_arrives(to, at, std::move(packet), from, by);
  };
  world_.after(arrives - world_.now(), std::move(later));
}

void network::datagram_arrives(host_id at, const net_address& to, datagram_in what, host_id from,
                               int by) {
  if (is_cut(from, at)) return;
  note(2, what.bytes.size());
  bool is_wanted = false;
  for (const auto& [fd, s] : sockets_) {
    if (s->kind != socket_kind::datagram || !s->is_bound || s->host != at) continue;
    if (s->of != to.of || s->local.port != to.port) continue;
    if (!s->local.is_wildcard() && s->local.bytes != to.bytes) continue;
    if (s->peer.of != family::none && s->peer != what.from) continue;
    is_wanted = true;
    if (s->datagram_bytes + what.bytes.size() > s->datagram_limit) return;
    s->datagram_bytes += what.bytes.size();
    s->datagrams.push_back(std::move(what));
    return try_again(*s, false);
  }
  if (is_wanted || to.is_broadcast()) return;
  // Nobody has the port: a sender that is connected is told.
  const auto tell = [this, at, from, by, to] {
    socket* s = find(by);
    if (!s || s->kind != socket_kind::datagram || s->peer != to || is_cut(at, from)) return;
    s->error = ECONNREFUSED;
    try_again(*s, false);
  };
  const std::int64_t delay = latency(at, from);
  if (at == from && delay == 0) return tell();
  world_.after(delay, tell);
}

int network::receive_from(datagram_operation& op, socket& s) {
  if (s.kind != socket_kind::datagram) return -EOPNOTSUPP;
  if (s.error) return -std::exchange(s.error, 0);
  if (s.datagrams.empty()) return must_wait;
  const datagram_in first = std::move(s.datagrams.front());
  s.datagrams.pop_front();
  s.datagram_bytes -= first.bytes.size();
  const std::size_t count = std::min(first.bytes.size(), op.size);
  if (count > 0) std::memcpy(op.data, first.bytes.data(), count);
  op.truncated = first.bytes.size() > op.size;
  op.address = socket_address_of(first.from);
  return static_cast<int>(count);
}

}  // namespace eddy::inline v1::detail::simulation
