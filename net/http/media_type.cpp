#include "media_type.hpp"

#include <algorithm>
#include <utility>

#include "grammar.hpp"

namespace eddy::inline v1::http {

namespace {

// RFC 9110 §5.6.4. `text` begins behind the opening quote, and afterwards behind the closing one.
std::string take_quoted(std::string_view& text) {
  std::string value;
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    value.push_back(text.front());
    text.remove_prefix(1);
  }
  if (!text.empty()) text.remove_prefix(1);
  return value;
}

// The text before `end`, which is removed too.
std::string_view take_until(std::string_view& text, std::string_view end) {
  const std::size_t size = std::min(text.find_first_of(end), text.size());
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return grammar::trim_whitespace(taken);
}

}  // namespace

media_type parse_media_type(std::string_view content_type) {
  media_type type;
  std::string_view rest = content_type;
  for (const char byte : take_until(rest, ";")) type.essence.push_back(grammar::to_lower(byte));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view name = take_until(rest, "=;");
    if (rest.empty() || rest.front() == ';') continue;
    rest.remove_prefix(1);
    while (!rest.empty() && grammar::is_whitespace(rest.front())) rest.remove_prefix(1);
    std::string value;
    if (!rest.empty() && rest.front() == '"') {
      rest.remove_prefix(1);
      value = take_quoted(rest);
      take_until(rest, ";");
    } else {
      value = take_until(rest, ";");
    }
    if (!type.charset && grammar::equal_ignoring_case(name, "charset")) {
      type.charset = std::move(value);
    }
  }
  return type;
}

}  // namespace eddy::inline v1::http
