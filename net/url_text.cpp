#include "url_text.hpp"

#include <algorithm>

#include "../runtime/quoted.hpp"
#include "eddy/net/url.hpp"
#include "percent.hpp"

namespace eddy::inline v1::url_syntax {

namespace {

// Enough to recognise a URL in a log, short enough for a line of it.
constexpr std::size_t max_quoted_bytes = 120;

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_alpha(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

// What messages show of user info.
constexpr std::string_view hidden_mark = "***";

struct range {
  std::size_t begin = 0;
  std::size_t end = 0;

  bool holds(std::size_t at) const noexcept { return begin <= at && at < end; }
};

// Where the user info is, if there is some. A password with a bare "/", "?" or "#" ends up outside
// the authority, so that with a ':' in that, everything before the last '@' may be one.
range secret_of(std::string_view text) noexcept {
  range out;
  const std::size_t colon = text.find_first_of(":/?#");
  const bool has_scheme =
      colon != text.npos && text[colon] == ':' && is_scheme(text.substr(0, colon));
  if (has_scheme) out.begin = colon + 1;
  const bool has_authority = text.substr(out.begin).starts_with("//");
  if (has_authority) out.begin += 2;
  const std::string_view rest = text.substr(out.begin);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  std::size_t at = authority.rfind('@');
  if (at == rest.npos && authority.find(':') != rest.npos) at = rest.rfind('@');
  out.end = at == rest.npos ? out.begin : out.begin + at;
  return out;
}

// Takes what stands before the first of `stops` off the front of `text`.
std::string_view take_until(std::string_view& text, byte_class stops) noexcept {
  const std::string_view taken = text.substr(0, find_first(text, stops));
  text.remove_prefix(taken.size());
  return taken;
}

}  // namespace

std::string quoted(std::string_view text) { return detail::quoted(text, max_quoted_bytes); }

std::string described(char byte) {
  if (byte == ' ') return "a space";
  if (byte == '\\') return "a backslash";
  if (byte > 0x20 && byte < 0x7f) return std::string("'") + byte + "'";
  std::string out = is_control(byte) ? "a control byte 0x" : "a byte 0x";
  detail::append_hex(out, byte);
  return out;
}

std::string quoted_url(std::string_view text) {
  const range secret = secret_of(text);
  if (secret.begin == secret.end) return quoted(text);
  std::string shown(text.substr(0, secret.begin));
  return quoted(shown.append(hidden_mark).append(text.substr(secret.end)));
}

void source::fail(std::string_view problem) const {
  throw url_error("URL " + quoted_url(text_) + ": " + std::string(problem));
}

void source::fail_at(std::string_view where, std::string_view problem) const {
  const range secret = secret_of(text_);
  auto offset = static_cast<std::size_t>(where.data() - text_.data());
  if (secret.holds(offset)) fail(problem);
  if (offset >= secret.end && secret.begin < secret.end) {
    offset -= secret.end - secret.begin - hidden_mark.size();
  }
  fail(std::string(problem) + " at offset " + std::to_string(offset));
}

std::string source::quoted_piece(std::string_view piece) const {
  const auto offset = static_cast<std::size_t>(piece.data() - text_.data());
  return secret_of(text_).holds(offset) ? std::string(hidden_mark) : quoted(piece);
}

void source::check_length(std::size_t length) const {
  if (length <= max_url_length) return;
  fail("is " + std::to_string(length) + " bytes long, over the limit of " +
       std::to_string(max_url_length));
}

std::string_view without_surrounding_space(std::string_view text) noexcept {
  constexpr std::string_view space = " \t\n\v\f\r";
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

std::string_view cleaned_href(std::string_view text, std::string& room) {
  const auto stripped = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && stripped(text.front())) text.remove_prefix(1);
  while (!text.empty() && stripped(text.back())) text.remove_suffix(1);
  if (find_first(text, control) == text.size()) return text;
  room = text;
  std::erase_if(room, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return room;
}

reference split(std::string_view text) noexcept {
  reference out;
  const std::size_t colon = find_first(text, ends_scheme);
  if (colon < text.size() && text[colon] == ':' && is_scheme(text.substr(0, colon))) {
    out.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    out.has_authority = true;
    text.remove_prefix(2);
    out.authority = take_until(text, ends_authority);
  }
  out.path = take_until(text, ends_path);
  if (text.starts_with('?')) {
    out.has_query = true;
    text.remove_prefix(1);
    out.query = text.substr(0, text.find('#'));
    text.remove_prefix(out.query.size());
  }
  if (text.starts_with('#')) {
    out.has_fragment = true;
    out.fragment = text.substr(1);
  }
  return out;
}

void remove_dot_segments(std::string& text, std::size_t begin) {
  std::size_t dot = text.find('.', begin);
  while (dot != std::string::npos && text[dot - 1] != '/') dot = text.find('.', dot + 1);
  if (dot == std::string::npos) return;
  std::size_t write = begin;
  for (std::size_t read = begin; read < text.size();) {  // text[read] is the '/' before a segment
    const std::size_t end = std::min(text.find('/', read + 1), text.size());
    const bool last = end == text.size();
    const auto segment = std::string_view(text).substr(read + 1, end - read - 1);
    if (segment == "." || segment == "..") {
      // Each step back undoes a step forward: linear over all, however long the path.
      if (segment == ".." && write > begin) write = text.rfind('/', write - 1);
      if (last) text[write++] = '/';
    } else {
      std::copy(text.begin() + static_cast<std::ptrdiff_t>(read),
                text.begin() + static_cast<std::ptrdiff_t>(end),
                text.begin() + static_cast<std::ptrdiff_t>(write));
      write += end - read;
    }
    read = end;
  }
  text.resize(write);
}

}  // namespace eddy::inline v1::url_syntax
