// The order of families, by the examples of RFC 6724 §10.2 that have two of them, and others.
#include "../../net/address_order.hpp"

#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>

using namespace eddy;
using detail::goes_before;
using detail::path_to;

namespace {

// "-": it cannot be reached.
path_to path(const char* to, const char* from) {
  path_to out{endpoint::parse(to, 0), std::nullopt};
  if (std::string_view(from) != "-") out.source = endpoint::parse(from, 0);
  return out;
}

struct pair {
  const char* first;
  const char* first_from;
  const char* second;
  const char* second_from;
};

}  // namespace

TEST_CASE("address order: which family goes first") {
  const pair all[] = {
      {"2001:db8:1::1", "2001:db8:1::2", "198.51.100.121", "169.254.13.78"},  // scope fits
      {"198.51.100.121", "198.51.100.117", "2001:db8:1::1", "fe80::1"},       // the same
      {"2001:db8:1::1", "2001:db8:1::2", "10.1.2.3", "10.1.2.4"},             // precedence
      {"198.51.100.1", "198.51.100.2", "2001:db8:1::1", "-"},                 // reachable
      {"2001:db8:1::1", "2001:db8:1::2", "198.51.100.1", "-"},                // reachable
      {"10.1.2.3", "10.1.2.4", "2001:db8:1::1", "fd00::2"},                   // label fits
      {"10.1.2.3", "10.1.2.4", "fd00::1", "fd00::2"},                         // precedence
      {"10.1.2.3", "10.1.2.4", "2002:c633:6401::1", "2002:c633:6401::2"},     // 6to4
      {"10.1.2.3", "10.1.2.4", "2001::1", "2001::2"},                         // Teredo
      {"::1", "::1", "127.0.0.1", "127.0.0.1"},                               // precedence
      {"2001:db8:1::1", "-", "10.1.2.3", "-"},                                // precedence
      {"10.1.2.3", "-", "fec0::1", "-"},                                      // precedence
  };
  for (const pair& p : all) {
    CAPTURE(p.first);
    CAPTURE(p.second);
    const path_to first = path(p.first, p.first_from);
    const path_to second = path(p.second, p.second_from);
    CHECK(goes_before(first, second));
    CHECK(!goes_before(second, first));
  }
}

TEST_CASE("address order: each family keeps its order") {
  run([]() -> task<> {
    const endpoint four = endpoint::parse("127.0.0.1", 0);
    const endpoint fourth = endpoint::parse("127.0.0.2", 0);
    const endpoint nowhere = endpoint::parse("ff02::1:2", 0);
    CHECK(detail::join_families({}, {four, fourth}) == std::vector<endpoint>{four, fourth});
    CHECK(detail::join_families({nowhere}, {}) == std::vector<endpoint>{nowhere});
    const std::vector<endpoint> both = detail::join_families({nowhere}, {four, fourth});
    CHECK(both == std::vector<endpoint>{four, fourth, nowhere});
    co_return;
  }());
}
