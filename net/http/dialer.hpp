// Opens connections: from a route to a transport.
#pragma once

#include <eddy/net/http/limits.hpp>
#include <eddy/runtime/timer.hpp>

#include "../connect_any.hpp"
#include "../dns_cache.hpp"
#include "digest.hpp"
#include "route.hpp"
#include "transport.hpp"

namespace eddy::inline v1::http {

// What is being done. `resolved`, `connected` and `open` are moments, the others last until the
// next one. A SOCKS proxy that wants addresses has two names resolved; each challenge of a proxy
// that is answered begins a connection anew.
enum class dial_phase : std::uint8_t {
  resolving,
  resolved,
  connecting,
  connected,       // with the origin or the first proxy
  securing_proxy,  // TLS with the proxy
  asking_proxy,    // CONNECT, or SOCKS
  securing,        // TLS with the origin
  open,            // the transport is there
};

// Who wants to know how far it is, and decides how long it may take.
class dial_watch {
 public:
  // A phase begins; until when it may last: never_ends for one without a limit, and of no meaning
  // for moments. What it throws ends the dialling.
  virtual time_point enter(dial_phase phase) = 0;
  static constexpr time_point never_ends = time_point::max();

 protected:
  dial_watch() noexcept {}
  dial_watch(const dial_watch&) = default;
  dial_watch& operator=(const dial_watch&) = default;
  ~dial_watch() = default;
};

struct dialer_settings {
  std::int64_t dns_ttl_ns = detail::usual_dns_ttl_ns;
  std::int64_t attempt_delay_ns = detail::connection_attempt_delay_ns;
  limits bounds;  // of a proxy's replies
  task<detail::lookup_answer> (*look_up)(std::string, std::int64_t) = detail::look_up;
};

// What a session opens its connections with: its cache of names, and the sessions of TLS that can
// be resumed. Outlives its tasks. Thread: one loop's.
//
// Throws resolve_error, std::system_error, tls_error, proxy_error; timeout_error if a phase lasts
// longer than its watch allows. Whatever way it ends but by a transport, nothing is left open.
class dialer {
 public:
  explicit dialer(const dialer_settings& s);

#if EDDY_HAVE_OPENSSL
  // Before the first route that needs TLS.
  void trust(const tls_context& whom) { trust_ = whom; }
  bool is_trusting() const noexcept { return trust_.has_value(); }
#endif
  // Digest for proxies: `known` is the session's, fresh_cnonce() as auth_context wants it. Without
  // it a proxy's challenges are not answered. Both outlive this.
  void answer_proxies(digest_state& known, std::string (*fresh_cnonce)()) noexcept {
    known_ = &known;
    fresh_cnonce_ = fresh_cnonce;
  }

  // Opens a connection that leads to the route's origin, or, for route_kind::forward, to the proxy.
  // `watch` outlives the task. Every wait is a cancellation point.
  task<transport> dial(route to, dial_watch& watch);

  detail::dns_cache& names() noexcept { return names_; }

 private:
  task<transport> dial_tunnel(const route& to, dial_watch& watch);
  task<transport> dial_socks(const route& to, dial_watch& watch);
  task<transport> reach_socket(const route& to, dial_watch& watch);
  task<transport> reach_proxy(const route& to, dial_watch& watch);
  task<transport> reach_host(std::string host, std::uint16_t port, std::string name,
                             dial_watch& watch);
  task<detail::dns_found> addresses_of(std::string host, std::uint16_t port, dial_watch& watch);
  task<transport> secure(transport under, std::string host, std::string key, time_point until);

  dialer_settings settings_;
  detail::dns_cache names_;
#if EDDY_HAVE_OPENSSL
  std::optional<tls_context> trust_;
  tls_session_store sessions_;
#endif
  digest_state* known_ = nullptr;
  std::string (*fresh_cnonce_)() = nullptr;
};

}  // namespace eddy::inline v1::http
