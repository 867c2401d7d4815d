#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// Percent-encoding (RFC 3986 §2): which byte may stand for itself where.
namespace eddy::inline v1::url_syntax {

enum class component { user_info, reg_name, path, query, fragment };

[[nodiscard]] constexpr bool is_alpha(char byte) noexcept {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

[[nodiscard]] constexpr bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

// §2.3
[[nodiscard]] constexpr bool is_unreserved(char byte) noexcept {
  return is_alpha(byte) || is_digit(byte) || byte == '-' || byte == '.' || byte == '_' ||
         byte == '~';
}

// C0 and DEL.
[[nodiscard]] constexpr bool is_control(char byte) noexcept {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

// ASCII only, whatever the locale.
[[nodiscard]] constexpr char to_lower(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

// What a byte is, so that text can be searched for any of several with one look at each.
enum byte_class : std::uint16_t {
  stands_in_user_info = 1U << 0U,  // unescaped
  stands_in_reg_name = 1U << 1U,
  stands_in_path = 1U << 2U,
  stands_in_query = 1U << 3U,  // and in a fragment
  stands_in_dns_name = 1U << 4U,
  control = 1U << 5U,
  no_authority = 1U << 6U,    // a control or a backslash
  ends_scheme = 1U << 7U,     // : / ? #
  ends_authority = 1U << 8U,  // / ? #
  ends_path = 1U << 9U,       // ? #
};

consteval std::array<std::uint16_t, 256> table_of_classes() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned value = 0; value < table.size(); ++value) {
    const char byte = static_cast<char>(value);
    const auto one_of = [&](std::string_view set) {
      return set.find(byte) != std::string_view::npos;
    };
    const bool plain = is_unreserved(byte);
    const bool in_name = plain || one_of("!$&'()*+,;=");  // RFC 3986 §2.2: sub-delims
    unsigned classes = 0;
    if (in_name || one_of(":")) classes |= stands_in_user_info;
    if (in_name) classes |= stands_in_reg_name;
    if (in_name || one_of(":@/")) classes |= stands_in_path;
    if (in_name || one_of(":@/?")) classes |= stands_in_query;
    if (plain) classes |= stands_in_dns_name;
    if (is_control(byte)) classes |= control;
    if (is_control(byte) || one_of("\\")) classes |= no_authority;
    if (one_of(":/?#")) classes |= ends_scheme;
    if (one_of("/?#")) classes |= ends_authority;
    if (one_of("?#")) classes |= ends_path;
    table[value] = static_cast<std::uint16_t>(classes);
  }
  return table;
}

inline constexpr std::array<std::uint16_t, 256> classes_of_bytes = table_of_classes();

[[nodiscard]] constexpr bool is(char byte, byte_class wanted) noexcept {
  return (classes_of_bytes[static_cast<unsigned char>(byte)] & wanted) != 0;
}

// Where the first byte of the class stands, or the size.
[[nodiscard]] constexpr std::size_t find_first(std::string_view text, byte_class wanted) noexcept {
  std::size_t at = 0;
  while (at < text.size() && !is(text[at], wanted)) ++at;
  return at;
}

// How many bytes at the front are of the class.
[[nodiscard]] constexpr std::size_t count_first(std::string_view text, byte_class wanted) noexcept {
  std::size_t at = 0;
  while (at < text.size() && is(text[at], wanted)) ++at;
  return at;
}

// The byte that "%XX" at the start of `text` stands for, or -1 if there is none.
[[nodiscard]] int decode_triplet(std::string_view text) noexcept;
void append_triplet(std::string& out, char byte);

// Appends `text` so that it is valid in `where`: what may not stand there is encoded, byte by byte;
// encodings already made are kept, in upper case, those of unreserved characters decoded
// (§6.2.2.2); a '%' that begins no encoding becomes "%25". Requoting the result changes nothing.
void append_requoted(std::string& out, std::string_view text, component where);

}  // namespace eddy::inline v1::url_syntax
