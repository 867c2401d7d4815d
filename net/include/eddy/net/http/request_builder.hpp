// A request on its way to be sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/http/multipart.hpp>
#include <eddy/net/http/response.hpp>
#include <eddy/net/http/timeout.hpp>
#include <eddy/net/url.hpp>
#include <eddy/runtime/task.hpp>
#include <eddy/runtime/timer.hpp>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

namespace detail {

struct http_session;
void retain(http_session& session) noexcept;
void release(http_session& session) noexcept;

// A share of a session's state, for requests and responses that outlive the session.
class http_session_ref {
 public:
  explicit http_session_ref(http_session* adopted) noexcept : session_(adopted) {}
  http_session_ref(const http_session_ref& other) noexcept : session_(other.session_) {
    if (session_) retain(*session_);
  }
  http_session_ref(http_session_ref&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)) {}
  http_session_ref& operator=(http_session_ref other) noexcept {
    std::swap(session_, other.session_);
    return *this;
  }
  ~http_session_ref() {
    if (session_) release(*session_);
  }
  explicit operator bool() const noexcept { return session_ != nullptr; }
  http_session& operator*() const noexcept { return *session_; }
  http_session* operator->() const noexcept { return session_; }

 private:
  http_session* session_;
};

}  // namespace detail

namespace http {

class auth;
class proxy;
class retry_policy;
class json;
struct request_settings;

// What redirects() and session_options::max_redirects() are cut to.
inline constexpr unsigned most_redirects = 1000;

// Owns the task that it awaits.
class response_awaiter {
 public:
  explicit response_awaiter(task<response> sending) noexcept
      : sending_(std::move(sending)), inner_(sending_.frame()) {}
  response_awaiter(const response_awaiter&) = delete;
  response_awaiter& operator=(const response_awaiter&) = delete;

  bool await_ready() const { return inner_.await_ready(); }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> h,
      std::source_location at = std::source_location::current()) noexcept {
    return inner_.await_suspend(h, at);
  }
  response await_resume() { return inner_.await_resume(); }

 private:
  task<response> sending_;
  detail::task_awaiter<response> inner_;
};

// What session::get and its siblings return: a request with its options, sent when it is awaited.
// Move-only; may outlive the session. Setters can be chained, and throw what http::headers throws.
//
//   co_await session.post("http://example.com/log").header("content-type", "text/plain").body(line)
//   auto [a, b] = co_await gather(session.get(first).send(), session.get(second).send());
class [[nodiscard("a request is sent when it is awaited")]] request_builder {
 public:
  // For Eddy's own layers.
  request_builder(detail::http_session_ref session, std::string_view method, eddy::url to);
  request_builder(request_builder&& other) noexcept
      : session_(std::move(other.session_)),
        method_(std::move(other.method_)),
        url_(std::move(other.url_)),
        fields_(std::move(other.fields_)),
        body_(std::move(other.body_)),
        settings_(std::exchange(other.settings_, nullptr)),
        max_redirects_(other.max_redirects_),
        bodies_(other.bodies_) {}
  request_builder& operator=(request_builder&& other) noexcept;
  ~request_builder();

  // Adds a field; one of the session's defaults with this name is not sent then. The framing fields
  // (Content-Length, Transfer-Encoding) are Eddy's to write: http::invalid_request at the await.
  request_builder&& header(std::string_view name, std::string_view value) && {
    fields_.add(name, value);
    return std::move(*this);
  }
  // Appends name=value to the URL's query, with all but letters, digits and "-._~" encoded.
  // Throws url_error if the URL becomes too long.
  request_builder&& query(std::string_view name, std::string_view value) && {
    append_query(name, value);
    return std::move(*this);
  }

  // A request has one body. Those of two kinds, as body() and form(), are an http::invalid_request
  // at the await that names both; of one kind the last one counts. What json(), form() and
  // multipart() say of their Content-Type stands unless header() says it, or the redirection of a
  // POST drops the body.

