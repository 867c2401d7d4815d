#include "cookie_text.hpp"

#include <algorithm>
#include <limits>

#include "../percent.hpp"
#include "cookie_date.hpp"
#include "grammar.hpp"

namespace eddy::inline v1::http {

namespace {

// Takes what stands before the next `separator`, or all, off the front.
std::string_view take_before(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::int64_t capped(std::int64_t expires, std::int64_t now) {
  return std::min(expires, now + max_cookie_lifetime_s);
}

// §5.2.2: nothing if it is to be ignored; 0 or less is the earliest time that there is.
std::optional<std::int64_t> expiry_of_max_age(std::string_view text, std::int64_t now) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), grammar::is_digit)) {
    return std::nullopt;
  }
  std::int64_t seconds = 0;
  for (const char digit : text) {
    seconds = std::min(seconds * 10 + (digit - '0'), max_cookie_lifetime_s);
  }
  if (negative || seconds == 0) return std::numeric_limits<std::int64_t>::min();
  return now + seconds;
}

same_site read_same_site(std::string_view text) {
  if (grammar::equal_ignoring_case(text, "none")) return same_site::none;
  if (grammar::equal_ignoring_case(text, "lax")) return same_site::lax;
  if (grammar::equal_ignoring_case(text, "strict")) return same_site::strict;
  return same_site::unset;
}

// The attributes; of those of one name the last counts, and Max-Age counts more than Expires.
class attribute_reader {
 public:
  attribute_reader(set_cookie& into, std::int64_t now) : into_(into), now_(now) {}

  void take(std::string_view name, std::string_view value) {
    const auto is = [name](std::string_view other) {
      return grammar::equal_ignoring_case(name, other);
    };
    if (is("expires")) {
      if (const auto date = parse_cookie_date(value)) expires_ = capped(*date, now_);
    } else if (is("max-age")) {
      if (const auto time = expiry_of_max_age(value, now_)) max_age_ = time;
    } else if (is("domain")) {
      into_.domain = value;
    } else if (is("path")) {
      into_.path = !value.empty() && value.front() == '/' ? value : std::string_view();
    } else if (is("secure")) {
      into_.secure = true;
    } else if (is("httponly")) {
      into_.http_only = true;
    } else if (is("samesite")) {
      into_.same_site = read_same_site(value);
    }
  }

  void finish() { into_.expires = max_age_ ? max_age_ : expires_; }

 private:
  set_cookie& into_;
  std::int64_t now_;
  std::optional<std::int64_t> expires_;
  std::optional<std::int64_t> max_age_;
};

}  // namespace

bool has_control_byte(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), url_syntax::is_control);
}

std::optional<set_cookie> parse_set_cookie(std::string_view field, std::int64_t now) noexcept {
  // A tab is white space where white space may be.
  const auto is_forbidden = [](char byte) { return byte != '\t' && url_syntax::is_control(byte); };
  if (std::any_of(field.begin(), field.end(), is_forbidden)) return std::nullopt;
  set_cookie found;
  std::string_view pair = take_before(field, ';');
  if (pair.find('=') == std::string_view::npos) return std::nullopt;
  found.name = grammar::trim_whitespace(take_before(pair, '='));
  found.value = grammar::trim_whitespace(pair);
  if (found.name.empty() || found.name.size() + found.value.size() > max_cookie_bytes) {
    return std::nullopt;
  }
  attribute_reader attributes(found, now);
  while (!field.empty()) {
    std::string_view attribute = take_before(field, ';');
    const std::string_view name = grammar::trim_whitespace(take_before(attribute, '='));
    const std::string_view value = grammar::trim_whitespace(attribute);
    if (value.size() <= max_cookie_attribute_bytes) attributes.take(name, value);
  }
  attributes.finish();
  if (has_control_byte(found.name) || has_control_byte(found.value) ||
      has_control_byte(found.path)) {
    return std::nullopt;
  }
  return found;
}

}  // namespace eddy::inline v1::http
