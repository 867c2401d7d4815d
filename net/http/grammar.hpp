#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// The character classes of HTTP and the few operations on text that both directions need. Pure
// functions.
namespace eddy::inline v1::http::grammar {

enum char_class : std::uint8_t {
  token = 1U << 0U,       // RFC 9110 §5.6.2: tchar
  field_text = 1U << 1U,  // RFC 9110 §5.5: field-vchar, SP, HTAB; also reason-phrase, RFC 9112 §4
  target = 1U << 2U,      // RFC 9112 §3.2: what a request-target may hold; no "#", no space
  authority = 1U << 3U,   // RFC 3986 §3.2.2: host and port; no userinfo
};

constexpr bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

constexpr char to_lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

constexpr bool is_letter(char byte) { return to_lower(byte) >= 'a' && to_lower(byte) <= 'z'; }

namespace detail {

consteval std::array<std::uint8_t, 256> class_table() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned value = 0; value < table.size(); ++value) {
    const char byte = static_cast<char>(value);
    const bool alphanumeric = value < 0x80 && (is_digit(byte) || is_letter(byte));
    const auto one_of = [&](std::string_view set) {
      return set.find(byte) != std::string_view::npos;
    };
    unsigned classes = 0;
    if (alphanumeric || one_of("!#$%&'*+-.^_`|~")) classes |= token;
    // obs-text, 0x80 and up, is opaque data that a field may carry.
    if (value == '\t' || (value >= 0x20 && value != 0x7F)) classes |= field_text;
    // Wider than RFC 3986 by what clients send unescaped in queries, such as "|" and "{".
    if (value > 0x20 && value < 0x7F && byte != '#') classes |= target;
    if (alphanumeric || one_of("-._~%!$&'()*+,;=:[]")) classes |= authority;
    table[value] = static_cast<std::uint8_t>(classes);
  }
  return table;
}

inline constexpr std::array<std::uint8_t, 256> classes = class_table();

}  // namespace detail

constexpr bool is(char byte, char_class wanted) {
  return (detail::classes[static_cast<unsigned char>(byte)] & wanted) != 0;
}

// Where the first byte outside the class stands, or npos.
constexpr std::size_t find_other(std::string_view text, char_class allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is(text[i], allowed)) return i;
  }
  return std::string_view::npos;
}

namespace detail {

// Whether one of the eight bytes is below 0x20, or 0x7F: a byte that is no field_text, or a tab.
constexpr bool may_hold_control(std::uint64_t bytes) {
  constexpr std::uint64_t each = 0x0101'0101'0101'0101;
  constexpr std::uint64_t highest = 0x80 * each;
  const std::uint64_t low = (bytes - 0x20 * each) & ~bytes;
  const std::uint64_t from_delete = bytes ^ (0x7F * each);
  const std::uint64_t deletes = (from_delete - each) & ~from_delete;
  return ((low | deletes) & highest) != 0;
}

inline std::uint64_t eight_bytes(const char* at) {
  std::uint64_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

}  // namespace detail

// find_other(text, field_text), which nearly always finds nothing: eight bytes at a time.
inline std::size_t find_not_field_text(std::string_view text) {
  constexpr std::size_t step = sizeof(std::uint64_t);
  if (text.size() < step) return find_other(text, field_text);
  const std::size_t last = text.size() - step;
  bool good = !detail::may_hold_control(detail::eight_bytes(text.data() + last));
  for (std::size_t at = 0; good && at < last; at += step) {
    good = !detail::may_hold_control(detail::eight_bytes(text.data() + at));
  }
  return good ? std::string_view::npos : find_other(text, field_text);
}

constexpr bool is_token(std::string_view text) {
  return !text.empty() && find_other(text, token) == std::string_view::npos;
}

// RFC 9110 §5.6.3: OWS and BWS.
constexpr bool is_whitespace(char byte) { return byte == ' ' || byte == '\t'; }

constexpr std::string_view trim_whitespace(std::string_view text) {
  while (!text.empty() && is_whitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back())) text.remove_suffix(1);
  return text;
}

// ASCII only: a locale has no say in a protocol.
constexpr bool equal_ignoring_case(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  if (left.empty()) return true;
  if (to_lower(left.front()) != to_lower(right.front())) return false;
  if (left == right) return true;  // nearly everyone writes a name in the same way
  for (std::size_t i = 1; i < left.size(); ++i) {
    if (to_lower(left[i]) != to_lower(right[i])) return false;
  }
  return true;
}

// Calls `visit` with each element of a comma-separated list (RFC 9110 §5.6.1), trimmed, empty ones
// included.
template <typename Visit>
constexpr void for_each_element(std::string_view list, Visit visit) {
  std::size_t comma = 0;
  while ((comma = list.find(',')) != std::string_view::npos) {
    visit(trim_whitespace(list.substr(0, comma)));
    list.remove_prefix(comma + 1);
  }
  visit(trim_whitespace(list));
}

// RFC 5234 HEXDIG: its value, or -1.
constexpr int hex_value(char byte) {
  if (is_digit(byte)) return byte - '0';
  const char lower = to_lower(byte);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace eddy::inline v1::http::grammar
