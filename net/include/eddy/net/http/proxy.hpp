// Through whom a request goes.
#pragma once

#include <eddy/net/http/auth.hpp>
#include <stdexcept>

namespace eddy::inline v1::http {

// What is wrong with the text of a proxy, and where: `proxy "http://***@example.com:0": port "0" is
// not in 1..65535 at offset 22`. Its user info is never shown.
class invalid_proxy : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
  ~invalid_proxy() override;
};

// A proxy, or that there is none. A plain value; copies are independent.
//
// By default nothing is said: a request takes its session's, and a session uses none.
//
//   session_options().proxy(http::proxy::parse("http://user:secret@proxy.example:3128"))
//   co_await session.get(url).proxy(http::proxy::direct());
class proxy {
 public:
  // socks5 resolves names here and gives the proxy addresses; socks5h gives it the names.
  enum class kind : std::uint8_t { unset, direct, http, https, socks5, socks5h };

  proxy() noexcept {}

  // "[scheme://][user:password@]host[:port][/]". The scheme is http (the default), https (TLS to
  // the proxy), socks5 (RFC 1928, RFC 1929) or socks5h. Ports default as curl's do: 443 for https,
  // 1080 for the others. The user info is percent-decoded; it is sent as Basic, or as RFC 1929 says
  // to a SOCKS proxy. Throws invalid_proxy.
  [[nodiscard]] static proxy parse(std::string_view text);
  // Straight to the origin, whatever the session or the environment says.
  [[nodiscard]] static proxy direct() noexcept { return proxy(kind::direct); }

  // Other credentials than those in the text: auth::digest for http and https; auth::basic for all.
  // Throws invalid_proxy for what the proxy's protocol cannot carry.
  proxy& auth(http::auth credentials) &;
  proxy&& auth(http::auth credentials) && {
    return static_cast<proxy&&>(auth(static_cast<http::auth&&>(credentials)));
  }

  [[nodiscard]] kind which() const noexcept { return kind_; }
  [[nodiscard]] bool is_set() const noexcept { return kind_ != kind::unset; }
  // False when there is none to go through: unset or direct.
  [[nodiscard]] bool is_used() const noexcept { return kind_ > kind::direct; }
  [[nodiscard]] bool is_socks() const noexcept { return kind_ >= kind::socks5; }
  // Normalised as a URL's is: lower case, punycode, IPv6 without its brackets.
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // unset, basic or digest.
  [[nodiscard]] const http::auth& credentials() const noexcept { return credentials_; }
  // "http://proxy.example:3128", always with its port and without its credentials; "direct"
  // otherwise. Names it in pools and messages.
  [[nodiscard]] std::string str() const;

  friend bool operator==(const proxy&, const proxy&) noexcept = default;

 private:
  explicit proxy(kind which) noexcept : kind_(which) {}
  void check_credentials() const;

  http::auth credentials_;
  std::string host_;
  std::uint16_t port_ = 0;
  kind kind_ = kind::unset;
};

}  // namespace eddy::inline v1::http
