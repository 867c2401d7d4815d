#include "percent.hpp"

namespace eddy::inline v1::url_syntax {

namespace {

constexpr std::size_t triplet_length = 3;

constexpr int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr byte_class standing_in(component where) noexcept {
  switch (where) {
    case component::user_info:
      return stands_in_user_info;
    case component::reg_name:
      return stands_in_reg_name;
    case component::path:
      return stands_in_path;
    case component::query:
    case component::fragment:
      break;
  }
  return stands_in_query;
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
  const byte_class standing = standing_in(where);
  for (;;) {
    const std::size_t as_it_is = count_first(text, standing);
    out.append(text.substr(0, as_it_is));
    text.remove_prefix(as_it_is);
    if (text.empty()) return;
    const int decoded = decode_triplet(text);
    const char byte = decoded >= 0 ? static_cast<char>(decoded) : text.front();
    text.remove_prefix(decoded >= 0 ? triplet_length : 1);
    if (is_unreserved(byte)) {
      out += byte;
    } else {
      append_triplet(out, byte);
    }
  }
}

}  // namespace eddy::inline v1::url_syntax
