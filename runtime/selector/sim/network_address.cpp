#include "network_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace eddy::inline v1::detail::simulation {

namespace {

constexpr std::size_t name_at = offsetof(sockaddr_un, sun_path);

net_address local_address_from(const socket_address& from) {
  net_address out;
  out.of = family::local;
  if (from.size <= name_at) return out;
  const auto* text = reinterpret_cast<const char*>(from.bytes) + name_at;
  std::size_t size = from.size - name_at;
  // unix_socket_address() counts a NUL byte: that before an abstract name, or that after a path.
  if (text[0] != '\0') {
    size = static_cast<std::size_t>(std::find(text, text + size, '\0') - text);
  }
  out.name.assign(text, size);
  return out;
}

socket_address local_socket_address(const net_address& from) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, from.name.data(), from.name.size());
  socket_address out;
  std::memcpy(out.bytes, &address, sizeof address);
  out.size = static_cast<unsigned>(name_at + from.name.size());
  if (!from.name.empty() && from.name[0] != '\0') ++out.size;
  return out;
}

}  // namespace

bool net_address::is_loopback() const noexcept {
  if (of == family::v4) return bytes[0] == 127;
  return of == family::v6 && bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.begin() + 15, [](unsigned char b) { return b == 0; });
}

bool net_address::is_broadcast() const noexcept {
  return of == family::v4 &&
         std::all_of(bytes.begin(), bytes.begin() + 4, [](unsigned char b) { return b == 255; });
}

family family_of(int number) noexcept {
  switch (number) {
    case AF_INET: return family::v4;
    case AF_INET6: return family::v6;
    case AF_UNIX: return family::local;
    default: return family::none;
  }
}

net_address address_from(const socket_address& from) {
  net_address out;
  sockaddr any{};
  if (from.size < sizeof any.sa_family) return out;
  std::memcpy(&any, from.bytes, sizeof any);
  if (any.sa_family == AF_UNIX) return local_address_from(from);
  if (any.sa_family == AF_INET && from.size >= sizeof(sockaddr_in)) {
    sockaddr_in four{};
    std::memcpy(&four, from.bytes, sizeof four);
    out.of = family::v4;
    out.port = ntohs(four.sin_port);
    std::memcpy(out.bytes.data(), &four.sin_addr, 4);
  } else if (any.sa_family == AF_INET6 && from.size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 six{};
    std::memcpy(&six, from.bytes, sizeof six);
    out.of = family::v6;
    out.port = ntohs(six.sin6_port);
    std::memcpy(out.bytes.data(), &six.sin6_addr, 16);
  }
  return out;
}

socket_address socket_address_of(const net_address& from) noexcept {
  socket_address out;
  if (from.of == family::local) return local_socket_address(from);
  if (from.of == family::v4) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(from.port);
    std::memcpy(&four.sin_addr, from.bytes.data(), 4);
    std::memcpy(out.bytes, &four, sizeof four);
    out.size = sizeof four;
  } else if (from.of == family::v6) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(from.port);
    std::memcpy(&six.sin6_addr, from.bytes.data(), 16);
    std::memcpy(out.bytes, &six, sizeof six);
    out.size = sizeof six;
  }
  return out;
}

net_address any_address(family of) {
  net_address out;
  out.of = of;
  return out;
}

net_address loopback_address(family of) {
  net_address out = any_address(of);
  if (of == family::v4) out.bytes = {127, 0, 0, 1};
  if (of == family::v6) out.bytes[15] = 1;
  return out;
}

net_address host_address(unsigned number) {
  net_address out = any_address(family::v4);
  out.bytes = {10, 0, static_cast<unsigned char>(number >> 8),
               static_cast<unsigned char>(number & 0xFF)};
  return out;
}

net_address parse_address(const std::string& text) {
  net_address out;
  if (::inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) {
    out.of = family::v4;
  } else if (::inet_pton(AF_INET6, text.c_str(), out.bytes.data()) == 1) {
    out.of = family::v6;
  }
  return out;
}

}  // namespace eddy::inline v1::detail::simulation
