// What scripts do to the network.
#include <cerrno>
#include <stdexcept>
#include <string>

#include "../../loop_state.hpp"
#include "network.hpp"

namespace eddy::inline v1 {
namespace detail::simulation {

host_id host_here() noexcept {
  const loop_core* loop = current_loop();
  const spawned* const current = loop ? loop->current() : nullptr;
  return current ? current->host : host_id{0};
}

void network::cut(host_id from, host_id to, bool is_cut) {
  hosts.way(from, to).is_cut = is_cut;
  note(4, std::uint64_t{from} << 17 ^ std::uint64_t{to} << 1 ^ (is_cut ? 1 : 0));
  if (is_cut) return;
  // A copy: what is told of a window may end connections.
  std::vector<std::weak_ptr<connection>> all;
  for (connection* c : connections_) all.push_back(c->weak_from_this());
  for (const auto& weak : all) {
    const connection_ptr c = weak.lock();
    if (!c) continue;
    for (int side = 0; side < 2; ++side) {
      if (c->ends[side].host != from || c->ends[1 - side].host != to) continue;
      continue_flow(*c, side);
    }
  }
}

void network::reset_all(host_id a, host_id b) {
  std::vector<std::weak_ptr<connection>> all;
  for (connection* c : connections_) all.push_back(c->weak_from_this());
  for (const auto& weak : all) {
    const connection_ptr c = weak.lock();
    if (!c) continue;
    const host_id first = c->ends[0].host;
    const host_id second = c->ends[1].host;
    if (!(first == a && second == b) && !(first == b && second == a)) continue;
    if (c->ends[0].state != end_state::open || c->ends[1].state != end_state::open) continue;
    note(5, c->id);
    for (int side = 0; side < 2; ++side) {
      c->ends[side].under_way.clear();
      end_gone(*c, side, ECONNRESET);
    }
  }
}

namespace {

void cancel_tasks_of(host_id host) {
  loop_core* loop = current_loop();
  if (!loop) return;
  std::vector<spawned*> left;
  for (spawned* s = state_of(*loop).roots; s; s = s->sibling()) left.push_back(s);
  while (!left.empty()) {
    spawned& s = *left.back();
    left.pop_back();
    for (spawned* c = s.first_child; c; c = c->sibling()) left.push_back(c);
    if (s.host == host && !s.ended()) s.cancel();
  }
}

}  // namespace

void network::crash(host_id host) {
  note(6, host);
  cancel_tasks_of(host);
  std::vector<socket_ptr> gone;
  for (const auto& [fd, s] : sockets_) {
    if (s->host == host) gone.push_back(s);
  }
  for (const socket_ptr& s : gone) {
    end_waiting(*s);
    s->is_listening = false;
    s->is_bound = false;
    for (auto* queue : {&s->half_open, &s->waiting}) {
      for (const connection_ptr& c : *queue) reset(*c, 1);
      queue->clear();
    }
    const connection_ptr c = s->link;
    if (!c || c->ends[s->side].state == end_state::gone) continue;
    if (c->ends[s->side].state == end_state::opening) {
      end_connect(*c, -ECONNRESET);
      continue;
    }
    reset(*c, s->side);
    end_gone(*c, s->side, ECONNRESET);
  }
}

}  // namespace detail::simulation

namespace sim {

namespace {

using detail::simulation::check_chance;
using detail::simulation::host_id;
using detail::simulation::link_settings;

detail::simulation::network& net() {
  detail::simulation::world* w = detail::simulation::world::current();
  if (!w) throw std::logic_error("sim::network: this thread has no simulated world");
  return w->net();
}

host_id id_of(std::string_view name, const char* what) {
  return net().hosts.by_name(std::string(name), what);
}

link_settings settings_of(const link_options& o) {
  if (o.most_ns() < o.least_ns()) {
    throw std::invalid_argument("sim: link_options::latency from " + std::to_string(o.least_ns()) +
                                " to " + std::to_string(o.most_ns()) + " ns");
  }
  if (o.bandwidth() < 0) {
    throw std::invalid_argument("sim: link_options::bandwidth of " +
                                std::to_string(o.bandwidth()) + " bytes a second");
  }
  check_chance("link_options::loss", o.loss());
  check_chance("link_options::duplication", o.duplication());
  check_chance("link_options::reordering", o.reordering());
  link_settings s;
  s.least_latency_ns = o.least_ns();
  s.most_latency_ns = o.most_ns();
  s.bytes_per_second = o.bandwidth();
  s.lost = o.loss();
  s.duplicated = o.duplication();
  s.reordered = o.reordering();
  return s;
}

}  // namespace

void host::check() const {
  if (number_ < net().hosts.size()) return;
  throw std::logic_error("sim::host::spawn: this world has no host number " +
                         std::to_string(number_) + "; hosts end with their world");
}

network::network() { net(); }

host network::add_host(std::string_view name, std::string_view address) {
  return host(net().hosts.add(std::string(name), std::string(address)));
}

network& network::add_address(std::string_view name, std::string_view address) {
  const host_id to = id_of(name, "add_address");
  net().hosts.add_address(to, net().hosts.readable_address(std::string(name),
                                                           std::string(address)));
  return *this;
}

host network::find_host(std::string_view name) const { return host(id_of(name, "find_host")); }

network& network::set_links(const link_options& o) {
  net().hosts.set_default(settings_of(o));
  return *this;
}

network& network::set_one_way(std::string_view from, std::string_view to, const link_options& o) {
  detail::simulation::path& way =
      net().hosts.way(id_of(from, "set_one_way"), id_of(to, "set_one_way"));
  way.settings = settings_of(o);
  way.has_own_settings = true;
  return *this;
}

network& network::set_link(std::string_view a, std::string_view b, const link_options& o) {
  return set_one_way(a, b, o).set_one_way(b, a, o);
}

network& network::partition_one_way(std::string_view from, std::string_view to) {
  net().cut(id_of(from, "partition"), id_of(to, "partition"), true);
  return *this;
}

network& network::partition(std::string_view a, std::string_view b) {
  return partition_one_way(a, b).partition_one_way(b, a);
}

network& network::isolate(std::string_view name) {
  const host_id alone = id_of(name, "isolate");
  for (std::size_t i = 0; i < net().hosts.size(); ++i) {
    const auto other = static_cast<host_id>(i);
    if (other == alone) continue;
    net().cut(alone, other, true);
    net().cut(other, alone, true);
  }
  return *this;
}

network& network::heal(std::string_view a, std::string_view b) {
  const host_id first = id_of(a, "heal");
  const host_id second = id_of(b, "heal");
  net().cut(first, second, false);
  net().cut(second, first, false);
  return *this;
}

network& network::heal() {
  const auto count = static_cast<host_id>(net().hosts.size());
  for (host_id a = 0; a < count; ++a) {
    for (host_id b = 0; b < count; ++b) {
      if (net().hosts.way(a, b).is_cut) net().cut(a, b, false);
    }
  }
  return *this;
}

network& network::reset_connections(std::string_view a, std::string_view b) {
  net().reset_all(id_of(a, "reset_connections"), id_of(b, "reset_connections"));
  return *this;
}

network& network::crash(std::string_view name) {
  net().crash(id_of(name, "crash"));
  return *this;
}

network& network::refuse(std::string_view name, std::uint16_t port) {
  net().connect_scripts[{id_of(name, "refuse"), port}] =
      detail::simulation::network::connect_script::refuse;
  return *this;
}

network& network::lose(std::string_view name, std::uint16_t port) {
  net().connect_scripts[{id_of(name, "lose"), port}] =
      detail::simulation::network::connect_script::lose;
  return *this;
}

network& network::admit(std::string_view name, std::uint16_t port) {
  net().connect_scripts.erase({id_of(name, "admit"), port});
  return *this;
}

network& network::fail_lookup(std::string_view name, std::string_view why) {
  net().name_scripts[std::string(name)].error = std::string(why);
  return *this;
}

network& network::delay_lookup_ns(std::string_view name, std::int64_t ns) {
  net().name_scripts[std::string(name)].delay_ns = ns;
  return *this;
}

network& network::restore_lookup(std::string_view name) {
  net().name_scripts.erase(std::string(name));
  return *this;
}

network& network::set_faults(const network_faults& f) {
  check_chance("network_faults::short_reads", f.short_reads());
  check_chance("network_faults::short_writes", f.short_writes());
  check_chance("network_faults::resets", f.resets());
  check_chance("network_faults::refused_connects", f.refused_connects());
  check_chance("network_faults::lost_connects", f.lost_connects());
  check_chance("network_faults::failed_lookups", f.failed_lookups());
  net().faults = f;
  return *this;
}

}  // namespace sim
}  // namespace eddy::inline v1
