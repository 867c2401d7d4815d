// One request's authentication to one server or proxy.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "auth_scheme.hpp"

namespace eddy::inline v1::http {

inline constexpr std::size_t cnonce_random_bytes = 16;
// For auth_context::cnonce.
[[nodiscard]] std::string cnonce_of(std::span<const std::byte, cnonce_random_bytes> random);

// What lies between auth_scheme's decisions: whose turn it is, and how often it was asked.
//
//   request_auth mine;
//   mine.begin(auth_for_hop(…));
//   do { if (const auto value = mine.field(context, state->digests)) fields.set(…, *value);
//        … send, receive the head …
//   } while (mine.answer(context, status, head.fields, state->digests));
//
// context.cnonce may be empty where wants_cnonce() is false.
class request_auth {
 public:
  // A new hop: forgets what was answered before.
  void begin(auth who) noexcept;
  [[nodiscard]] const auth& who() const noexcept { return who_; }
  [[nodiscard]] bool wants_cnonce() const noexcept { return who_.which() == auth::kind::digest; }

  // The value of credentials_field(context.role) for the next sending, if any. Call it once for
  // each, also for a retry: a count is used up.
  [[nodiscard]] std::optional<std::string> field(const auth_context& request, digest_state& known);

  // After a response: whether to send the request once more, which it may only if its body can be
  // sent again. The next field() is the answer then.
  [[nodiscard]] bool answer(const auth_context& request, int status, const headers& fields,
                            digest_state& known);

 private:
  auth who_;
  std::optional<std::string> answer_;
  unsigned answered_ = 0;
};

}  // namespace eddy::inline v1::http
