// The hosts of the simulated network: their names, addresses and ports, and the paths between them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "network_address.hpp"

namespace eddy::inline v1::detail::simulation {

using host_id = std::uint16_t;

// One way from a host to another.
struct link_settings {
  std::int64_t least_latency_ns = 500'000;
  std::int64_t most_latency_ns = 1'500'000;
  std::int64_t bytes_per_second = 0;  // 0: as many as there are
  // Of datagrams, in a thousand.
  unsigned lost = 0;
  unsigned duplicated = 0;
  unsigned reordered = 0;
};

struct path {
  link_settings settings;
  bool is_cut = false;
  bool has_own_settings = false;
  std::int64_t busy_until_ns = 0;
  std::int64_t last_datagram_ns = 0;
};

struct net_host {
  std::string name;
  std::vector<net_address> addresses;  // not the loopback's
  std::uint16_t next_port = 0;
  std::uint64_t next_file = 1;
};

// Host 0 is there from the beginning: "localhost", where everything runs that was given no other.
class host_table {
 public:
  host_table();

  // Throws std::logic_error for a name or an address that is taken or cannot be read.
  host_id add(const std::string& name, const std::string& address);
  void add_address(host_id to, const net_address& address);
  static net_address readable_address(const std::string& name, const std::string& text);
  host_id by_name(const std::string& name, const char* what) const;
  // The host that `to` means when it is used on `from`; false if none has the address.
  bool find(const net_address& to, host_id from, host_id& out) const;
  // Whether the host would be reached by that address, its own wildcard included.
  bool has_address(host_id host, const net_address& address) const;
  // What a connection from `from` to `to` shows as its own address; family::none if it has none.
  net_address source_for(host_id from, const net_address& to) const;
  // What a name means on a host; empty: unknown.
  std::vector<net_address> lookup(const std::string& name) const;

  net_host& at(host_id id) { return hosts_[id]; }
  const net_host& at(host_id id) const { return hosts_[id]; }
  std::size_t size() const noexcept { return hosts_.size(); }

  path& way(host_id from, host_id to);
  void set_default(const link_settings& s) { default_ = s; }

 private:
  std::vector<net_host> hosts_;
  std::map<std::pair<host_id, host_id>, path> paths_;
  link_settings default_;
};

}  // namespace eddy::inline v1::detail::simulation