  // The whole body. It is kept for redirections (307, 308) and a retry.
  request_builder&& body(std::string content) && noexcept {
    body_ = std::move(content);
    bodies_ |= memory_body;
    return std::move(*this);
  }
  // The file's bytes, read while they are sent: as many as it has when the request begins, and
  // http::error if it turns out shorter. Opened again for a redirection or a retry. A FIFO or a
  // device is sent in chunks to its end, and once only.
  request_builder&& body_file(std::string path) &&;
  // What the generator yields, each piece as a chunk that leaves when it is there; so yield pieces
  // of some KiB. The generator runs inside the await, no faster than the server takes its pieces.
  // What it throws fails the request. It cannot be replayed: a redirection that asks for the body
  // again is an http::error, and there is no retry once a piece was taken. HTTP/1.0 servers do not
  // know chunks and may answer 411.
  request_builder&& stream(generator<std::string> pieces) &&;
  // The same with a Content-Length: to yield more or less is an http::invalid_request.
  request_builder&& stream(generator<std::string> pieces, std::uint64_t size) &&;
  // A JSON text, sent as it is as application/json.
  request_builder&& json(std::string text) && noexcept {
    body_ = std::move(text);
    bodies_ |= json_body;
    return std::move(*this);
  }
  // A value, as its dump() has it; throws what that throws. Exactly an http::json: what only
  // converts to one is a text, above.
  template <class Value>
    requires std::is_same_v<Value, http::json>
  request_builder&& json(const Value& value) && {
    return std::move(set_json(value));
  }
  // Adds a field to a body of application/x-www-form-urlencoded.
  request_builder&& form(std::string_view name, std::string_view value) &&;
  // A form with files: <eddy/net/http/multipart.hpp>.
  request_builder&& multipart(http::multipart parts) &&;
  // Sends the head first, and the body when the server says 100 Continue, or nothing for a second;
  // for large bodies that may be refused. Nothing is sent of a body that another answer comes
  // before; after 417 the request is sent once more without asking. The same as a header "Expect:
  // 100-continue". Means nothing without a body.
  request_builder&& expect_continue() &&;

  // In place of the session's: see session_options.
  template <class Rep, class Period>
  request_builder&& timeout(std::chrono::duration<Rep, Period> total) && {
    return std::move(set_timeout(timeout_kind::total, detail::saturated_ns(total)));
  }
  template <class Rep, class Period>
  request_builder&& pool_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::pool, detail::saturated_ns(d)));
  }
  template <class Rep, class Period>
  request_builder&& resolve_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::resolve, detail::saturated_ns(d)));
  }
  template <class Rep, class Period>
  request_builder&& connect_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::connect, detail::saturated_ns(d)));
  }
  template <class Rep, class Period>
  request_builder&& handshake_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::handshake, detail::saturated_ns(d)));
  }
  template <class Rep, class Period>
  request_builder&& first_byte_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::first_byte, detail::saturated_ns(d)));
  }
  template <class Rep, class Period>
  request_builder&& read_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::read, detail::saturated_ns(d)));
  }
  template <class Rep, class Period>
  request_builder&& write_timeout(std::chrono::duration<Rep, Period> d) && {
    return std::move(set_timeout(timeout_kind::write, detail::saturated_ns(d)));
  }
  // How many redirections are followed at most; 0: none, the 3xx response is returned.
  request_builder&& redirects(unsigned most) && noexcept {
    max_redirects_ = static_cast<int>(most < most_redirects ? most : most_redirects);
    return std::move(*this);
  }

  // In place of the session's.
  request_builder&& retry(const retry_policy& policy) &&;
  // Off: content codings are neither asked for nor undone. Default on.
  request_builder&& decompress(bool on) &&;
  // In place of session_options::max_body_bytes.
  request_builder&& max_body_bytes(std::size_t most) &&;
  // One more cookie for this request and its redirections within the origin, beside those of the
  // jar, and before them.
  request_builder&& cookie(std::string_view name, std::string_view value) &&;
  // Off: this request neither sends nor keeps cookies of the session's jar.
  request_builder&& cookies(bool on) &&;
  request_builder&& cookies(const void* text) && = delete;  // see cookie()
  // In place of the session's. Never sent to another origin.
  request_builder&& auth(const http::auth& credentials) &&;
  // In place of the session's.
  request_builder&& proxy(const http::proxy& through) &&;

  // Sends it and returns when the response's head is there. Errors, all of which name method, URL
  // and step: std::system_error, resolve_error, tls_error, http::request_timeout and http::error.
  // Cancellation point: a cancelled exchange closes its connection and frees its place in the pool.
  response_awaiter operator co_await() && { return response_awaiter(std::move(*this).send()); }
  // The same as a task, for gather, spawn and with_timeout.
  task<response> send() &&;

 private:
  friend class exchange;
  static constexpr int as_session = -1;
  // In bodies_.
  static constexpr std::uint8_t memory_body = 1;
  static constexpr std::uint8_t file_body = 2;
  static constexpr std::uint8_t stream_body = 4;
  static constexpr std::uint8_t json_body = 8;
  static constexpr std::uint8_t form_body = 16;
  static constexpr std::uint8_t multipart_body = 32;

  request_builder& set_timeout(timeout_kind kind, std::int64_t ns);
  request_builder& set_json(const http::json& value);
  request_settings& settings();
  void append_query(std::string_view name, std::string_view value);

  detail::http_session_ref session_;
  std::string method_;
  eddy::url url_;
  headers fields_;
  std::string body_;
  request_settings* settings_ = nullptr;  // made by the first setter that needs it
  int max_redirects_ = as_session;
  std::uint8_t bodies_ = 0;  // which kinds were given
};

}  // namespace http
}  // namespace eddy::inline v1
