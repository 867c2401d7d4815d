// The proleptic Gregorian calendar, as far as dates of HTTP need it. Pure functions.
#pragma once

#include <cstdint>

namespace eddy::inline v1::http {

inline constexpr std::int64_t seconds_per_day = 86'400;

// `month` is from 1 to 12.
[[nodiscard]] int days_in_month(int year, int month) noexcept;
// From 1970-01-01 to that day, which exists; before it the number is negative.
[[nodiscard]] std::int64_t days_since_epoch(int year, int month, int day) noexcept;

}  // namespace eddy::inline v1::http
