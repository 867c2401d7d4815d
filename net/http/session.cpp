#include <eddy/net/http/session.hpp>

#include <eddy/net/http/error.hpp>

#include "../percent.hpp"
#include "../url_text.hpp"
#include "session_state.hpp"

namespace eddy::inline v1 {

namespace detail {

void retain(http_session& session) noexcept { ++session.references; }

void release(http_session& session) noexcept {
  if (--session.references == 0) delete &session;
}

http::dialer_settings http_session::dialing(const http::session_settings& s) {
  http::dialer_settings d;
  d.dns_ttl_ns = s.dns_ttl_ns;
  d.attempt_delay_ns = s.happy_eyeballs_ns;
  d.bounds = s.bounds;
  return d;
}

http::route http_session::route_of(const url& to, const http::proxy& own) const {
  http::route way(std::string(to.host()), to.port(), to.scheme() == "https");
  if (settings.socket) {
    way.by_socket(*settings.socket);
  } else if (own.is_set()) {
    way.through(own);
  } else if (settings.has_proxies) {
    way.through(settings.proxies.choose(to));
  }
  return way;
}

#if EDDY_HAVE_OPENSSL

void http_session::trust_somebody() {
  if (dialer.is_trusting()) return;
  if (!settings.trust) {
    tls_context system_trust;  // reads files: only when it is needed
    if (!settings.verify) system_trust.verify(false);
    settings.trust = system_trust;
  }
  dialer.trust(*settings.trust);
}

#else

void http_session::trust_somebody() {}

#endif

}  // namespace detail

namespace http {

namespace {

const detail::http_session_ref& present(const detail::http_session_ref& state) {
  if (!state) throw std::logic_error("an empty http::session was used: it was moved from");
  return state;
}

session_settings& present(session_settings* settings) {
  if (settings) return *settings;
  throw std::logic_error("empty http::session_options were used: they were moved from");
}

bool is_relative(std::string_view text) {
  return url_syntax::split(url_syntax::without_surrounding_space(text)).scheme.empty();
}

url resolved(const url& base, std::string_view text) {
  if (base.empty()) {
    try {
      return url::parse_http(text);
    } catch (const url_error&) {
      if (!is_relative(text)) throw;
    }
    throw url_error("URL " + url_syntax::quoted_url(text) +
                    " is relative, and the session has no base_url()");
  }
  for (const char byte : text) {
    if (url_syntax::is_control(byte)) {
      throw url_error("URL " + url_syntax::quoted_url(text) + " holds " +
                      url_syntax::described(byte));
    }
  }
  url to = base.resolve(text);
  if (to.is_http()) return to;
  throw url_error("URL " + url_syntax::quoted_url(text) + " is not of http or https");
}

task<> close_shared(detail::http_session_ref kept) { co_await kept->pool.close(); }

void check_http(const url& to) {
  if (to.is_http()) return;
  throw url_error("URL " + url_syntax::quoted_url(to.text()) + " is not of http or https");
}

}  // namespace

session::session() : session(session_options()) {}

session::session(session_options options)
    : state_(new detail::http_session(std::move(present(options.settings_)))) {}

session& session::operator=(session&& other) noexcept {
  if (this != &other) {
    retire();
    state_ = std::move(other.state_);
  }
  return *this;
}

session::~session() { retire(); }

void session::retire() noexcept {
  if (state_) state_->pool.retire();
}

request_builder session::request(std::string_view method, std::string_view url) {
  const detail::http_session_ref& state = present(state_);
  return request_builder(state, method, resolved(state->settings.base, url));
}

request_builder session::request(std::string_view method, url to) {
  check_http(to);
  return request_builder(present(state_), method, std::move(to));
}

// Not a coroutine itself: the session may be moved or destroyed before the task is awaited.
task<> session::close() { return close_shared(present(state_)); }

session_statistics session::statistics() const {
  const connection_pool& pool = present(state_)->pool;
  const pool_ledger& ledger = pool.ledger();
  const session_counters& so_far = state_->counters;
  session_statistics s;
  s.open = ledger.slots();
  s.idle = ledger.idle();
  s.in_use = s.open - s.idle;
  s.waiting = ledger.waiting();
  s.most_open = ledger.most_slots();
  s.connects = pool.opened();
  s.reuses = pool.reused();
  s.requests = so_far.requests;
  s.responses = so_far.responses;
  s.failures = so_far.failures;
  s.redirects = so_far.redirects;
  s.retries = so_far.retries;
  s.bytes_sent = so_far.bytes_sent;
  s.bytes_received = so_far.bytes_received;
  const auto names = state_->dialer.names().statistics();
  s.dns_names = names.names;
  s.dns_hits = names.hits + names.joins;
  s.dns_misses = names.misses;
  return s;
}

}  // namespace http
}  // namespace eddy::inline v1
