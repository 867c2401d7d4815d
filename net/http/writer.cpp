#include "writer.hpp"

#include <array>
#include <charconv>

#include <eddy/net/http/error.hpp>

#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr int no_content = 204;

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append(line_end);
}

void append_fields(std::string& out, const headers& fields) {
  append_field_lines(out, fields);
  out.append(line_end);
}

void check_length(std::string_view value) {
  bool number = !value.empty();
  for (const char byte : value) number = number && grammar::is_digit(byte);
  if (!number) throw invalid_request("Content-Length " + quoted(value) + " is not a number");
}

// The same strictness that our framing demands of peers. Answers whether the fields announce a
// body.
bool check_framing_fields(const headers& fields) {
  std::size_t lengths = 0;
  std::size_t codings = 0;
  bool announces_body = false;
  for (const auto& [name, value] : fields) {
    if (grammar::equal_ignoring_case(name, "Content-Length")) {
      check_length(value);
      ++lengths;
      announces_body = true;
    } else if (grammar::equal_ignoring_case(name, "Transfer-Encoding")) {
      if (!grammar::equal_ignoring_case(value, "chunked")) {
        throw invalid_request("Transfer-Encoding " + quoted(value) + " is not \"chunked\"");
      }
      ++codings;
      announces_body = true;
    }
  }
  if (lengths > 0 && codings > 0) {
    throw invalid_request("both Content-Length and Transfer-Encoding in one message");
  }
  if (lengths > 1 || codings > 1) {
    throw invalid_request(lengths > 1 ? "more than one Content-Length"
                                      : "more than one Transfer-Encoding");
  }
  return announces_body;
}

std::string_view only_host(const headers& fields) {
  std::size_t hosts = 0;
  std::string_view host;
  for (const auto& [name, value] : fields) {
    if (!grammar::equal_ignoring_case(name, "Host")) continue;
    ++hosts;
    host = value;
  }
  if (hosts != 1) {
    throw invalid_request("request has " + std::to_string(hosts) + " Host headers instead of one");
  }
  return host;
}

// What stands in the first two lines.
void check_request_line(std::string_view method, std::string_view target, std::string_view host) {
  if (!grammar::is_token(method)) {
    throw invalid_request("method " + quoted(method) + " is not a token");
  }
  if (target.empty()) throw invalid_request("request target is empty");
  if (const auto bad = grammar::find_other(target, grammar::target);
      bad != std::string_view::npos) {
    throw invalid_request("request target " + quoted(target) + " holds " + hex_byte(target[bad]));
  }
  if (grammar::find_other(host, grammar::authority) != std::string_view::npos) {
    throw invalid_request("Host " + quoted(host) + " is not a host and port");
  }
}

void append_request_lines(std::string& out, std::string_view method, std::string_view target,
                          std::string_view host) {
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
  out.append(host).append(line_end);
}

bool belongs_in_head(std::string_view name) {
  constexpr std::array<std::string_view, 12> head_only = {
      "Content-Length", "Transfer-Encoding", "Host",       "Trailer",
      "Connection",     "Content-Encoding",  "TE",         "Upgrade",
      "Content-Type",   "Content-Range",     "Set-Cookie", "Authorization",
  };
  for (const std::string_view reserved : head_only) {
    if (grammar::equal_ignoring_case(name, reserved)) return true;
  }
  return false;
}

}  // namespace

void append_request_head(std::string& out, std::string_view method, std::string_view target,
                         const headers& fields) {
  const std::string_view host = only_host(fields);
  check_request_line(method, target, host);
  check_framing_fields(fields);

  append_request_lines(out, method, target, host);
  for (const auto& [name, value] : fields) {
    if (!grammar::equal_ignoring_case(name, "Host")) append_field(out, name, value);
  }
  out.append(line_end);
}

void append_request_head(std::string& out, std::string_view method, std::string_view target,
                         std::string_view host, std::string_view lines, const headers& fields) {
  check_request_line(method, target, host);
  check_framing_fields(fields);
  if (fields.contains("Host")) throw invalid_request("request has a second Host header");

  append_request_lines(out, method, target, host);
  out.append(lines);
  append_fields(out, fields);
}

void append_field_lines(std::string& out, const headers& fields) {
  for (const auto& [name, value] : fields) append_field(out, name, value);
}

void append_response_head(std::string& out, int status, std::string_view reason,
                          const headers& fields) {
  if (status < 100 || status > 999) {
    throw invalid_request("status " + std::to_string(status) + " is not from 100 to 999");
  }
  if (reason.empty()) reason = reason_phrase(status);
  if (const auto bad = grammar::find_other(reason, grammar::field_text);
      bad != std::string_view::npos) {
    throw invalid_request("reason " + quoted(reason) + " holds the control byte " +
                          hex_byte(reason[bad]));
  }
  const bool announces_body = check_framing_fields(fields);
  if (announces_body && (status < 200 || status == no_content)) {
    throw invalid_request("response " + std::to_string(status) + " must not announce a body");
  }
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason);
  out.append(line_end);
  append_fields(out, fields);
}

void append_chunk_prefix(std::string& out, std::uint64_t size) {
  if (size == 0) throw invalid_request("a chunk of 0 bytes would end the body");
  constexpr int hexadecimal = 16;
  std::array<char, hexadecimal> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, hexadecimal);
  out.append(digits.data(), end.ptr).append(line_end);
}

void append_last_chunk(std::string& out, const headers& trailers) {
  for (const auto& [name, value] : trailers) {
    if (belongs_in_head(name)) {
      throw invalid_request("header " + quoted(name) + " must not be sent as a trailer");
    }
  }
  out.append("0\r\n");
  append_fields(out, trailers);
}

}  // namespace eddy::inline v1::http
