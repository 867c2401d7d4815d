#include "printable.hpp"

namespace fetch {

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
    }
  }
  return out;
}

std::string place_of(const eddy::url& to) {
  const std::string authority = to.authority();
  const std::string host = authority.empty() ? "" : "//" + authority;
  return printable(std::string(to.scheme()) + ":" + host + to.target());
}

}  // namespace fetch
