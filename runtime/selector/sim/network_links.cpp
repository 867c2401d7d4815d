// When what is sent now arrives.
#include <algorithm>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

}  // namespace

std::int64_t network::latency(host_id from, host_id to) {
  const link_settings& link = hosts.way(from, to).settings;
  const std::int64_t least = link.least_latency_ns;
  const std::int64_t most = std::max(least, link.most_latency_ns);
  return least == most || world_.calm() ? least : world_.chances.between(least, most);
}

std::int64_t network::arrival(host_id from, host_id to, std::size_t bytes) {
  path& way = hosts.way(from, to);
  std::int64_t sent = world_.now();
  if (way.settings.bytes_per_second > 0) {
    // What is sent takes its time on the wire, behind what was sent before by whomever.
    const auto size = static_cast<std::int64_t>(bytes);
    way.busy_until_ns = later(std::max(sent, way.busy_until_ns),
                              size * second_ns / way.settings.bytes_per_second);
    sent = way.busy_until_ns;
  }
  return later(sent, latency(from, to));
}

}  // namespace eddy::inline v1::detail::simulation
