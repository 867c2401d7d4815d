// The HTTP/1.1 client: aiohttp's ClientSession.
#pragma once

#include <eddy/net/http/limits.hpp>
#include <eddy/net/http/request_builder.hpp>
#include <eddy/net/http/retry_policy.hpp>
#include <eddy/net/http/timeout.hpp>
#include <eddy/net/http/timings.hpp>

namespace eddy::inline v1 {

class tls_context;

namespace http {

class auth;
class cookie_jar;
class proxy;
class trace_observer;
struct session_settings;

// How a session behaves. Chained setters; each says its default. Copyable.
//
//   session_options().limit_per_host(8).timeout(30s).header("accept-language", "en")
class session_options {
 public:
  session_options();
  session_options(const session_options& other);
  session_options(session_options&& other) noexcept
      : settings_(std::exchange(other.settings_, nullptr)) {}
  session_options& operator=(session_options other) noexcept {
    std::swap(settings_, other.settings_);
    return *this;
  }
  ~session_options();

  // Connections in all, idle ones included; 0: no limit. Default 100. Requests beyond it wait in
  // turn.
  session_options& limit(std::size_t connections) & noexcept;
  session_options&& limit(std::size_t connections) && noexcept {
    return std::move(limit(connections));
  }
  // Connections to one origin (scheme, host and port); 0, the default: no limit of its own.
  session_options& limit_per_host(std::size_t connections) & noexcept;
  session_options&& limit_per_host(std::size_t connections) && noexcept {
    return std::move(limit_per_host(connections));
  }
  // How long a connection is kept open for the next request; 0: not at all. Default 15 s.
  template <class Rep, class Period>
  session_options& keep_alive_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_keep_alive(detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& keep_alive_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(keep_alive_timeout(d));
  }

