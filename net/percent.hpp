#pragma once

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

// The byte that "%XX" at the start of `text` stands for, or -1 if there is none.
[[nodiscard]] int decode_triplet(std::string_view text) noexcept;
void append_triplet(std::string& out, char byte);

// Appends `text` so that it is valid in `where`: what may not stand there is encoded, byte by byte;
// encodings already made are kept, in upper case, those of unreserved characters decoded
// (§6.2.2.2); a '%' that begins no encoding becomes "%25". Requoting the result changes nothing.
void append_requoted(std::string& out, std::string_view text, component where);

}  // namespace eddy::inline v1::url_syntax
