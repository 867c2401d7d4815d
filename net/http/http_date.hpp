// Dates in fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace eddy::inline v1::http {

// Seconds since 1970-01-01 00:00:00 UTC of an HTTP-date in one of its three formats (RFC 9110
// §5.6.7), or nothing for anything else. Strict but for the name of the day, which must be one and
// is not checked against the date. A two-digit year is taken for one of 1970 to 2069.
std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept;

}  // namespace eddy::inline v1::http
