#include <algorithm>
#include <eddy/net/http/session.hpp>

#include "../../runtime/selector/system.hpp"
#include "session_state.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr const char* user_agent_field = "User-Agent";
constexpr const char* default_user_agent = "eddy/0.1";

}  // namespace

session_options::session_options() : settings_(new session_settings()) {
  settings_->fields.add(user_agent_field, default_user_agent);
}

session_options::session_options(const session_options& other)
    : settings_(new session_settings(*other.settings_)) {}

session_options::~session_options() { delete settings_; }

session_options& session_options::limit(std::size_t connections) & noexcept {
  settings_->pool.limit = connections;
  return *this;
}

session_options& session_options::limit_per_host(std::size_t connections) & noexcept {
  settings_->pool.limit_per_host = connections;
  return *this;
}

session_options& session_options::set_keep_alive(std::int64_t ns) & noexcept {
  settings_->pool.keep_alive_ns = ns;
  return *this;
}

session_options& session_options::set_timeout(timeout_kind kind, std::int64_t ns) & noexcept {
  settings_->times[kind] = ns;
  return *this;
}

session_options& session_options::base_url(std::string_view base) & {
  settings_->base = url::parse_http(base);
  return *this;
}

session_options& session_options::stale_retry(bool on) & noexcept {
  settings_->stale_retry = on;
  return *this;
}

session_options& session_options::retry(const retry_policy& policy) & noexcept {
  settings_->retries = policy;
  return *this;
}

session_options& session_options::trace(trace_observer& watcher) & noexcept {
  settings_->observer = &watcher;
  return *this;
}

session_options& session_options::set_dns_ttl(std::int64_t ns) & noexcept {
  settings_->dns_ttl_ns = ns;
  return *this;
}

session_options& session_options::set_happy_eyeballs(std::int64_t ns) & noexcept {
  settings_->happy_eyeballs_ns = ns;
  return *this;
}

session_options& session_options::unix_socket(std::string_view path) & {
  settings_->socket = unix_address::path(path);
  return *this;
}

session_options& session_options::proxy(const http::proxy& through) & {
  settings_->proxies = proxy_settings(through);
  settings_->has_proxies = through.is_used();
  return *this;
}

session_options& session_options::proxies_from_environment() & {
  settings_->proxies = proxy_settings::from_environment(detail::system::environment());
  settings_->has_proxies = true;
  return *this;
}

session_options& session_options::cookies(const cookie_jar& jar) & {
  settings_->jar = jar;
  settings_->uses_cookies = true;
  return *this;
}

session_options& session_options::cookies(bool on) & {
  settings_->uses_cookies = on;
  return *this;
}

session_options& session_options::auth(const http::auth& credentials) & {
  settings_->credentials = credentials;
  return *this;
}

session_options& session_options::max_redirects(unsigned most) & noexcept {
  settings_->max_redirects = static_cast<int>(std::min(most, most_redirects));
  return *this;
}

#if EDDY_HAVE_OPENSSL
session_options& session_options::tls(const tls_context& trust) & {
  settings_->trust = trust;
  return *this;
}
#endif

session_options& session_options::verify(bool on) & noexcept {
  settings_->verify = on;
  return *this;
}

session_options& session_options::limits(const http::limits& bounds) & noexcept {
  settings_->bounds = bounds;
  return *this;
}

session_options& session_options::max_body_bytes(std::size_t most) & noexcept {
  settings_->max_body_bytes = most;
  return *this;
}

session_options& session_options::header(std::string_view name, std::string_view value) & {
  settings_->fields.set(name, value);
  return *this;
}

session_options& session_options::without_header(std::string_view name) & {
  settings_->unwanted.set(name, "");
  return *this;
}

session_options& session_options::user_agent(std::string_view text) & {
  if (text.empty()) {
    settings_->fields.remove(user_agent_field);
  } else {
    settings_->fields.set(user_agent_field, text);
  }
  return *this;
}

}  // namespace eddy::inline v1::http
