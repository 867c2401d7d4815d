// Which credentials a request carries, and how a challenge is answered. Pure functions: the
// exchange calls them, and does what they say.
#pragma once

#include <cstddef>
#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "digest.hpp"

namespace eddy::inline v1::http {

// Challenges that one request answers to one server or proxy: the first one, and the more only if
// they say that nothing but the nonce was too old.
inline constexpr unsigned max_auth_answers = 3;

// Who asks: the server with 401, WWW-Authenticate and Authorization, or the proxy with 407,
// Proxy-Authenticate and Proxy-Authorization (RFC 9110 §11.6, §11.7).
enum class auth_role : std::uint8_t { server, proxy };
[[nodiscard]] const char* credentials_field(auth_role asking) noexcept;

// The request as far as it matters here.
struct auth_context {
  auth_role role = auth_role::server;
  std::string_view space;   // the URL's origin, or the proxy's str()
  std::string_view method;  // "CONNECT" for a tunnel
  // Exactly as in the request line: "/a?b"; through a plain proxy "http://host/a?b"; for a tunnel
  // "host:443".
  std::string_view target;
  // At least 64 bits of entropy as printable ASCII, new for each call; only Digest uses it.
  std::string_view cnonce;
};

// Whose credentials count for a hop of a request. A request's own come first, then the user info of
// the hop's URL and, on the first URL's origin, of the first URL; then the session's. On another
// origin than the first URL's, only the hop's user info and what netrc says of its host.
// auth::none() ends the search where it stands. Throws http::invalid_request for user info that
// cannot be sent. The result is unset, none, basic, bearer, digest, or netrc, which is for the
// caller to look up.
[[nodiscard]] auth auth_for_hop(const auth& requests, const auth& sessions, const url& first,
                                const url& now);

// The user info of a URL, percent-decoded, as basic(); unset if there is none. Throws
// http::invalid_request.
[[nodiscard]] auth auth_of_user_info(std::string_view user_info);

// The field's value to send at once: Basic, Bearer, and Digest where its challenge is known.
[[nodiscard]] std::optional<std::string> first_credentials(const auth& who,
                                                           const auth_context& request,
                                                           digest_state& known);

// The field's value with which to send the request once more, after a response with this status and
// these fields; nothing if the response is the answer. `answered` is how many challenges of this
// server or proxy this request has answered before.
[[nodiscard]] std::optional<std::string> answer_challenge(const auth& who,
                                                          const auth_context& request, int status,
                                                          const headers& fields, unsigned answered,
                                                          digest_state& known);

}  // namespace eddy::inline v1::http
