// Foreign bytes in error messages: neither forged log lines nor floods of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::inline v1::detail {

// Two digits.
inline void append_hex(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out.push_back(digits[value >> 4U]);
  out.push_back(digits[value & 0x0FU]);
}

// Printable ASCII as it is, every other byte as \xNN, and "..." after `shown` bytes.
inline void append_escaped(std::string& out, std::string_view bytes, std::size_t shown,
                           bool in_quotes) {
  for (const char byte : bytes.substr(0, shown)) {
    if (byte < ' ' || byte > '~') {
      out.append("\\x");
      append_hex(out, byte);
      continue;
    }
    if (in_quotes && (byte == '"' || byte == '\\')) out.push_back('\\');
    out.push_back(byte);
  }
  if (bytes.size() > shown) out.append("...");
}

// The same between double quotes; a quote or backslash inside is escaped too.
inline std::string quoted(std::string_view bytes, std::size_t shown) {
  std::string out = "\"";
  append_escaped(out, bytes, shown, true);
  out.push_back('"');
  return out;
}

}  // namespace eddy::inline v1::detail
