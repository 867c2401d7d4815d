#include "percent.hpp"

namespace eddy::inline v1::url_syntax {

namespace {

constexpr std::string_view sub_delims = "!$&'()*+,;=";

constexpr std::size_t triplet_length = 3;

constexpr int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr std::string_view extra_characters(component where) noexcept {
  switch (where) {
    case component::user_info:
      return ":";
    case component::reg_name:
      return "";
    case component::path:
      return ":@/";
    case component::query:
    case component::fragment:
      return ":@/?";
  }
  return "";
}

}  // namespace

int decode_triplet(std::string_view text) noexcept {
  if (text.size() < triplet_length || text[0] != '%') return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_triplet(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += digits[value >> 4U];
  out += digits[value & 0xfU];
}

void append_requoted(std::string& out, std::string_view text, component where) {
  const std::string_view extra = extra_characters(where);
  for (std::size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    const int decoded = decode_triplet(text.substr(i));
    if (decoded >= 0) {
      i += triplet_length - 1;
      byte = static_cast<char>(decoded);
    }
    const bool stands =
        is_unreserved(byte) || (decoded < 0 && (sub_delims.find(byte) != std::string_view::npos ||
                                                extra.find(byte) != std::string_view::npos));
    if (stands) {
      out += byte;
    } else {
      append_triplet(out, byte);
    }
  }
}

}  // namespace eddy::inline v1::url_syntax
