// Which of two families to try first (RFC 6724 §6), when their answers came separately.
#pragma once

#include <eddy/net/address.hpp>
#include <optional>
#include <vector>

namespace eddy::inline v1::detail {

// An address, and the one this host would speak from: none if it cannot get there.
struct path_to {
  endpoint destination;
  std::optional<endpoint> source;
};

// The rules that tell families apart: reachable, of a scope that fits, of a label that fits, of a
// higher precedence, of a smaller scope.
bool goes_before(const path_to& a, const path_to& b) noexcept;

// The addresses of one name, each family in its order, the better family first. Asks the system
// where it would send from, which sends nothing. Throws std::logic_error outside a loop.
std::vector<endpoint> join_families(std::vector<endpoint> v6, std::vector<endpoint> v4);

}  // namespace eddy::inline v1::detail
