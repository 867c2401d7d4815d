#include "credential_text.hpp"

#include <algorithm>

#include "../percent.hpp"
#include "utf8.hpp"

namespace eddy::inline v1::http {

namespace {

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
  if (!is_valid_utf8(text)) return "is not UTF-8";
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
