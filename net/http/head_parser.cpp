#include "head_parser.hpp"

#include <string>
#include <utility>

#include <eddy/net/http/error.hpp>

#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int bad_request = 400;
constexpr int uri_too_long = 414;
constexpr int version_not_supported = 505;
constexpr int header_fields_too_large = 431;

// What most heads fit in, so that a head costs two allocations.
constexpr std::size_t expected_fields = 24;
constexpr std::size_t expected_field_bytes = 1024;

std::string in_section(std::string_view section) { return " in the " + std::string(section); }

}  // namespace

head_parser::head_parser(kind what, const limits& bounds)
    : kind_(what), bounds_(bounds), start_line_read_(what == kind::trailers) {}

std::string_view head_parser::section() const noexcept {
  switch (kind_) {
    case kind::response:
      return "response head";
    case kind::request:
      return "request head";
    case kind::trailers:
      break;
  }
  return "trailer section";
}

head_parser::progress head_parser::feed(std::string_view& input) {
  while (const auto line = lines_.next(input, next_line_bound())) {
    used_ += line->size() + 2;
    if (!start_line_read_) {
      start_line_read_ = true;
      start_line_ = *line;
      return progress::start_line;
    }
    if (line->empty()) return progress::complete;
    add_field(*line);
  }
  return progress::need_more;
}

headers head_parser::take_fields() noexcept { return std::exchange(fields_, headers()); }

void head_parser::reset() noexcept {
  lines_.clear();
  fields_.clear();
  start_line_ = {};
  used_ = 0;
  start_line_read_ = kind_ == kind::trailers;
}

line_bound head_parser::next_line_bound() const noexcept {
  if (kind_ == kind::trailers) {
    const std::size_t limit = bounds_.max_trailer_bytes();
    return {limit - used_, section(), "max_trailer_bytes", limit, header_fields_too_large};
  }
  const std::size_t limit = bounds_.max_head_bytes();
  const std::size_t start_limit = bounds_.max_start_line_bytes();
  if (!start_line_read_ && start_limit < limit) {
    const std::string_view line = kind_ == kind::request ? "request line" : "status line";
    return {start_limit, line, "max_start_line_bytes", start_limit, uri_too_long};
  }
  return {limit - used_, section(), "max_head_bytes", limit, header_fields_too_large};
}

void head_parser::add_field(std::string_view line) {
  if (fields_.size() >= bounds_.max_header_count()) {
    throw protocol_error(std::string(section()) + " has more fields than max_header_count (" +
                             std::to_string(bounds_.max_header_count()) + ")",
                         header_fields_too_large);
  }
  if (grammar::is_whitespace(line.front())) {
    throw protocol_error("folded line " + quoted(line) + in_section(section()));
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    throw protocol_error("line " + quoted(line) + " without a colon" + in_section(section()));
  }
  const std::string_view name = line.substr(0, colon);
  if (name.empty()) {
    throw protocol_error("line " + quoted(line) + " with an empty field name" +
                         in_section(section()));
  }
  if (grammar::is_whitespace(name.back())) {
    throw protocol_error("whitespace before the colon of field " + quoted(name) +
                         in_section(section()));
  }
  if (const auto bad = grammar::find_other(name, grammar::token); bad != std::string_view::npos) {
    throw protocol_error("field name " + quoted(name) + in_section(section()) + " holds " +
                         hex_byte(name[bad]) + ", which no token may");
  }
  const std::string_view value = grammar::trim_whitespace(line.substr(colon + 1));
  if (const auto bad = grammar::find_other(value, grammar::field_text);
      bad != std::string_view::npos) {
    throw protocol_error("value of field " + quoted(name) + in_section(section()) +
                         " holds the control byte " + hex_byte(value[bad]));
  }
  if (fields_.empty()) fields_.reserve(expected_fields, expected_field_bytes);
  fields_.append(name, value);
}

http_version parse_version(std::string_view text, std::string_view line) {
  if (text == "HTTP/1.1") return http_version::http_1_1;
  if (text == "HTTP/1.0") return http_version::http_1_0;
  const bool other_http = text.starts_with("HTTP/");
  throw protocol_error(
      "version " + quoted(text) + " in " + quoted(line) + " is neither HTTP/1.1 nor HTTP/1.0",
      other_http ? version_not_supported : bad_request);
}

}  // namespace eddy::inline v1::http
