// How a connection reaches an origin.
#pragma once

#include <cstdint>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/unix.hpp>
#include <string>

namespace eddy::inline v1::http {

// An origin, and through what its connections go. A plain value.
//
//   route to("example.com", 443, true);
//   to.through(http::proxy::parse("http://proxy.example:3128"));
//   to.kind();  // route_kind::tunnel
enum class route_kind : std::uint8_t {
  direct,
  unix_socket,  // whatever the host's name says
  forward,      // an HTTP proxy for an http origin: requests are in absolute-form (RFC 9112 §3.2.2)
  tunnel,       // an HTTP proxy for an https origin: CONNECT (RFC 9110 §9.3.6)
  socks,        // RFC 1928
};

class route {
 public:
  // The host is a name or an address without brackets, as url::host() has it.
  route(std::string host, std::uint16_t port, bool secure)
      : host_(std::move(host)), port_(port), secure_(secure) {}

  // A proxy that is unset or direct changes nothing. A unix socket has no proxy before it.
  route& through(const http::proxy& p);
  route& by_socket(const unix_address& at);

  [[nodiscard]] route_kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // Whether the origin wants TLS.
  [[nodiscard]] bool is_secure() const noexcept { return secure_; }
  // Whether TLS is needed anywhere on the way.
  [[nodiscard]] bool needs_tls() const noexcept;
  // Of forward, tunnel and socks.
  [[nodiscard]] const http::proxy& proxy() const noexcept { return proxy_; }
  [[nodiscard]] const unix_address& socket() const noexcept { return socket_; }

  // "example.com:443", "[::1]:80": always with its port.
  [[nodiscard]] std::string authority() const;
  // Connections may be used for one another's requests if these are equal: it holds the origin,
  // except for a forwarding proxy, to which all go alike, and the way with its credentials. Not for
  // messages.
  [[nodiscard]] std::string pool_key() const;

 private:
  std::string host_;
  http::proxy proxy_;
  unix_address socket_;
  std::uint16_t port_;
  bool secure_;
  route_kind kind_ = route_kind::direct;
};

}  // namespace eddy::inline v1::http
