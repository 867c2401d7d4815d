// How connections begin: tried again and again as long as nobody answers.
#include <algorithm>
#include <cerrno>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// As Linux does it: six more tries after 1, 3, 7, 15, 31 and 63 seconds, and the end after 127
// (tcp_syn_retries).
constexpr unsigned most_tries = 7;

// After how long an address of nobody is known to be one: three questions, a second apart (arp(7)).
constexpr std::int64_t no_such_host_ns = 3 * second_ns;

}  // namespace

// Gives the socket its own end's address.
int network::choose_source(socket& s, const net_address& to) {
  const net_address source = hosts.source_for(s.host, to);
  if (source.of == family::none) return -ENETUNREACH;
  if (!s.is_bound || s.local.is_wildcard()) {
    const std::uint16_t port = s.local.port;
    s.local = source.with_port(port);
  }
  if (s.local.port == 0) s.local.port = free_port(s, s.local);
  if (s.local.port == 0) return -EADDRNOTAVAIL;
  s.is_bound = true;
  return 0;
}

int network::connect(operation& op, socket& s) {
  socket_address given;
  given.size = static_cast<unsigned>(op.size);
  std::copy_n(static_cast<const unsigned char*>(op.data), std::min(op.size, sizeof given.bytes),
              given.bytes);
  net_address to = address_from(given);
  if (s.kind != socket_kind::stream) return -EOPNOTSUPP;
  if (to.of != s.of) return -EAFNOSUPPORT;
  if (s.is_listening) return -EISCONN;
  if (s.link) return s.end().state == end_state::opening ? -EALREADY : -EISCONN;
  if (s.of == family::local) return connect_unix(s, to);
  const int failed = choose_source(s, to);
  if (failed) return failed;
  if (to.is_wildcard()) to = loopback_address(to.of).with_port(to.port);
  connection_ptr c = make_connection();
  host_id target = s.host;
  const bool is_known = hosts.find(to, s.host, target);
  c->ends[0].address = s.local;
  c->ends[0].host = s.host;
  c->ends[1].address = to;
  c->ends[1].host = target;
  join(s, c);
  note(c->id, std::uint64_t{s.host} << 32 ^ std::uint64_t{target} << 16 ^ to.port);
  if (!is_known) {
    c->is_lost = true;
    world_.after(no_such_host_ns, [this, weak = std::weak_ptr<connection>(c)] {
      if (const connection_ptr still = weak.lock()) end_connect(*still, -EHOSTUNREACH);
    });
    return must_wait;
  }
  const auto script = connect_scripts.find({target, to.port});
  if (script != connect_scripts.end() && script->second == connect_script::lose) c->is_lost = true;
  if (chance(faults.lost_connects())) c->is_lost = true;
  try_handshake(*c, 0);
  return must_wait;
}

void network::join(socket& client, connection_ptr c) {
  client.side = 0;
  c->ends[0].owner = &client;
  client.link = std::move(c);
}

void network::try_handshake(connection& c, int) {
  if (c.ends[0].state != end_state::opening) return;
  if (c.tries == most_tries) return end_connect(c, -ETIMEDOUT);
  if (!c.is_lost) {
    const std::int64_t arrives = arrival(c.ends[0].host, c.ends[1].host, 0);
    world_.after(arrives - world_.now(), [this, weak = c.weak_from_this()] {
      if (connection_ptr still = weak.lock()) ask_server(std::move(still));
    });
  }
  world_.at(world_.in(second_ns << c.tries), c.handshake);
  ++c.tries;
}

// A try has come to the server's host.
void network::ask_server(connection_ptr c) {
  stream_end& client = c->ends[0];
  stream_end& server = c->ends[1];
  if (is_cut(client.host, server.host) || !c->listener.expired()) return;
  socket* at = listener_at(server.host, server.address);
  const auto script = connect_scripts.find({server.host, server.address.port});
  const bool refused = script != connect_scripts.end() &&
                       script->second == connect_script::refuse;
  if (!at || refused || (client.host != server.host && chance(faults.refused_connects()))) {
    const std::int64_t answered = arrival(server.host, client.host, 0);
    world_.after(answered - world_.now(), [this, weak = std::weak_ptr<connection>(c)] {
      const connection_ptr still = weak.lock();
      if (!still || is_cut(still->ends[1].host, still->ends[0].host)) return;
      end_connect(*still, -ECONNREFUSED);
    });
    return;
  }
  // A queue that is full says nothing; the next try may find room.
  if (at->waiting.size() + at->half_open.size() > at->backlog) return;
  at->half_open.push_back(c);
  c->listener = at->weak_from_this();
  server.state = end_state::opening;
  send(*c, 1, segment_kind::accepts);
}

// The client has its answer.
void network::end_connect(connection& c, int result) {
  if (c.handshake.is_queued()) world_.withdraw(c.handshake);
  stream_end& e = c.ends[0];
  if (result != 0 && e.state == end_state::opening) e.state = end_state::gone;
  socket* s = e.owner;
  if (!s) return;
  operation* op = s->writer;
  if (result != 0) {
    // The socket may try again.
    e.error = 0;
    e.owner = nullptr;
    const connection_ptr last = std::move(s->link);
  }
  if (!op || op->code != op_code::connect) return;
  s->writer = nullptr;
  world_.complete(*op, result);
}

// The client's answer has come to the server: whoever accepts may have it.
void network::server_opened(connection& c) {
  c.ends[1].state = end_state::open;
  const socket_ptr at = c.listener.lock();
  if (!at || !at->is_listening) return reset(c, 1);
  const connection_ptr keep = c.shared_from_this();
  std::erase(at->half_open, keep);
  at->waiting.push_back(keep);
  try_again(*at, false);
}

int network::accept(socket& s) {
  if (!s.is_listening) return -EINVAL;
  if (s.waiting.empty()) return must_wait;
  const connection_ptr c = std::move(s.waiting.front());
  s.waiting.pop_front();
  socket& made = make_socket(s.of, socket_kind::stream, s.host);
  made.is_bound = true;
  made.local = c->ends[1].address;
  made.side = 1;
  made.link = c;
  c->ends[1].owner = &made;
  c->is_accepted = true;
  return made.fd;
}

}  // namespace eddy::inline v1::detail::simulation
