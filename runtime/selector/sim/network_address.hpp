// An address of the simulated network, as a key that has an order.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <eddy/runtime/operation.hpp>
#include <string>

namespace eddy::inline v1::detail::simulation {

enum class family : std::uint8_t { none, v4, v6, local };

// `name` is for family::local only: a path, or an abstract name, which begins with a NUL byte.
struct net_address {
  family of = family::none;
  std::array<unsigned char, 16> bytes{};
  std::uint16_t port = 0;
  std::string name;

  auto operator<=>(const net_address&) const = default;

  bool is_wildcard() const noexcept { return bytes == std::array<unsigned char, 16>{}; }
  bool is_loopback() const noexcept;
  bool is_broadcast() const noexcept;
  net_address with_port(std::uint16_t p) const {
    net_address out = *this;
    out.port = p;
    return out;
  }
};

net_address address_from(const socket_address& from);
socket_address socket_address_of(const net_address& from) noexcept;
family family_of(int number) noexcept;
net_address any_address(family of);
net_address loopback_address(family of);
// The address that the network gives the host of this number, of 10.0.0.0/16.
net_address host_address(unsigned number);
// Reads "10.1.2.3" and "fd00::1"; family::none for what is neither.
net_address parse_address(const std::string& text);

}  // namespace eddy::inline v1::detail::simulation
