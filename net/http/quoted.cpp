#include "quoted.hpp"

#include "../../runtime/quoted.hpp"

namespace eddy::inline v1::http {

std::string escaped(std::string_view bytes, std::size_t shown) {
  std::string out;
  detail::append_escaped(out, bytes, shown, false);
  return out;
}

std::string quoted(std::string_view bytes, std::size_t shown) {
  return detail::quoted(bytes, shown);
}

std::string hex_byte(char byte) {
  std::string out = "0x";
  detail::append_hex(out, byte);
  return out;
}

}  // namespace eddy::inline v1::http
