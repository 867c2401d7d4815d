// Names: those of the hosts, unless a script says otherwise.
#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// A name server near by.
constexpr std::int64_t usual_lookup_ns = 1'000'000;

}  // namespace

std::int64_t network::lookup_time(const std::string& name) {
  const auto script = name_scripts.find(name);
  if (script != name_scripts.end() && script->second.delay_ns > 0) return script->second.delay_ns;
  if (name == "localhost") return 0;
  return world_.calm() ? usual_lookup_ns : world_.chances.between(0, 2 * usual_lookup_ns);
}

std::vector<net_address> network::lookup(const std::string& name, std::string& error) {
  const auto script = name_scripts.find(name);
  if (script != name_scripts.end() && !script->second.error.empty()) {
    error = script->second.error;
    return {};
  }
  if (chance(faults.failed_lookups())) {
    error = "Temporary failure in name resolution";
    return {};
  }
  std::vector<net_address> found = hosts.lookup(name);
  if (found.empty()) error = "Name or service not known";
  return found;
}

}  // namespace eddy::inline v1::detail::simulation
