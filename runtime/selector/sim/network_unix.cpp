// Unix sockets: names of a host, and connections that are made at once.
#include <algorithm>
#include <cerrno>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// What the files of sockets are on, a device for each host.
constexpr std::uint64_t first_device = 0x51;

}  // namespace

int network::bind_unix(socket& s, const net_address& at) {
  net_address wanted = at;
  net_host& home = hosts.at(s.host);
  // Without a name the system gives an abstract one (unix(7), autobind).
  if (wanted.name.empty()) wanted.name.append(1, '\0').append(std::to_string(home.next_file));
  unix_name& entry = unix_names_[{s.host, wanted.name}];
  const bool is_abstract = wanted.name[0] == '\0';
  if (is_abstract ? !entry.owner.expired() : entry.number != 0) return -EADDRINUSE;
  entry.owner = s.weak_from_this();
  entry.number = home.next_file++;
  s.local = wanted;
  s.is_bound = true;
  return 0;
}

int network::connect_unix(socket& s, const net_address& to) {
  const auto found = unix_names_.find({s.host, to.name});
  const bool is_abstract = !to.name.empty() && to.name[0] == '\0';
  if (found == unix_names_.end()) return is_abstract ? -ECONNREFUSED : -ENOENT;
  const socket_ptr at = found->second.owner.lock();
  if (!at || !at->is_listening) return -ECONNREFUSED;
  if (at->waiting.size() > at->backlog) return -EAGAIN;
  const connection_ptr c = make_connection();
  c->is_unix = true;
  for (stream_end& e : c->ends) {
    e.host = s.host;
    e.state = end_state::open;
  }
  c->ends[0].address = s.local;
  c->ends[1].address = to;
  c->listener = at;
  join(s, c);
  at->waiting.push_back(c);
  note(c->id, 3);
  // The one who accepts hears of it in the next wait.
  if (at->reader && !at->read_later.is_queued()) world_.at(world_.now(), at->read_later);
  return 0;
}

int network::make_pair(int (&out)[2]) {
  const connection_ptr c = make_connection();
  c->is_unix = true;
  for (int side = 0; side < 2; ++side) {
    socket& s = make_socket(family::local, socket_kind::stream, host_here());
    s.is_attached = false;
    s.side = side;
    s.link = c;
    stream_end& e = c->ends[side];
    e.owner = &s;
    e.host = s.host;
    e.state = end_state::open;
    e.address = any_address(family::local);
    out[side] = s.fd;
  }
  return 0;
}

int network::identify_file(const std::string& path, system::file_identity& out) const {
  const host_id host = host_here();
  const auto found = unix_names_.find({host, path});
  if (found == unix_names_.end() || found->second.number == 0) return -ENOENT;
  out.device = first_device + host;
  out.number = found->second.number;
  out.is_socket = true;
  return 0;
}

int network::unlink_if_same(const std::string& path, const system::file_identity& file) {
  const auto host = static_cast<host_id>(file.device - first_device);
  const auto found = unix_names_.find({host, path});
  if (found == unix_names_.end()) return -ENOENT;
  if (found->second.number != file.number) return -ESTALE;
  unix_names_.erase(found);
  return 0;
}

int network::probe(const net_address& at) const {
  const auto found = unix_names_.find({host_here(), at.name});
  if (found == unix_names_.end()) return -ENOENT;
  const socket_ptr server = found->second.owner.lock();
  return server && server->is_listening ? 0 : -ECONNREFUSED;
}

}  // namespace eddy::inline v1::detail::simulation
