// Who we say we are: the credentials of requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// The most bytes in a user name, a password or a token. Servers take fields of some 8 KiB (nginx,
// Apache).
inline constexpr std::size_t max_credential_bytes = 4096;

// With what a request, or all of a session's, proves who it comes from (RFC 9110 §11). A plain
// value; copies are independent. What it holds appears in no error message.
//
// By default nothing is said: a request takes its session's, and the user info of a URL counts as
// basic(). Credentials are for the origin of the request's URL: a redirection to another origin is
// not sent them.
//
//   co_await session.get(url).auth(http::auth::basic("aladdin", "open sesame"));
//   session_options().auth(http::auth::netrc())
//
// The named constructors throw http::invalid_request for what the scheme cannot carry: control
// bytes, text that is not UTF-8, more than max_credential_bytes.
class auth {
 public:
  enum class kind : std::uint8_t { unset, none, basic, bearer, digest, netrc };

  auth() noexcept {}

  // RFC 7617, sent with the first request. The user may not hold ':'. The password can be read by
  // whoever reads the connection: use it over https.
  [[nodiscard]] static auth basic(std::string_view user, std::string_view password);
  // RFC 6750: a token of letters, digits and -._~+/ with '=' at its end only, sent with the first
  // request.
  [[nodiscard]] static auth bearer(std::string_view token);
  // RFC 7616 with SHA-512/256, SHA-256 or MD5: the first request to an origin is sent without
  // credentials and once more when the server has sent its challenge; later ones answer that
  // beforehand. Throws in a build without OpenSSL, which computes the hashes.
  [[nodiscard]] static auth digest(std::string_view user, std::string_view password);
  // basic() with what the file says about the host, looked up for each request; nothing if it does
  // not know the host.
  [[nodiscard]] static auth netrc(std::string_view path);
  // The same with the file that $NETRC names, or ~/.netrc.
  [[nodiscard]] static auth netrc() noexcept { return auth(kind::netrc); }
  // No credentials, whatever the session and the URL's user info say.
  [[nodiscard]] static auth none() noexcept { return auth(kind::none); }

  [[nodiscard]] kind which() const noexcept { return kind_; }
  [[nodiscard]] bool is_set() const noexcept { return kind_ != kind::unset; }
  // Of basic and digest.
  [[nodiscard]] const std::string& user() const noexcept { return name_; }
  [[nodiscard]] const std::string& password() const noexcept { return secret_; }
  // Of bearer.
  [[nodiscard]] const std::string& token() const noexcept { return secret_; }
  // Of netrc; empty: the usual file.
  [[nodiscard]] const std::string& path() const noexcept { return name_; }

  friend bool operator==(const auth&, const auth&) noexcept = default;

 private:
  friend class proxy;
  explicit auth(kind which) noexcept : kind_(which) {}
  auth(kind which, std::string_view name, std::string_view secret)
      : name_(name), secret_(secret), kind_(which) {}

  std::string name_;
  std::string secret_;
  kind kind_ = kind::unset;
};

}  // namespace eddy::inline v1::http
