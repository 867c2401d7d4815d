#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <eddy/net/address.hpp>
#include <stdexcept>

#include "url_text.hpp"

namespace eddy::inline v1 {

namespace {

// "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and "%4294967295".
constexpr std::size_t longest_address = 45 + 11;

template <class Number>
bool read_number(std::string_view text, Number& out) noexcept {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stopped == end;
}

[[noreturn]] void refuse(std::string_view text, const char* why) {
  throw std::invalid_argument("endpoint " + url_syntax::quoted(text) + ": " + why);
}

}  // namespace

endpoint endpoint::v4(const std::array<unsigned char, 4>& address, std::uint16_t port) noexcept {
  endpoint out;
  std::copy(address.begin(), address.end(), out.bytes_.begin());
  out.port_ = port;
  return out;
}

endpoint endpoint::v6(const std::array<unsigned char, 16>& address, std::uint16_t port,
                      std::uint32_t scope) noexcept {
  endpoint out;
  out.bytes_ = address;
  out.scope_ = scope;
  out.port_ = port;
  out.is_ipv6_ = true;
  return out;
}

endpoint endpoint::loopback(std::uint16_t port) noexcept { return v4({127, 0, 0, 1}, port); }

endpoint endpoint::any(std::uint16_t port) noexcept { return v4({0, 0, 0, 0}, port); }

bool endpoint::read_address(std::string_view text, endpoint& out) noexcept {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == text.npos) return false;
  }
  std::uint32_t scope = 0;
  const std::size_t percent = text.find('%');
  if (percent != text.npos) {
    if (!read_number(text.substr(percent + 1), scope)) return false;
    text = text.substr(0, percent);
  }
  char terminated[longest_address + 1] = {};
  if (text.empty() || text.size() > longest_address || text.find('\0') != text.npos) return false;
  std::memcpy(terminated, text.data(), text.size());
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET6, terminated, bytes.data()) == 1) {
    out = v6(bytes, 0, scope);
    return true;
  }
  std::array<unsigned char, 4> four{};
  if (percent != text.npos || ::inet_pton(AF_INET, terminated, four.data()) != 1) return false;
  out = v4(four, 0);
  return true;
}

bool endpoint::is_address(std::string_view host) noexcept {
  endpoint unused;
  return read_address(host, unused);
}

endpoint endpoint::parse(std::string_view address, std::uint16_t port) {
  endpoint out;
  if (!read_address(address, out)) refuse(address, "not an IPv4 or IPv6 address");
  out.port_ = port;
  return out;
}

endpoint endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) refuse(text, "no port");
  const std::string_view address = text.substr(0, colon);
  if (address.find(':') != address.npos && address.front() != '[') {
    refuse(text, "an IPv6 address with a port needs brackets");
  }
  endpoint out;
  if (!read_address(address, out)) refuse(text, "not an IPv4 or IPv6 address");
  if (!read_number(text.substr(colon + 1), out.port_)) refuse(text, "port is not in 0..65535");
  return out;
}

std::string endpoint::address_string() const {
  char text[longest_address + 1] = {};
  ::inet_ntop(is_ipv6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  std::string out = text;
  if (scope_ != 0) out.append("%").append(std::to_string(scope_));
  return out;
}

std::string endpoint::to_string() const {
  std::string out = address_string();
  if (is_ipv6_) out.insert(0, 1, '[').append("]");
  return out.append(":").append(std::to_string(port_));
}

}  // namespace eddy::inline v1
