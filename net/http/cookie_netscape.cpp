#include "cookie_netscape.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <eddy/net/http/cookies.hpp>

#include "cookie_rules.hpp"
#include "cookie_store.hpp"
#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

// The first line is what wget and Python know the format by.
constexpr std::string_view first_lines = "# Netscape HTTP Cookie File\n\n";
constexpr std::string_view http_only_mark = "#HttpOnly_";
// domain, whether for names below it, path, whether secure, expiry, name, value
constexpr std::size_t field_count = 7;
using line_fields = std::array<std::string_view, field_count>;

void append(std::string& out, const cookie& c) {
  if (c.http_only) out += http_only_mark;
  if (!c.host_only) out += '.';
  out.append(c.domain).append(c.host_only ? "\tFALSE\t" : "\tTRUE\t").append(c.path);
  out.append(c.secure ? "\tTRUE\t" : "\tFALSE\t").append(std::to_string(c.expires.value_or(0)));
  out.append(1, '\t').append(c.name).append(1, '\t').append(c.value).append(1, '\n');
}

// How many there are.
std::size_t split(std::string_view line, line_fields& out) {
  std::size_t count = 0;
  for (;;) {
    const std::size_t end = std::min(line.find('\t'), line.size());
    if (count < field_count) out[count] = line.substr(0, end);
    ++count;
    if (end == line.size()) return count;
    line.remove_prefix(end + 1);
  }
}

// Which of the two, else "why not".
std::string read_flag(std::string_view what, std::string_view text, bool& flag) {
  flag = grammar::equal_ignoring_case(text, "TRUE");
  if (flag || grammar::equal_ignoring_case(text, "FALSE")) return {};
  return std::string(what) + " is " + quoted(text) + ", not TRUE or FALSE";
}

std::string read_expiry(std::string_view text, cookie& c) {
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || stop != end || seconds < 0) {
    return "the expiry " + quoted(text) + " is no number of seconds";
  }
  if (seconds != 0) c.expires = seconds;
  return {};
}

// A cookie, or why it is none.
std::string read_line(std::string_view line, cookie& c) {
  if (line.size() > max_cookie_line_bytes) {
    return std::to_string(line.size()) + " bytes, the limit is " +
           std::to_string(max_cookie_line_bytes);
  }
  c.http_only = line.starts_with(http_only_mark);
  if (c.http_only) line.remove_prefix(http_only_mark.size());
  line_fields fields;
  const std::size_t count = split(line, fields);
  // Some writers leave the last tab out with an empty value.
  if (count != field_count && count != field_count - 1) {
    return std::to_string(count) + " fields, not " + std::to_string(field_count);
  }
  std::string_view domain = fields[0];
  if (domain.starts_with('.')) domain.remove_prefix(1);
  c.domain = domain;
  bool below = false;
  std::string fault = read_flag("the second field", fields[1], below);
  if (fault.empty()) fault = read_flag("the fourth field", fields[3], c.secure);
  if (fault.empty()) fault = read_expiry(fields[4], c);
  if (!fault.empty()) return fault;
  c.host_only = !below || is_address_like(domain);
  c.path = fields[2];
  c.name = fields[5];
  c.value = fields[6];
  return {};
}

bool is_comment(std::string_view line) {
  if (line.starts_with(http_only_mark)) return false;
  return line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#';
}

void load_line(cookie_store& into, std::string_view line, std::size_t number, std::int64_t now,
               cookie_load_result& result) {
  cookie c;
  std::string fault = read_line(line, c);
  const bool expired = c.expires && *c.expires <= now;
  if (fault.empty()) fault = into.try_set(std::move(c), now);
  if (fault.empty()) {
    ++(expired ? result.expired : result.loaded);
    return;
  }
  ++result.refused;
  if (result.problems.size() < max_cookie_problems) {
    result.problems.push_back("line " + std::to_string(number) + ": " + fault);
  }
}

}  // namespace

std::string write_netscape(const cookie_store& from, std::int64_t now) {
  std::string out(first_lines);
  for (const cookie& c : from.all(now)) append(out, c);
  return out;
}

cookie_load_result read_netscape(cookie_store& into, std::string_view text, std::int64_t now) {
  cookie_load_result result;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_comment(line)) load_line(into, line, number, now, result);
  }
  return result;
}

}  // namespace eddy::inline v1::http
