#include "auth_scheme.hpp"

#include <eddy/net/http/error.hpp>
#include <utility>

#include "base64.hpp"
#include "challenge.hpp"
#include "credential_text.hpp"
#include "status.hpp"

namespace eddy::inline v1::http {

namespace {

// A proxy and an origin may have the same name.
std::string space_of(const auth_context& request) {
  std::string out = request.role == auth_role::proxy ? "proxy " : "";
  return out.append(request.space);
}

digest_request digest_request_of(const auth& who, const auth_context& request) {
  return {who.user(), who.password(), request.method, request.target, request.cnonce, 1};
}

std::string basic_credentials(const auth& who) {
  std::string out = "Basic ";
  append_base64(out, who.user() + ":" + who.password());
  return out;
}

}  // namespace

const char* credentials_field(auth_role asking) noexcept {
  return asking == auth_role::proxy ? "Proxy-Authorization" : "Authorization";
}

auth auth_of_user_info(std::string_view user_info) {
  if (user_info.empty()) return auth();
  const user_and_password decoded = decode_user_info(user_info);
  return auth::basic(decoded.user, decoded.password);
}

auth auth_for_hop(const auth& requests, const auth& sessions, const url& first, const url& now) {
  const auth& own = requests.is_set() ? requests : sessions;
  if (own.which() == auth::kind::none) return own;
  const bool has_user_info = !first.user_info().empty() || !now.user_info().empty();
  if (!own.is_set() && !has_user_info) return own;
  const bool is_same_origin = now.origin() == first.origin();
  if (is_same_origin && requests.is_set()) return requests;
  if (!now.user_info().empty()) return auth_of_user_info(now.user_info());
  if (is_same_origin && !first.user_info().empty()) return auth_of_user_info(first.user_info());
  if (is_same_origin || own.which() == auth::kind::netrc) return own;
  return auth();
}

std::optional<std::string> first_credentials(const auth& who, const auth_context& request,
                                             digest_state& known) {
  switch (who.which()) {
    case auth::kind::basic:
      return basic_credentials(who);
    case auth::kind::bearer:
      return "Bearer " + who.token();
    case auth::kind::digest:
      return known.respond(space_of(request), digest_request_of(who, request));
    case auth::kind::unset:
    case auth::kind::none:
    case auth::kind::netrc:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> answer_challenge(const auth& who, const auth_context& request,
                                            int status, const headers& fields, unsigned answered,
                                            digest_state& known) {
  const bool asks_proxy = request.role == auth_role::proxy;
  const int expected = asks_proxy ? proxy_authentication_required : unauthorized;
  if (status != expected || who.which() != auth::kind::digest) return std::nullopt;
  if (answered >= max_auth_answers) return std::nullopt;
  const char* name = asks_proxy ? "Proxy-Authenticate" : "WWW-Authenticate";
  std::optional<digest_challenge> asked = strongest_digest(parse_challenges(fields.get_all(name)));
  if (!asked || (answered > 0 && !asked->is_stale)) return std::nullopt;
  const std::string space = space_of(request);
  known.learn(space, who.user(), std::move(*asked));
  return known.respond(space, digest_request_of(who, request));
}

}  // namespace eddy::inline v1::http
