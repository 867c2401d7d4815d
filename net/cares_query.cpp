#include "cares_query.hpp"

#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <eddy/runtime/readiness.hpp>
#include <new>

#include "address_order.hpp"
#include "percent.hpp"
#include "socket_address.hpp"

namespace eddy::inline v1::detail {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// c-ares is about to close a socket, which nobody waits for any more.
void socket_changed(void*, ares_socket_t fd, int readable, int writable) {
  if (readable || writable) return;
  try {
    forget(fd);
  } catch (const std::exception&) {
    // Without a loop there is nothing to forget.
  }
}

// As getaddrinfo says it, where that says the same.
const char* reason_of(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
      return "Name or service not known";
    case ARES_ENODATA:
      return "No address associated with hostname";
    case ARES_ETIMEOUT:
      return "no name server has answered in time";
    case ARES_ECONNREFUSED:  // also, before 1.20, for the next two
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
      return "no name server can be reached, or none can answer (SERVFAIL, REFUSED)";
    case ARES_EBADRESP:
      return "the name server's answer is malformed";
    default:
      return ares_strerror(status);
  }
}

bool endpoint_of(const ares_addrinfo_node& node, endpoint& out) noexcept {
  system::socket_address address;
  if (node.ai_addrlen > sizeof address.bytes) return false;
  std::memcpy(address.bytes, node.ai_addr, node.ai_addrlen);
  address.size = static_cast<unsigned>(node.ai_addrlen);
  return from_socket_address(address, out);
}

void set_server(ares_channel channel, const cares_settings& s) {
  ares_addr_port_node server{};
  server.family = s.server.is_ipv6() ? AF_INET6 : AF_INET;
  std::memcpy(&server.addr, s.server.bytes().data(), s.server.is_ipv6() ? 16 : 4);
  server.udp_port = s.server.port();
  server.tcp_port = s.tcp_port;
  ares_set_servers_ports(channel, &server);
}

}  // namespace

// c-ares' library_init has nothing to do outside Windows, and is not for several threads.
cares_query::cares_query(const cares_settings& s) {
  ares_options options{};
  int chosen = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TRIES;
  options.sock_state_cb = socket_changed;
  options.tries = name_server_tries;
  if (s.timeout_ms > 0) {
    options.timeout = s.timeout_ms;
    chosen |= ARES_OPT_TIMEOUTMS;
  }
  const int failed = ares_init_options(&channel_, &options, chosen);
  if (failed == ARES_ENOMEM) throw std::bad_alloc();
  if (failed) {
    throw std::runtime_error(std::string("start a name lookup with c-ares: ") +
                             ares_strerror(failed));
  }
  if (s.has_server) set_server(channel_, s);
}

void cares_query::start(const char* host, int family_number, family& to) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family_number;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, host, nullptr, &hints, answered, &to);
}

// What answers at once is /etc/hosts, which speaks for both families: a name that is there in one
// of them only is not asked for elsewhere.
void cares_query::ask(const char* host) {
  start(host, AF_INET, v4_);
  if (!v4_.found.empty()) return take_all_from_hosts(host);
  start(host, AF_INET6, v6_);
  if (!v6_.found.empty()) v4_.done = true;
}

void cares_query::take_all_from_hosts(const char* host) {
  start(host, AF_UNSPEC, hosts_);
  v6_.done = true;
  if (hosts_.found.empty()) return;
  v4_.found = std::move(hosts_.found);  // in the order that c-ares has given them
}

std::size_t cares_query::wishes(std::span<wish, most_wishes> out) const {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  const auto wanted =
      static_cast<unsigned>(ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM));
  std::size_t count = 0;
  for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    if (wanted & 1U << i) out[count++] = wish{sockets[i], false};
    if (wanted & 1U << (i + ARES_GETSOCK_MAXNUM)) out[count++] = wish{sockets[i], true};
  }
  return count;
}

// At least one microsecond, the unit in which c-ares counts: else it might not have passed for it.
std::int64_t cares_query::patience_ns() const {
  timeval most{1, 0};
  timeval left{};
  const timeval* const wait = ares_timeout(channel_, &most, &left);
  return std::max<std::int64_t>(wait->tv_sec * second_ns + wait->tv_usec * 1000, 1000);
}

void cares_query::resume(const wish* granted) {
  const ares_socket_t reads = granted && !granted->writing ? granted->fd : ARES_SOCKET_BAD;
  const ares_socket_t writes = granted && granted->writing ? granted->fd : ARES_SOCKET_BAD;
  ares_process_fd(channel_, reads, writes);
}

void cares_query::answered(void* to, int status, int, ares_addrinfo* found) {
  auto& one = *static_cast<family*>(to);
  one.done = true;
  one.turn = ++one.query.last_turn_;
  one.status = status;
  try {
    if (found) keep(one, *found);
  } catch (const std::exception&) {
    one.no_memory = true;
  }
  if (found) ares_freeaddrinfo(found);
}

void cares_query::keep(family& to, const ares_addrinfo& found) {
  if (found.name) to.name = found.name;
  for (const ares_addrinfo_cname* c = found.cnames; c; c = c->next) {
    to.seconds = std::min(to.seconds, c->ttl);
  }
  for (const ares_addrinfo_node* node = found.nodes; node; node = node->ai_next) {
    endpoint at;
    if (to.found.size() == max_resolved_addresses || !endpoint_of(*node, at)) continue;
    to.found.push_back(at);
    to.seconds = std::min(to.seconds, node->ai_ttl);
  }
}

// The one that was found first needed the fewest domains.
void cares_query::keep_one_host() noexcept {
  if (v4_.found.empty() || v6_.found.empty()) return;
  const bool is_one = std::equal(v4_.name.begin(), v4_.name.end(), v6_.name.begin(),
                                 v6_.name.end(), [](char a, char b) {
                                   return url_syntax::to_lower(a) == url_syntax::to_lower(b);
                                 });
  if (!is_one) (v4_.turn < v6_.turn ? v6_ : v4_).found.clear();
}

lookup_answer cares_query::take(const std::string& host) {
  if (v4_.no_memory || v6_.no_memory) throw std::bad_alloc();
  if (!has_addresses()) {
    // That a name has no address of one kind explains less than what kept the other from coming.
    const int status = v6_.status == ARES_ENODATA || v6_.status == ARES_SUCCESS ? v4_.status
                                                                                : v6_.status;
    if (status == ARES_ENOMEM) throw std::bad_alloc();
    if (status != ARES_SUCCESS) throw_not_resolved(host, reason_of(status));
    throw_not_resolved(host, "no IPv4 or IPv6 address");
  }
  keep_one_host();
  lookup_answer out;
  out.is_partial = !is_done();
  int seconds = INT32_MAX;
  for (const family* of : {&v4_, &v6_}) {
    if (!of->found.empty()) seconds = std::min(seconds, of->seconds);
  }
  out.time_to_live_ns = std::max(seconds, 0) * second_ns;
  out.addresses = join_families(std::move(v6_.found), std::move(v4_.found));
  if (out.addresses.size() > max_resolved_addresses) out.addresses.resize(max_resolved_addresses);
  return out;
}

}  // namespace eddy::inline v1::detail
