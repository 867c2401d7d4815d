#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// U+FFFD, what stands for bytes that mean nothing.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

void append_code_point(std::string& out, std::uint32_t code_point);

// Appends what is well-formed UTF-8 (Unicode 15 §3.9, table 3-7) and U+FFFD for each maximal part
// of what is not, as browsers have it. Returns how many bytes were used: all, or all but the
// beginning of a sequence that more bytes may complete.
std::size_t append_valid_utf8(std::string& out, std::string_view bytes);

bool is_valid_utf8(std::string_view bytes) noexcept;

}  // namespace eddy::inline v1::http
