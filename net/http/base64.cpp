#include "base64.hpp"

#include <cstddef>
#include <cstdint>

namespace eddy::inline v1::http {

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(bytes.size() < 3 ? bytes.size() : 3)) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    for (unsigned i = 0; i < 4; ++i) {
      out.push_back(i <= bytes.size() ? digits[group >> (18U - 6U * i) & 0x3FU] : '=');
    }
  }
}

}  // namespace eddy::inline v1::http
