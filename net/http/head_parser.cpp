#include "head_parser.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <eddy/net/http/error.hpp>

#include "field_line.hpp"
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
  for (;;) {
    if (start_line_read_) take_usual_fields(input);
    std::optional<std::string_view> line = lines_.next_whole(input, line_room());
    if (!line) line = lines_.next(input, next_line_bound());
    if (!line) return progress::need_more;
    used_ += line->size() + 2;
    if (!start_line_read_) {
      start_line_read_ = true;
      start_line_ = *line;
      return progress::start_line;
    }
    if (line->empty()) return progress::complete;
    add_field(*line);
  }
}

// The lines at the front of `input` that are as nearly all are: each read once, and all kept by one
// copy. What is left begins with the empty line, with an unfinished one, or with one that has to be
// looked at more closely.
void head_parser::take_usual_fields(std::string_view& input) {
  if (lines_.is_amid_line()) return;
  const std::size_t room = line_room();
  std::array<field_cut, expected_fields> cuts;
  const std::size_t most = std::min(cuts.size(), bounds_.max_header_count() - fields_.size());
  std::size_t count = 0;
  std::size_t read = 0;
  for (; count < most; ++count) {
    if (!cut_field_line(input, read, cuts[count]) || cuts[count].next > room) break;
    read = cuts[count].next;
  }
  if (count == 0) return;
  if (fields_.empty()) fields_.reserve(expected_fields, expected_field_bytes);
  fields_.append_lines(input.substr(0, read), {cuts.data(), count});
  input.remove_prefix(read);
  used_ += read;
}

void head_parser::take_fields(headers& into) noexcept {
  into.clear();
  into.swap(fields_);
}

void head_parser::reset(headers&& room) noexcept {
  lines_.clear();
  fields_.clear();
  if (room.capacity_bytes() > 0) fields_.swap(room);
  start_line_ = {};
  used_ = 0;
  start_line_read_ = kind_ == kind::trailers;
}

// How long the next line may be.
std::size_t head_parser::line_room() const noexcept {
  if (kind_ == kind::trailers) return bounds_.max_trailer_bytes() - used_;
  if (start_line_read_) return bounds_.max_head_bytes() - used_;
  return std::min(bounds_.max_start_line_bytes(), bounds_.max_head_bytes());
}

line_bound head_parser::next_line_bound() const noexcept {
  const std::size_t room = line_room();
  if (kind_ == kind::trailers) {
    const std::size_t limit = bounds_.max_trailer_bytes();
    return {room, section(), "max_trailer_bytes", limit, header_fields_too_large};
  }
  const std::size_t limit = bounds_.max_head_bytes();
  const std::size_t start_limit = bounds_.max_start_line_bytes();
  if (!start_line_read_ && start_limit < limit) {
    const std::string_view line = kind_ == kind::request ? "request line" : "status line";
    return {room, line, "max_start_line_bytes", start_limit, uri_too_long};
  }
  return {room, section(), "max_head_bytes", limit, header_fields_too_large};
}

void head_parser::add_field(std::string_view line) {
  if (fields_.size() >= bounds_.max_header_count()) {
    throw protocol_error(std::string(section()) + " has more fields than max_header_count (" +
                             std::to_string(bounds_.max_header_count()) + ")",
                         header_fields_too_large);
  }
  // A token up to the first byte that is none, which must be the colon.
  const std::size_t colon = grammar::find_other(line, grammar::token);
  if (colon == 0 || colon == std::string_view::npos || line[colon] != ':') refuse_name(line);
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = grammar::trim_whitespace(line.substr(colon + 1));
  const std::size_t bad = grammar::find_not_field_text(value);
  if (bad != std::string_view::npos) refuse_value(name, value[bad]);
  if (fields_.empty()) fields_.reserve(expected_fields, expected_field_bytes);
  fields_.append(name, value);
}

// Of a line that does not begin with a token and a colon: says what stands there instead.
void head_parser::refuse_name(std::string_view line) const {
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
  const char bad = name[grammar::find_other(name, grammar::token)];
  throw protocol_error("field name " + quoted(name) + in_section(section()) + " holds " +
                       hex_byte(bad) + ", which no token may");
}

void head_parser::refuse_value(std::string_view name, char bad) const {
  throw protocol_error("value of field " + quoted(name) + in_section(section()) +
                       " holds the control byte " + hex_byte(bad));
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
