// What a session, its requests and its responses share.
#pragma once

#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/cookies.hpp>
#include <eddy/net/http/session.hpp>
#include <optional>

#include "digest.hpp"
#include "exchange_clock.hpp"
#include "pool.hpp"
#include "progress.hpp"
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
  std::string unix_socket;  // empty: none
  headers unwanted;         // names only
  http::auth credentials;
  std::optional<cookie_jar> jar;
  bool uses_cookies = true;
#if EDDY_HAVE_OPENSSL
  std::optional<tls_context> trust;
#endif
  bool verify = true;
};

}  // namespace http

namespace detail {

// Counted: lives as long as the session, one of its requests or one of its responses.
struct http_session {
  explicit http_session(http::session_settings&& s)
      : settings(std::move(s)),
        pool(settings.pool),
        budget(settings.retries.budget_percent(), settings.retries.budget_reserve()) {
    if (settings.uses_cookies) jar = settings.jar ? *settings.jar : http::cookie_jar();
  }
  http_session(const http_session&) = delete;
  http_session& operator=(const http_session&) = delete;

  // Where a connection for this URL goes.
  http::destination destination_of(const url& to);

  std::uint32_t references = 1;
  http::session_settings settings;
  http::connection_pool pool;
  http::session_counters counters;
  http::retry_budget budget;
  std::optional<http::cookie_jar> jar;
  http::digest_state digests;
};

}  // namespace detail
}  // namespace eddy::inline v1
