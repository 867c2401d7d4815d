#include "request_auth.hpp"

#include <utility>

#include "base64.hpp"
#include "bytes_view.hpp"

namespace eddy::inline v1::http {

std::string cnonce_of(std::span<const std::byte, cnonce_random_bytes> random) {
  std::string out;
  append_base64(out, text_of(random));
  return out;
}

void request_auth::begin(auth who) noexcept {
  who_ = std::move(who);
  answer_.reset();
  answered_ = 0;
}

std::optional<std::string> request_auth::field(const auth_context& request, digest_state& known) {
  if (answer_) return std::exchange(answer_, std::nullopt);
  return first_credentials(who_, request, known);
}

bool request_auth::answer(const auth_context& request, int status, const headers& fields,
                          digest_state& known) {
  answer_ = answer_challenge(who_, request, status, fields, answered_, known);
  if (answer_) ++answered_;
  return answer_.has_value();
}

}  // namespace eddy::inline v1::http
