#include <eddy/net/http/error.hpp>
#include <eddy/net/http/json.hpp>
#include <eddy/net/http/request_builder.hpp>

#include "../percent.hpp"
#include "exchange.hpp"
#include "form.hpp"
#include "grammar.hpp"
#include "multipart_parts.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

void append_encoded(std::string& out, std::string_view text) {
  for (const char byte : text) {
    if (url_syntax::is_unreserved(byte)) {
      out += byte;
    } else {
      url_syntax::append_triplet(out, byte);
    }
  }
}

// RFC 6265 §4.1.1: what a server may set.
bool is_cookie_octet(char byte) {
  return byte > ' ' && byte < 0x7f && byte != '"' && byte != ',' && byte != ';' && byte != '\\';
}

void check_cookie(std::string_view name, std::string_view value) {
  if (!grammar::is_token(name)) {
    throw invalid_request("cookie name " + quoted(name) + " is not a token");
  }
  for (const char byte : value) {
    if (is_cookie_octet(byte)) continue;
    throw invalid_request("the value of cookie " + quoted(name) + " holds " + hex_byte(byte));
  }
}

}  // namespace

body_source::~body_source() = default;

request_builder::request_builder(detail::http_session_ref session, std::string_view method,
                                 eddy::url to)
    : session_(std::move(session)), method_(method), url_(std::move(to)) {}

request_builder& request_builder::operator=(request_builder&& other) noexcept {
  session_ = std::move(other.session_);
  method_ = std::move(other.method_);
  url_ = std::move(other.url_);
  fields_ = std::move(other.fields_);
  body_ = std::move(other.body_);
  std::swap(settings_, other.settings_);
  max_redirects_ = other.max_redirects_;
  bodies_ = other.bodies_;
  return *this;
}

request_builder::~request_builder() { delete settings_; }

request_settings& request_builder::settings() {
  if (!settings_) settings_ = new request_settings();
  return *settings_;
}

request_builder&& request_builder::body_file(std::string path) && {
  settings().source = make_file_source(std::move(path));
  bodies_ |= file_body;
  return std::move(*this);
}

request_builder&& request_builder::stream(generator<std::string> pieces) && {
  return std::move(*this).stream(std::move(pieces), body_source::unknown_size);
}

request_builder&& request_builder::stream(generator<std::string> pieces, std::uint64_t size) && {
  settings().source = make_generator_source(std::move(pieces), size);
  bodies_ |= stream_body;
  return std::move(*this);
}

request_builder& request_builder::set_json(const http::json& value) {
  body_ = value.dump();
  bodies_ |= json_body;
  return *this;
}

request_builder&& request_builder::form(std::string_view name, std::string_view value) && {
  append_form_field(body_, name, value);
  bodies_ |= form_body;
  return std::move(*this);
}

request_builder&& request_builder::multipart(http::multipart parts) && {
  parts.parts();  // not one that was moved from
  std::unique_ptr<multipart_parts> owned(std::exchange(parts.parts_, nullptr));
  settings().source = make_multipart_source(std::move(owned));
  bodies_ |= multipart_body;
  return std::move(*this);
}

request_builder&& request_builder::expect_continue() && {
  settings().expect_continue = true;
  return std::move(*this);
}

request_builder& request_builder::set_timeout(timeout_kind kind, std::int64_t ns) {
  request_settings& s = settings();
  s.times[kind] = ns;
  s.times_set[static_cast<std::size_t>(kind)] = true;
  return *this;
}

void request_builder::append_query(std::string_view name, std::string_view value) {
  const std::string& old = url_.text();
  const std::size_t fragment = old.size() - (url_.has_fragment() ? url_.fragment().size() + 1 : 0);
  std::string text = old.substr(0, fragment);
  if (!url_.has_query()) {
    text += '?';
  } else if (!url_.query().empty()) {
    text += '&';
  }
  append_encoded(text, name);
  text += '=';
  append_encoded(text, value);
  text.append(old, fragment);
  url_ = eddy::url::parse(text);
}

request_builder&& request_builder::retry(const retry_policy& policy) && {
  settings().retries = policy;
  return std::move(*this);
}

request_builder&& request_builder::decompress(bool on) && {
  settings().decompress = on;
  return std::move(*this);
}

request_builder&& request_builder::max_body_bytes(std::size_t most) && {
  settings().max_body_bytes = most;
  return std::move(*this);
}

request_builder&& request_builder::cookie(std::string_view name, std::string_view value) && {
  check_cookie(name, value);
  std::string& field = settings().cookies;
  if (!field.empty()) field.append("; ");
  field.append(name).append("=").append(value);
  return std::move(*this);
}

request_builder&& request_builder::cookies(bool on) && {
  settings().uses_jar = on;
  return std::move(*this);
}

request_builder&& request_builder::auth(const http::auth& credentials) && {
  settings().credentials = credentials;
  return std::move(*this);
}

request_builder&& request_builder::proxy(const http::proxy& through) && {
  settings().proxy = through;
  return std::move(*this);
}

task<response> request_builder::send() && {
  if (!session_) throw std::logic_error("an empty http::request_builder was sent: a second time?");
  return exchange::perform(std::move(*this));
}

}  // namespace eddy::inline v1::http
