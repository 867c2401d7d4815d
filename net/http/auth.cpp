#include <algorithm>
#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/error.hpp>

#include "challenge.hpp"
#include "credential_text.hpp"
#include "digest_hash.hpp"

namespace eddy::inline v1::http {

namespace {

[[noreturn]] void refuse(const char* what, const std::string& why) {
  throw invalid_request(std::string(what) + " " + why);
}

void check_text(const char* what, std::string_view text) {
  const std::string fault = credential_fault(text, max_credential_bytes);
  if (!fault.empty()) refuse(what, fault);
}

}  // namespace

auth auth::basic(std::string_view user, std::string_view password) {
  check_text("the user name of Basic authentication", user);
  check_text("the password of Basic authentication", password);
  if (user.find(':') != std::string_view::npos) {
    refuse("the user name of Basic authentication",
           "has a ':', at which servers end it (RFC 7617 §2)");
  }
  return {kind::basic, user, password};
}

auth auth::bearer(std::string_view token) {
  constexpr const char* what = "the token of Bearer authentication";
  check_text(what, token);
  const std::string_view body = token.substr(0, token.find_last_not_of('=') + 1);
  if (body.empty() || !std::all_of(body.begin(), body.end(), is_token68)) {
    refuse(what, "is not what RFC 6750 §2.1 allows: letters, digits and -._~+/, then any '='");
  }
  return {kind::bearer, {}, token};
}

auth auth::digest(std::string_view user, std::string_view password) {
  if (!has_digest_hash(digest_hash::sha_256)) {
    throw invalid_request("Digest authentication needs Eddy built with OpenSSL (-Dtls=enabled)");
  }
  check_text("the user name of Digest authentication", user);
  check_text("the password of Digest authentication", password);
  return {kind::digest, user, password};
}

auth auth::netrc(std::string_view path) {
  if (path.empty()) refuse("the path of a netrc file", "is empty");
  if (path.find('\0') != std::string_view::npos) refuse("the path of a netrc file", "holds a NUL");
  return {kind::netrc, path, {}};
}

}  // namespace eddy::inline v1::http
