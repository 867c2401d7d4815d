// Where a socket is: an IP address and a port.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

// An IPv4 or IPv6 address with a port, and for link-local IPv6 addresses the number of the
// interface (scope id). A plain value of 24 bytes, usable on any thread. 0.0.0.0:0 by default.
//
//   const auto at = endpoint::parse("[::1]:8080");
//   at.port();       // 8080
//   at.to_string();  // "[::1]:8080"
class endpoint {
 public:
  endpoint() noexcept {}

  // "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80". Addresses as RFC 4291 §2.2 and dotted decimal
  // write them; a scope is a number. Throws std::invalid_argument that names the text.
  [[nodiscard]] static endpoint parse(std::string_view text);
  // The address and the port apart; IPv6 with or without its brackets.
  [[nodiscard]] static endpoint parse(std::string_view address, std::uint16_t port);
  // True for what parse(address, port) takes: such a host needs no lookup, no SNI.
  [[nodiscard]] static bool is_address(std::string_view host) noexcept;

  // 127.0.0.1 and 0.0.0.0, for listening on this machine or on all its interfaces.
  [[nodiscard]] static endpoint loopback(std::uint16_t port) noexcept;
  [[nodiscard]] static endpoint any(std::uint16_t port) noexcept;

  // From network-order bytes: four, or sixteen with a scope.
  [[nodiscard]] static endpoint v4(const std::array<unsigned char, 4>& address,
                                   std::uint16_t port) noexcept;
  [[nodiscard]] static endpoint v6(const std::array<unsigned char, 16>& address, std::uint16_t port,
                                   std::uint32_t scope = 0) noexcept;

  [[nodiscard]] bool is_ipv6() const noexcept { return is_ipv6_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint32_t scope() const noexcept { return scope_; }
  // Network order; an IPv4 address is in the first four, zeros in the others.
  [[nodiscard]] const std::array<unsigned char, 16>& bytes() const noexcept { return bytes_; }

  // The address alone, IPv6 as RFC 5952 writes it: "127.0.0.1", "::1", "fe80::1%2".
  [[nodiscard]] std::string address_string() const;
  // What parse takes: "127.0.0.1:80", "[::1]:80".
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const endpoint&, const endpoint&) noexcept = default;

 private:
  static bool read_address(std::string_view text, endpoint& out) noexcept;

  std::array<unsigned char, 16> bytes_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
  bool is_ipv6_ = false;
};

}  // namespace eddy::inline v1
