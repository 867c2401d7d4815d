#include "address_order.hpp"

#include <algorithm>
#include <array>
#include <eddy/net/udp.hpp>
#include <system_error>

namespace eddy::inline v1::detail {

namespace {

// Nothing is sent there; some systems connect to no port 0.
constexpr std::uint16_t any_port = 53;

using address_bytes = std::array<unsigned char, 16>;

// The address as IPv6, where an IPv4 one is ::ffff:a.b.c.d.
address_bytes mapped(const endpoint& at) noexcept {
  const auto& b = at.bytes();
  if (at.is_ipv6()) return b;
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, b[0], b[1], b[2], b[3]};
}

struct policy {
  address_bytes prefix;
  unsigned bits;
  int precedence;
  int label;
};

// RFC 6724 §2.1, the longest prefixes first.
constexpr std::array<policy, 9> policies{{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},
    {{}, 96, 1, 3},
    {{0x20, 0x01, 0, 0}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2},
    {{0x3f, 0xfe}, 16, 1, 12},
    {{0xfe, 0xc0}, 10, 1, 11},
    {{0xfc}, 7, 3, 13},
    {{}, 0, 40, 1},
}};

bool is_within(const address_bytes& at, const policy& p) noexcept {
  const std::size_t whole = p.bits / 8;
  if (!std::equal(at.begin(), at.begin() + whole, p.prefix.begin())) return false;
  const unsigned rest = p.bits % 8;
  return rest == 0 || (at[whole] ^ p.prefix[whole]) >> (8 - rest) == 0;
}

const policy& policy_of(const endpoint& at) noexcept {
  const address_bytes bytes = mapped(at);
  return *std::find_if(policies.begin(), policies.end(),
                       [&bytes](const policy& p) { return is_within(bytes, p); });
}

// RFC 6724 §3.1 and §3.2, in the numbers of RFC 4291 §2.7.
int scope_of(const endpoint& at) noexcept {
  constexpr int link_local = 2;
  constexpr int site_local = 5;
  constexpr int global = 14;
  const auto& b = at.bytes();
  if (!at.is_ipv6()) {
    const bool is_near = b[0] == 127 || (b[0] == 169 && b[1] == 254);
    return is_near ? link_local : global;
  }
  if (b[0] == 0xff) return b[1] & 0x0f;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return link_local;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return site_local;
  if (policy_of(at).label == 0) return link_local;  // ::1
  return global;
}

path_to path_for(const endpoint& at) {
  path_to out{at, std::nullopt};
  try {
    auto probe = udp_socket::open(at.is_ipv6() ? ip_family::v6 : ip_family::v4);
    const auto& b = at.bytes();
    probe.connect(at.is_ipv6() ? endpoint::v6(b, any_port, at.scope())
                               : endpoint::v4({b[0], b[1], b[2], b[3]}, any_port));
    out.source = probe.local_address();
  } catch (const std::system_error&) {
    // No way there.
  }
  return out;
}

}  // namespace

bool goes_before(const path_to& a, const path_to& b) noexcept {
  if (a.source.has_value() != b.source.has_value()) return a.source.has_value();
  const int scope_a = scope_of(a.destination);
  const int scope_b = scope_of(b.destination);
  const policy& policy_a = policy_of(a.destination);
  const policy& policy_b = policy_of(b.destination);
  if (a.source) {
    const bool fits_a = scope_of(*a.source) == scope_a;
    const bool fits_b = scope_of(*b.source) == scope_b;
    if (fits_a != fits_b) return fits_a;
    const bool is_alike_a = policy_of(*a.source).label == policy_a.label;
    const bool is_alike_b = policy_of(*b.source).label == policy_b.label;
    if (is_alike_a != is_alike_b) return is_alike_a;
  }
  if (policy_a.precedence != policy_b.precedence) return policy_a.precedence > policy_b.precedence;
  return scope_a < scope_b;
}

std::vector<endpoint> join_families(std::vector<endpoint> v6, std::vector<endpoint> v4) {
  if (v6.empty()) return v4;
  if (v4.empty()) return v6;
  if (goes_before(path_for(v4.front()), path_for(v6.front()))) v6.swap(v4);
  v6.insert(v6.end(), v4.begin(), v4.end());
  return v6;
}

}  // namespace eddy::inline v1::detail
