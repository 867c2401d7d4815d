// What a session, its requests and its responses share.
#pragma once

#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/cookies.hpp>
#include <eddy/net/http/session.hpp>
#include <optional>

#include "dialer.hpp"
#include "exchange_clock.hpp"
#include "pool.hpp"
#include "progress.hpp"
#include "proxy_settings.hpp"
#include "retry.hpp"

namespace eddy::inline v1 {

namespace http {

struct session_settings {
  session_settings() {
    times[timeout_kind::total] = 300'000'000'000;
    times[timeout_kind::connect] = 30'000'000'000;
  }

  connection_pool::settings pool{100, 0, 15'000'000'000};
  timeouts times;
  http::limits bounds;
  std::size_t max_body_bytes = std::size_t{64} << 20U;
  int max_redirects = 10;
  headers fields;
  url base;  // empty: none
  bool stale_retry = true;
  retry_policy retries = retry_policy().attempts(1);
  trace_observer* observer = nullptr;
  std::int64_t dns_ttl_ns = 10'000'000'000;
  std::int64_t happy_eyeballs_ns = 250'000'000;
  std::optional<unix_address> socket;
  proxy_settings proxies;
  bool has_proxies = false;
  headers unwanted;         // names only
  http::auth credentials;
  std::optional<cookie_jar> jar;
  bool uses_cookies = true;
#if EDDY_HAVE_OPENSSL
  std::optional<tls_context> trust;
#endif
  bool verify = true;
};

// The lines of a head that a request without fields of its own has from its session: checked and
// put together once, since most requests are such.
struct usual_fields {
  enum class state : std::uint8_t { unknown, good, unfit };
  state is = state::unknown;
  std::string lines;  // "Accept: */*\r\n…"
};

// For a Digest, of the system's entropy.
std::string fresh_cnonce();

}  // namespace http

namespace detail {

// Counted: lives as long as the session, one of its requests or one of its responses.
struct http_session {
  explicit http_session(http::session_settings&& s)
      : settings(std::move(s)),
        pool(settings.pool),
        dialer(dialing(settings)),
        budget(settings.retries.budget_percent(), settings.retries.budget_reserve()) {
    dialer.answer_proxies(digests, http::fresh_cnonce);
    if (settings.uses_cookies) jar = settings.jar ? *settings.jar : http::cookie_jar();
  }
  http_session(const http_session&) = delete;
  http_session& operator=(const http_session&) = delete;

  // Whether there is anything between us and origins, unless a request says so.
  bool is_routed() const noexcept { return settings.socket || settings.has_proxies; }
  // How a connection for this URL gets there; `own` is what the request says. Throws
  // http::invalid_proxy for what the environment says.
  http::route route_of(const url& to, const http::proxy& own) const;
  // Before the first connection with TLS.
  void trust_somebody();

  std::uint32_t references = 1;
  http::session_settings settings;
  http::connection_pool pool;
  http::digest_state digests;  // outlives the dialer
  http::dialer dialer;
  http::session_counters counters;
  http::request_memories memories;
  http::spare_headers spare_fields;
  http::retry_budget budget;
  std::optional<http::cookie_jar> jar;
  http::usual_fields usual;

 private:
  static http::dialer_settings dialing(const http::session_settings& s);
};

}  // namespace detail
}  // namespace eddy::inline v1
