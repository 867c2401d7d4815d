#include "form.hpp"

#include "../percent.hpp"

namespace eddy::inline v1::http {

namespace {

bool stands_for_itself(char byte) noexcept {
  return url_syntax::is_alpha(byte) || url_syntax::is_digit(byte) ||
         std::string_view("*-._").find(byte) != std::string_view::npos;
}

void append_encoded(std::string& out, std::string_view text) {
  for (const char byte : text) {
    if (stands_for_itself(byte)) {
      out += byte;
    } else if (byte == ' ') {
      out += '+';
    } else {
      url_syntax::append_triplet(out, byte);
    }
  }
}

}  // namespace

void append_form_field(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += '&';
  append_encoded(out, name);
  out += '=';
  append_encoded(out, value);
}

}  // namespace eddy::inline v1::http
