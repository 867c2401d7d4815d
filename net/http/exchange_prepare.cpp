// What a request says: its fields and its head.
#include <array>
#include <eddy/net/http/error.hpp>

#include "content_decoder.hpp"
#include "exchange.hpp"
#include "grammar.hpp"
#include "quoted.hpp"
#include "session_state.hpp"
#include "url_views.hpp"
#include "writer.hpp"

namespace eddy::inline v1::http {

namespace {

// A request up to this size is sent before anything is read: the kernel takes it at once (send
// buffers begin at 16 KiB and more), so neither side can wait for the other to read. It also goes
// out in one system call.
constexpr std::size_t small_request_bytes = 16 * 1024;

// Fields that say how the connection is used, which is not the caller's to decide.
void check_own(std::string_view name) {
  constexpr std::array<std::string_view, 2> of_body = {"Content-Length", "Transfer-Encoding"};
  constexpr std::array<std::string_view, 5> of_connection = {
      "Upgrade", "Trailer", "Keep-Alive", "Proxy-Connection", "HTTP2-Settings"};
  for (const std::string_view reserved : of_body) {
    if (!grammar::equal_ignoring_case(name, reserved)) continue;
    throw invalid_request(std::string(reserved) + " follows from the body and cannot be set");
  }
  for (const std::string_view reserved : of_connection) {
    if (!grammar::equal_ignoring_case(name, reserved)) continue;
    throw invalid_request(std::string(reserved) +
                          " is about the connection, which is the session's, and cannot be set");
  }
}

// What may follow "http://" up to the path, but for user info.
void check_host(std::string_view value) {
  try {
    const url to = url::parse_http("http://" + std::string(value) + "/");
    if (to.user_info().empty() && to.path() == "/") return;
  } catch (const url_error&) {
  }
  throw invalid_request("Host " + quoted(value) + " is not a host and port");
}

// The elements of a list must be among these.
template <std::size_t N>
void check_list(const char* name, std::string_view list,
                const std::array<std::string_view, N>& allowed) {
  grammar::for_each_element(list, [&](std::string_view element) {
    for (const std::string_view one : allowed) {
      if (grammar::equal_ignoring_case(element, one)) return;
    }
    if (!element.empty()) {
      throw invalid_request(std::string(name) + " cannot say " + quoted(element));
    }
  });
}

// RFC 9110 §7.6.1: an option of Connection makes its field one of this connection only, so an
// intermediary would drop it. TE is such a field itself (§10.1.4); of what it can ask for we
// understand trailers.
void check_fields(headers& fields) {
  constexpr std::array<std::string_view, 3> options = {"close", "keep-alive", "TE"};
  constexpr std::array<std::string_view, 1> codings = {"trailers"};
  bool has_te = false;
  for (const auto& [name, value] : fields) {
    check_own(name);
    if (grammar::equal_ignoring_case(name, "Host")) check_host(value);
    if (grammar::equal_ignoring_case(name, "Connection")) check_list("Connection", value, options);
    if (grammar::equal_ignoring_case(name, "TE")) {
      check_list("TE", value, codings);
      has_te = true;
    }
  }
  if (has_te) fields.add("Connection", "TE");
}

// Whether nobody looks for one of them, adds a second one, refuses it or takes it out again: those
// are the fields about the body, the connection, and who asks whom.
bool are_usual(const headers& fields) {
  constexpr std::array<std::string_view, 14> unusual = {
      "Host",       "Transfer-Encoding", "Expect",        "Range",  "TE",
      "Connection", "Keep-Alive",        "Upgrade",       "Cookie", "Trailer",
      "HTTP2-Settings", "Proxy-Connection", "Authorization", "Proxy-Authorization"};
  constexpr std::string_view of_content = "Content-";
  for (const auto& [name, value] : fields) {
    if (grammar::equal_ignoring_case(name.substr(0, of_content.size()), of_content)) return false;
    for (const std::string_view one : unusual) {
      if (grammar::equal_ignoring_case(name, one)) return false;
    }
  }
  return true;
}

}  // namespace

void exchange::prepare() {
  if (method_ == "CONNECT") {
    throw invalid_request("CONNECT makes a tunnel, which this is no way to");
  }
  has_usual_fields_ = begin_with_usual_fields();
  prepare_body();
  if (!has_usual_fields_) {
    add_defaults();
    check_fields(fields_);
  }
  if (fields_.contains("Proxy-Authorization")) {
    throw invalid_request("Proxy-Authorization follows from proxy() and cannot be set");
  }
  has_cookie_field_ = fields_.contains("Cookie");
  has_authorization_ = fields_.contains("Authorization");
}

// Whether the session has lines for a request like this one, which says nothing of its own.
bool exchange::begin_with_usual_fields() {
  if (!fields_.empty() || bodies_ != 0 || (settings_ && !settings_->decompress)) return false;
  usual_fields& usual = session_->usual;
  if (usual.is == usual_fields::state::unknown) {
    add_defaults();
    usual.is = are_usual(fields_) ? usual_fields::state::good : usual_fields::state::unfit;
    append_field_lines(usual.lines, fields_);
    fields_.clear();
  }
  return usual.is == usual_fields::state::good;
}

void exchange::add_defaults() {
  const headers& unwanted = session_->settings.unwanted;
  const auto lacks = [&](std::string_view name) {
    return !fields_.contains(name) && !unwanted.contains(name);
  };
  for (const auto& [name, value] : session_->settings.fields) {
    if (lacks(name)) fields_.add(name, value);
  }
  if (lacks("Accept")) fields_.add("Accept", "*/*");
  if (settings_ && !settings_->decompress) return;
  // A range is one of the encoded content, which cannot be decoded from the middle.
  const std::string_view encodings = accepted_encodings();
  if (encodings != "identity" && lacks("Accept-Encoding") && !fields_.contains("Range")) {
    fields_.add("Accept-Encoding", encodings);
  }
}

// As it stands in the request line. A proxy that forwards wants the whole URL (RFC 9112 §3.2.2),
// and gets it without user info and fragment.
std::string exchange::target() const {
  if (!is_forwarded_) return url_.target();
  return std::string(url_.scheme()) + "://" + url_.authority() + url_.target();
}

void exchange::write_head() {
  if (!has_usual_fields_ && !fields_.contains("Host")) fields_.add("Host", authority_of(url_));
  announce_body();
  write_identity();
  head_.clear();
  const std::string absolute = is_forwarded_ ? target() : std::string();
  const std::string_view named = is_forwarded_ ? absolute : target_of(url_);
  if (has_usual_fields_) {
    const std::string& lines = session_->usual.lines;
    append_request_head(head_, method_, named, authority_of(url_), lines, fields_);
  } else {
    append_request_head(head_, method_, named, fields_);
  }
  body_rides_ = !source() && !expecting_ && head_.size() + body_.size() <= small_request_bytes;
  if (body_rides_) head_.append(body_);
}

}  // namespace eddy::inline v1::http
