#include "framing.hpp"

#include <limits>
#include <optional>
#include <string>

#include <eddy/net/http/error.hpp>

#include "field_values.hpp"
#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int bad_request = 400;
constexpr int not_implemented = 501;
constexpr int switching_protocols = 101;
constexpr int no_content = 204;
constexpr int not_modified = 304;

constexpr std::string_view content_length = "Content-Length";
constexpr std::string_view transfer_encoding = "Transfer-Encoding";

// RFC 9110 §8.6: 1*DIGIT.
std::uint64_t parse_length(std::string_view text) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) throw protocol_error("Content-Length is empty");
  std::uint64_t length = 0;
  for (const char byte : text) {
    if (!grammar::is_digit(byte)) {
      throw protocol_error("Content-Length " + quoted(text) + " is not a number");
    }
    const auto digit = static_cast<std::uint64_t>(byte - '0');
    if (length > (most - digit) / 10) {
      throw protocol_error("Content-Length " + quoted(text) + " does not fit in 64 bits");
    }
    length = length * 10 + digit;
  }
  return length;
}

// Every Content-Length of the message, in lists and in repeated fields, must be the same text.
std::optional<std::uint64_t> declared_length(const headers& fields) {
  std::optional<std::uint64_t> length;
  std::string_view first;
  for (const std::string_view value : values_of(fields, content_length)) {
    grammar::for_each_element(value, [&](std::string_view element) {
      const std::uint64_t parsed = parse_length(element);
      if (length && element != first) {
        throw protocol_error("Content-Length is both " + quoted(first) + " and " + quoted(element));
      }
      length = parsed;
      first = element;
    });
  }
  return length;
}

// Whether the message is chunked. We offer no other transfer coding, so a peer has no right to one.
bool declared_chunked(const headers& fields) {
  bool chunked = false;
  for (const std::string_view value : values_of(fields, transfer_encoding)) {
    const auto refuse = [field = value](const char* what, int answer_status) {
      throw protocol_error(what + (" in Transfer-Encoding " + quoted(field)), answer_status);
    };
    grammar::for_each_element(value, [&](std::string_view coding) {
      const bool is_chunked = grammar::equal_ignoring_case(coding, "chunked");
      if (coding.empty()) refuse("empty coding", bad_request);
      if (chunked && is_chunked) refuse("second \"chunked\"", bad_request);
      if (chunked) refuse("coding after \"chunked\"", bad_request);
      if (!is_chunked) refuse("unsupported coding", not_implemented);
      chunked = true;
    });
  }
  return chunked;
}

// What the fields alone say; until_close stands for "nothing".
body_framing declared_framing(http_version version, const headers& fields) {
  const bool chunked = declared_chunked(fields);
  const auto length = declared_length(fields);
  if (chunked && version == http_version::http_1_0) {
    throw protocol_error("Transfer-Encoding in an HTTP/1.0 message");
  }
  if (chunked && length) {
    throw protocol_error("both Transfer-Encoding and Content-Length (" + std::to_string(*length) +
                         ")");
  }
  if (chunked) return {body_end::chunked, 0, false};
  if (length) return {body_end::sized, *length, false};
  return {body_end::until_close, 0, false};
}

}  // namespace

body_framing response_framing(std::string_view request_method, http_version version, int status,
                              const headers& fields) {
  const bool successful = status >= 200 && status <= 299;
  if (status == switching_protocols || (request_method == "CONNECT" && successful)) {
    return {body_end::tunnel, 0, false};
  }
  const body_framing declared = declared_framing(version, fields);
  // A length here describes the response that a GET would have had.
  if (request_method == "HEAD" || status == not_modified) return {};
  if (status < 200 || status == no_content) {
    const bool promises_body =
        declared.end == body_end::chunked || (declared.end == body_end::sized && declared.size > 0);
    return {body_end::none, 0, promises_body};
  }
  return declared;
}

body_framing request_framing(http_version version, const headers& fields) {
  const body_framing declared = declared_framing(version, fields);
  return declared.end == body_end::until_close ? body_framing{} : declared;
}

bool connection_persists(http_version version, const headers& fields) {
  bool close = false;
  bool keep_alive = false;
  for (const std::string_view value : values_of(fields, "Connection")) {
    grammar::for_each_element(value, [&](std::string_view option) {
      if (grammar::equal_ignoring_case(option, "close")) close = true;
      if (grammar::equal_ignoring_case(option, "keep-alive")) keep_alive = true;
    });
  }
  return !close && (version == http_version::http_1_1 || keep_alive);
}

}  // namespace eddy::inline v1::http
