#pragma once

#include <string>
#include <string_view>

// Percent-encoding (RFC 3986 §2): which byte may stand for itself where.
namespace eddy::inline v1::url_syntax {

enum class component { user_info, reg_name, path, query, fragment };

[[nodiscard]] bool is_alpha(char byte) noexcept;
[[nodiscard]] bool is_digit(char byte) noexcept;
[[nodiscard]] bool is_unreserved(char byte) noexcept;  // §2.3
[[nodiscard]] bool is_control(char byte) noexcept;     // C0 and DEL
[[nodiscard]] char to_lower(char byte) noexcept;       // ASCII only, whatever the locale

// The byte that "%XX" at the start of `text` stands for, or -1 if there is none.
[[nodiscard]] int decode_triplet(std::string_view text) noexcept;
void append_triplet(std::string& out, char byte);

// Appends `text` so that it is valid in `where`: what may not stand there is encoded, byte by byte;
// encodings already made are kept, in upper case, those of unreserved characters decoded
// (§6.2.2.2); a '%' that begins no encoding becomes "%25". Requoting the result changes nothing.
void append_requoted(std::string& out, std::string_view text, component where);

}  // namespace eddy::inline v1::url_syntax
