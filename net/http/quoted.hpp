#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

inline constexpr std::size_t default_shown_bytes = 64;

// `bytes` as an error message may show them: printable ASCII as it is, every other byte as \xNN,
// and "..." after `shown` bytes, so that a peer can neither forge log lines nor flood them.
std::string escaped(std::string_view bytes, std::size_t shown = default_shown_bytes);

// The same between double quotes; a quote or backslash inside is escaped too.
std::string quoted(std::string_view bytes, std::size_t shown = default_shown_bytes);

// One byte as 0xNN.
std::string hex_byte(char byte);

}  // namespace eddy::inline v1::http
