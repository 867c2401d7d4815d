#include "credential_text.hpp"

#include <algorithm>

#include "../percent.hpp"

namespace eddy::inline v1::http {

namespace {

// How many bytes the UTF-8 character at the front takes (RFC 3629 §4), 0 if there is none: overlong
// forms, surrogates and what is beyond U+10FFFF are none.
std::size_t utf8_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  unsigned lowest = 0x80;
  unsigned highest = 0xBF;
  if (first == 0xE0) lowest = 0xA0;
  if (first == 0xED) highest = 0x9F;
  if (first == 0xF0) lowest = 0x90;
  if (first == 0xF4) highest = 0x8F;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return size;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int decoded = url_syntax::decode_triplet(text.substr(i));
    out.push_back(decoded < 0 ? text[i] : static_cast<char>(decoded));
    if (decoded >= 0) i += 2;
  }
  return out;
}

}  // namespace

std::string credential_fault(std::string_view text, std::size_t most_bytes) {
  if (text.size() > most_bytes) {
    return "has " + std::to_string(text.size()) + " bytes, over the limit of " +
           std::to_string(most_bytes);
  }
  if (std::any_of(text.begin(), text.end(), url_syntax::is_control)) {
    return "holds a control byte";
  }
  if (!is_utf8(text)) return "is not UTF-8";
  return {};
}

user_and_password decode_user_info(std::string_view user_info) {
  const std::size_t colon = std::min(user_info.find(':'), user_info.size());
  user_and_password out;
  out.user = percent_decoded(user_info.substr(0, colon));
  if (colon < user_info.size()) out.password = percent_decoded(user_info.substr(colon + 1));
  return out;
}

}  // namespace eddy::inline v1::http
