// One cookie (RFC 6265).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// Bounds on what servers may make a jar hold and send (RFC 6265 §6.1, RFC 6265bis §5.6).
// A larger cookie, name and value together, is ignored; so is a larger attribute.
inline constexpr std::size_t max_cookie_bytes = 4096;
inline constexpr std::size_t max_cookie_attribute_bytes = 1024;
// Cookies of a site, which is the domain that somebody has registered and all names below it, and
// of all. Beyond it the expired go first; then, of a site, those that are not Secure; then those
// that were not sent for longest.
inline constexpr std::size_t max_cookies_per_site = 180;
inline constexpr std::size_t max_cookies = 3000;
// Of the field Cookie with its name, which is Apache's limit for a line: what does not fit is not
// sent.
inline constexpr std::size_t max_cookie_field_bytes = 8190;
// 400 days: what a server asks for beyond it is cut.
inline constexpr std::int64_t max_cookie_lifetime_s = std::int64_t{400} * 24 * 60 * 60;
// Of a file of cookies: longer lines are refused, longer files not read.
inline constexpr std::size_t max_cookie_line_bytes = 8192;
inline constexpr std::size_t max_cookie_file_bytes = 32 * 1024 * 1024;

// What its server wants a browser to do on the way from other sites (RFC 6265bis §5.6.7). Kept, and
// not enforced: a program's requests come from no site.
enum class same_site : std::uint8_t { unset, none, lax, strict };

// A cookie, and where it goes. A plain value; nothing is checked before it comes to a cookie_jar.
//
//   http::cookie token("token", "s3cret", "example.com");
//   token.secure = true;
//   token.host_only = false;  // www.example.com gets it, too
class cookie {
 public:
  cookie() {}
  cookie(std::string_view its_name, std::string_view its_value, std::string_view its_domain)
      : name(its_name), value(its_value), domain(its_domain) {}

  std::string name;
  std::string value;  // as it was sent, quotes included
  // A host name or an IP address as url::host() has them: no leading dot, no brackets.
  std::string domain;
  std::string path = "/";
  // Seconds since 1970-01-01 00:00 UTC; nothing: until the program, the session of RFC 6265, ends.
  std::optional<std::int64_t> expires;
  bool host_only = true;   // false: for the names below the domain, too
  bool secure = false;     // only over TLS, and to this machine
  bool http_only = false;  // kept, for files that a browser reads
  http::same_site same_site = http::same_site::unset;

  friend bool operator==(const cookie&, const cookie&) = default;
};

}  // namespace eddy::inline v1::http
