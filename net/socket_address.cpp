#include "socket_address.hpp"

#include <netinet/in.h>

#include <cstring>

namespace eddy::inline v1::detail {

int family_of(const endpoint& of) noexcept { return of.is_ipv6() ? AF_INET6 : AF_INET; }

system::socket_address to_socket_address(const endpoint& from) noexcept {
  system::socket_address out;
  if (from.is_ipv6()) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(from.port());
    address.sin6_scope_id = from.scope();
    std::memcpy(&address.sin6_addr, from.bytes().data(), 16);
    std::memcpy(out.bytes, &address, sizeof address);
    out.size = sizeof address;
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(from.port());
    std::memcpy(&address.sin_addr, from.bytes().data(), 4);
    std::memcpy(out.bytes, &address, sizeof address);
    out.size = sizeof address;
  }
  return out;
}

bool from_socket_address(const system::socket_address& from, endpoint& out) noexcept {
  sockaddr_in6 six{};
  sockaddr_in four{};
  sockaddr any{};
  if (from.size < sizeof four) return false;
  std::memcpy(&any, from.bytes, sizeof any);
  if (any.sa_family == AF_INET) {
    std::memcpy(&four, from.bytes, sizeof four);
    std::array<unsigned char, 4> bytes;
    std::memcpy(bytes.data(), &four.sin_addr, 4);
    out = endpoint::v4(bytes, ntohs(four.sin_port));
    return true;
  }
  if (any.sa_family != AF_INET6 || from.size < sizeof six) return false;
  std::memcpy(&six, from.bytes, sizeof six);
  std::array<unsigned char, 16> bytes;
  std::memcpy(bytes.data(), &six.sin6_addr, 16);
  out = endpoint::v6(bytes, ntohs(six.sin6_port), six.sin6_scope_id);
  return true;
}

}  // namespace eddy::inline v1::detail
