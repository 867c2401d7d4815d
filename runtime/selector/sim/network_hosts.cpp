#include "network_hosts.hpp"

#include <algorithm>
#include <stdexcept>

namespace eddy::inline v1::detail::simulation {

namespace {

// Linux's ip_local_port_range begins here.
constexpr std::uint16_t first_own_port = 32768;
constexpr std::size_t most_hosts = 60'000;

// From a host to itself all is there at once, and nothing is lost.
constexpr link_settings loopback_link() noexcept {
  link_settings s;
  s.least_latency_ns = 0;
  s.most_latency_ns = 0;
  return s;
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw std::logic_error("simulated host \"" + name + "\": " + why);
}

}  // namespace

host_table::host_table() { add("localhost", {}); }

host_id host_table::add(const std::string& name, const std::string& address) {
  if (name.empty() || parse_address(name).of != family::none) refuse(name, "that is no name");
  if (hosts_.size() >= most_hosts) refuse(name, "the network has its most hosts already");
  for (const net_host& h : hosts_) {
    if (h.name == name) refuse(name, "there is one of that name already");
  }
  const auto number = static_cast<host_id>(hosts_.size());
  net_host made;
  made.name = name;
  made.next_port = first_own_port;
  hosts_.push_back(std::move(made));
  try {
    add_address(number, address.empty() ? host_address(number + 1u)
                                        : readable_address(name, address));
  } catch (...) {
    hosts_.pop_back();
    throw;
  }
  return number;
}

void host_table::add_address(host_id to, const net_address& address) {
  for (const net_host& h : hosts_) {
    if (std::find(h.addresses.begin(), h.addresses.end(), address) == h.addresses.end()) continue;
    refuse(hosts_[to].name, "\"" + h.name + "\" has its address already");
  }
  hosts_[to].addresses.push_back(address);
}

net_address host_table::readable_address(const std::string& name, const std::string& text) {
  const net_address out = parse_address(text);
  if (out.of == family::none) refuse(name, text + " is no address");
  if (out.is_loopback() || out.is_wildcard()) refuse(name, text + " is no host's in particular");
  return out;
}

host_id host_table::by_name(const std::string& name, const char* what) const {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i].name == name) return static_cast<host_id>(i);
  }
  throw std::logic_error(std::string(what) + ": the simulated network has no host \"" + name +
                         "\"");
}

bool host_table::find(const net_address& to, host_id from, host_id& out) const {
  // Connecting to the wildcard means this host, as on Linux.
  if (to.is_loopback() || to.is_wildcard()) {
    out = from;
    return true;
  }
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (!has_address(static_cast<host_id>(i), to)) continue;
    out = static_cast<host_id>(i);
    return true;
  }
  return false;
}

bool host_table::has_address(host_id host, const net_address& address) const {
  if (address.is_loopback() || address.is_wildcard()) return true;
  const auto& all = hosts_[host].addresses;
  return std::any_of(all.begin(), all.end(), [&](const net_address& a) {
    return a.of == address.of && a.bytes == address.bytes;
  });
}

net_address host_table::source_for(host_id from, const net_address& to) const {
  if (to.is_wildcard()) return loopback_address(to.of);
  if (has_address(from, to)) {
    return to.is_loopback() ? loopback_address(to.of) : to.with_port(0);
  }
  for (const net_address& a : hosts_[from].addresses) {
    if (a.of == to.of) return a;
  }
  return {};
}

std::vector<net_address> host_table::lookup(const std::string& name) const {
  if (name == "localhost") return {loopback_address(family::v4), loopback_address(family::v6)};
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [&](const net_host& h) { return h.name == name; });
  if (found != hosts_.end()) return found->addresses;
  const net_address numeric = parse_address(name);
  if (numeric.of != family::none) return {numeric};
  return {};
}

path& host_table::way(host_id from, host_id to) {
  path& out = paths_[{from, to}];
  if (!out.has_own_settings) out.settings = from == to ? loopback_link() : default_;
  return out;
}

}  // namespace eddy::inline v1::detail::simulation
