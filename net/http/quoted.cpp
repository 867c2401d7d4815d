#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_hex(std::string& out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  out.push_back(hex_digits[value >> 4U]);
  out.push_back(hex_digits[value & 0x0FU]);
}

void append_escaped(std::string& out, std::string_view bytes, std::size_t shown, bool in_quotes) {
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

}  // namespace

std::string escaped(std::string_view bytes, std::size_t shown) {
  std::string out;
  append_escaped(out, bytes, shown, false);
  return out;
}

std::string quoted(std::string_view bytes, std::size_t shown) {
  std::string out = "\"";
  append_escaped(out, bytes, shown, true);
  out.push_back('"');
  return out;
}

std::string hex_byte(char byte) {
  std::string out = "0x";
  append_hex(out, byte);
  return out;
}

}  // namespace eddy::inline v1::http