  // For everything from the await of the request until its body has been read, redirections and the
  // wait for a free connection included. Default 5 min. Here and below: no_timeout turns it off.
  template <class Rep, class Period>
  session_options& timeout(std::chrono::duration<Rep, Period> total) & noexcept {
    return set_timeout(timeout_kind::total, detail::saturated_ns(total));
  }
  template <class Rep, class Period>
  session_options&& timeout(std::chrono::duration<Rep, Period> total) && noexcept {
    return std::move(timeout(total));
  }
  // Waiting for one of the connections to be free. Off by default, as all that follow but
  // connect_timeout.
  template <class Rep, class Period>
  session_options& pool_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::pool, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& pool_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(pool_timeout(d));
  }
  // Opening a connection: resolving the name, TCP, a proxy and TLS together. Default 30 s.
  template <class Rep, class Period>
  session_options& connect_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::connect, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& connect_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(connect_timeout(d));
  }
  // Resolving the name alone.
  template <class Rep, class Period>
  session_options& resolve_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::resolve, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& resolve_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(resolve_timeout(d));
  }
  // A TLS handshake alone.
  template <class Rep, class Period>
  session_options& handshake_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::handshake, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& handshake_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(handshake_timeout(d));
  }
  // From the last byte of the request to the first one of the response.
  template <class Rep, class Period>
  session_options& first_byte_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::first_byte, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& first_byte_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(first_byte_timeout(d));
  }
  // Between two arrivals of bytes of the response.
  template <class Rep, class Period>
  session_options& read_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::read, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& read_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(read_timeout(d));
  }
  // Between two pieces of the request that the connection takes.
  template <class Rep, class Period>
  session_options& write_timeout(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_timeout(timeout_kind::write, detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& write_timeout(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(write_timeout(d));
  }

  // What relative references given to the verbs are resolved against (RFC 3986 §5.2): with
  // "http://host/api/", get("users?id=1") asks for "/api/users?id=1", and get("/x") for "/x".
  // Throws url_error for what is not an http or https URL.
  session_options& base_url(std::string_view base) &;
  session_options&& base_url(std::string_view base) && { return std::move(base_url(base)); }
  // Whether a request whose kept connection turned out to be dead is sent again: see session.
  // Default on.
  session_options& stale_retry(bool on) & noexcept;
  session_options&& stale_retry(bool on) && noexcept { return std::move(stale_retry(on)); }
  // When a request that was answered with 429 or 503 is sent again. Default: never.
  session_options& retry(const retry_policy& policy) & noexcept;
  session_options&& retry(const retry_policy& policy) && noexcept {
    return std::move(retry(policy));
  }
  // Is told of every step of every request: <eddy/net/http/trace.hpp>. Borrowed; outlives the
  // session, its requests and its responses.
  session_options& trace(trace_observer& watcher) & noexcept;
  session_options&& trace(trace_observer& watcher) && noexcept { return std::move(trace(watcher)); }

  // For how long the addresses of a name are kept where the answer does not say, and at most where
  // it does; 0: not at all. Default 10 s.
  template <class Rep, class Period>
  session_options& dns_ttl(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_dns_ttl(detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& dns_ttl(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(dns_ttl(d));
  }
  // How long one address of a name has for itself before the next one is tried beside it (RFC 8305
  // §5). Default 250 ms.
  template <class Rep, class Period>
  session_options& happy_eyeballs_delay(std::chrono::duration<Rep, Period> d) & noexcept {
    return set_happy_eyeballs(detail::saturated_ns(d));
  }
  template <class Rep, class Period>
  session_options&& happy_eyeballs_delay(std::chrono::duration<Rep, Period> d) && noexcept {
    return std::move(happy_eyeballs_delay(d));
  }

  // The jar for Set-Cookie and Cookie; the default is one of the session's own.
  session_options& cookies(const cookie_jar& jar) &;
  session_options&& cookies(const cookie_jar& jar) && { return std::move(cookies(jar)); }
  // Off: cookies are neither kept nor sent.
  session_options& cookies(bool on) &;
  session_options&& cookies(bool on) && { return std::move(cookies(on)); }
  session_options& cookies(const void* text) = delete;  // see cookie_jar::load()
  // Credentials for every request that brings none of its own; not for another origin that a
  // redirection leads to.
  session_options& auth(const http::auth& credentials) &;
  session_options&& auth(const http::auth& credentials) && { return std::move(auth(credentials)); }
  // Every connection goes through it. Default: none, whatever the environment says.
  session_options& proxy(const http::proxy& through) &;
  session_options&& proxy(const http::proxy& through) && { return std::move(proxy(through)); }
  // As http_proxy and its siblings say, read now.
  session_options& proxies_from_environment() &;
  session_options&& proxies_from_environment() && { return std::move(proxies_from_environment()); }
  // Every connection goes to this socket, whatever the URL's host, and through no proxy, whatever
  // the request says.
  session_options& unix_socket(std::string_view path) &;
  session_options&& unix_socket(std::string_view path) && { return std::move(unix_socket(path)); }

  // Redirections followed for one request; 0: none. Default 10.
  session_options& max_redirects(unsigned most) & noexcept;
  session_options&& max_redirects(unsigned most) && noexcept {
    return std::move(max_redirects(most));
  }
  // Whom to trust, instead of the system's certificates, and who we are. "http/1.1" is offered by
  // ALPN whatever its alpn() says.
  session_options& tls(const tls_context& trust) &;
  session_options&& tls(const tls_context& trust) && { return std::move(tls(trust)); }
  // Off: any server may claim to be any host. On by default; means nothing beside tls().
  session_options& verify(bool on) & noexcept;
  session_options&& verify(bool on) && noexcept { return std::move(verify(on)); }
  // Bounds on what servers may send.
  session_options& limits(const http::limits& bounds) & noexcept;
  session_options&& limits(const http::limits& bounds) && noexcept {
    return std::move(limits(bounds));
  }
  // The most that response::text() and bytes() collect, decoded. Default 64 MiB. read_some() is
  // bound by limits() only.
  session_options& max_body_bytes(std::size_t most) & noexcept;
  session_options&& max_body_bytes(std::size_t most) && noexcept {
    return std::move(max_body_bytes(most));
  }
  // A field of every request that does not bring its own of that name. Throws
  // http::invalid_request.
  session_options& header(std::string_view name, std::string_view value) &;
  session_options&& header(std::string_view name, std::string_view value) && {
    return std::move(header(name, value));
  }
  // Requests that do not bring a field of that name have none: neither the session's default nor
  // one that Eddy would add (Accept, Accept-Encoding, User-Agent). Host is always sent.
  session_options& without_header(std::string_view name) &;
  session_options&& without_header(std::string_view name) && {
    return std::move(without_header(name));
  }
  // The default header user-agent; "eddy/" and the version unless set; "" sends none.
  session_options& user_agent(std::string_view text) &;
  session_options&& user_agent(std::string_view text) && { return std::move(user_agent(text)); }

 private:
  friend class session;
  session_options& set_keep_alive(std::int64_t ns) & noexcept;
  session_options& set_timeout(timeout_kind kind, std::int64_t ns) & noexcept;
  session_options& set_dns_ttl(std::int64_t ns) & noexcept;
  session_options& set_happy_eyeballs(std::int64_t ns) & noexcept;

  session_settings* settings_;
};

// The state of a session's connection pool.
class pool_statistics {
 public:
  pool_statistics() noexcept {}

  std::size_t open = 0;     // connections, and those about to be opened
  std::size_t idle = 0;     // of these: free for the next request
  std::size_t in_use = 0;   // of these: the others
  std::size_t waiting = 0;  // requests in line
  std::size_t most_open = 0;
  std::uint64_t connects = 0;  // connections begun, so far
  std::uint64_t reuses = 0;    // responses that a kept connection brought; not those found dead
};

// The state of a session: its pool, and what it has done so far.
class session_statistics : public pool_statistics {
 public:
  session_statistics() noexcept {}

  std::uint64_t requests = 0;   // begun
  std::uint64_t responses = 0;  // returned to the caller, whatever their status
  std::uint64_t failures = 0;   // requests and bodies that ended with an error, or cancelled
  std::uint64_t redirects = 0;  // followed
  std::uint64_t retries = 0;    // sent again: on a new connection, or by a retry_policy
  std::uint64_t bytes_sent = 0;      // of requests, handed to their connections
  std::uint64_t bytes_received = 0;  // of responses, as they came off their connections
  std::size_t dns_names = 0;         // whose addresses are kept now
  std::uint64_t dns_hits = 0;        // names answered without a lookup of their own
  std::uint64_t dns_misses = 0;      // lookups
};

// Sends HTTP/1.1 requests (RFC 9110, RFC 9112) over a pool of kept connections. Make one and use it
// for all requests. Move-only; made and destroyed inside one `run`, on its thread. Destroying it
// closes the idle connections at once; requests and responses that are under way go on.
//
// Redirections are followed as browsers do (RFC 9110 §15.4): 303, and 301 or 302 after a POST, go
// on with GET; 307 and 308 keep method and body. Only to http and https, also from https to http;
// to another origin Authorization, Cookie and Proxy-Authorization are not sent along.
//
// A request is sent a second time, once, only if its connection had been idle in the pool, no byte
// of a response came, the method is idempotent (RFC 9110 §9.2.2) or nothing had been sent, and its
// body can be sent again: see session_options::stale_retry(), and retry() for what servers refuse.
//
//   task<std::string> fetch(std::string url) {
//     http::session session;
//     http::response answer = co_await session.get(url).timeout(10s);
//     co_return co_await answer.text();
//   }
class session {
 public:
  // Throws std::logic_error outside a loop.
  session();
  explicit session(session_options options);
  session(session&&) noexcept = default;
  session& operator=(session&& other) noexcept;
  ~session();

  // Each throws url_error for what is not an http or https URL, and for a relative reference where
  // there is no session_options::base_url().
  request_builder request(std::string_view method, std::string_view url);
  request_builder request(std::string_view method, url to);

  request_builder get(std::string_view url) { return request("GET", url); }
  request_builder get(url to) { return request("GET", std::move(to)); }
  request_builder post(std::string_view url) { return request("POST", url); }
  request_builder post(url to) { return request("POST", std::move(to)); }
  request_builder put(std::string_view url) { return request("PUT", url); }
  request_builder put(url to) { return request("PUT", std::move(to)); }
  request_builder patch(std::string_view url) { return request("PATCH", url); }
  request_builder patch(url to) { return request("PATCH", std::move(to)); }
  request_builder del(std::string_view url) { return request("DELETE", url); }
  request_builder del(url to) { return request("DELETE", std::move(to)); }
  request_builder head(std::string_view url) { return request("HEAD", url); }
  request_builder head(url to) { return request("HEAD", std::move(to)); }
  request_builder options(std::string_view url) { return request("OPTIONS", url); }
  request_builder options(url to) { return request("OPTIONS", std::move(to)); }

  // Closes every connection, also those in use, and returns when they are closed. Requests that are
  // under way or wait, and later ones, get http::error that says so. A second close does nothing.
  // Cancellation point; after it the rest is closed by the destructor. The task needs the session
  // no longer.
  task<> close();

  session_statistics statistics() const;

 private:
  void retire() noexcept;

  detail::http_session_ref state_;
};

}  // namespace http
}  // namespace eddy::inline v1
