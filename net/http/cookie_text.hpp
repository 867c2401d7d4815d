// The field Set-Cookie: text in, what it asks for out.
#pragma once

#include <cstdint>
#include <eddy/net/http/cookie.hpp>
#include <optional>
#include <string_view>

namespace eddy::inline v1::http {

// Views into the field.
struct set_cookie {
  std::string_view name;
  std::string_view value;
  std::string_view domain;  // as it was sent; empty: none
  std::string_view path;    // empty: none that counts
  std::optional<std::int64_t> expires;
  bool secure = false;
  bool http_only = false;
  http::same_site same_site = http::same_site::unset;
};

// RFC 6265 §5.2, with the bounds of RFC 6265bis §5.6. Nothing for what is to be ignored whole: no
// name, a control byte, a name and value over max_cookie_bytes. `now` is in seconds since the
// epoch.
[[nodiscard]] std::optional<set_cookie> parse_set_cookie(std::string_view field,
                                                         std::int64_t now) noexcept;

// What separates cookies and fields, and what forges them: 0x00 to 0x1F and 0x7F.
[[nodiscard]] bool has_control_byte(std::string_view text) noexcept;

}  // namespace eddy::inline v1::http
