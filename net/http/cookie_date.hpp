#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace eddy::inline v1::http {

// The date of an Expires attribute, of any of the forms that servers write, in seconds since the
// epoch (RFC 6265 §5.1.1); nothing if it has no day, month, year or time, or there is no such date.
[[nodiscard]] std::optional<std::int64_t> parse_cookie_date(std::string_view text) noexcept;

}  // namespace eddy::inline v1::http
