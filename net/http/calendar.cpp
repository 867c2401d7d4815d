#include "calendar.hpp"

#include <array>

namespace eddy::inline v1::http {

namespace {

bool is_leap(int year) noexcept { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

}  // namespace

int days_in_month(int year, int month) noexcept {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[static_cast<std::size_t>(month - 1)] + (month == 2 && is_leap(year) ? 1 : 0);
}

// Years that begin in March have their leap day at the end.
std::int64_t days_since_epoch(int year, int month, int day) noexcept {
  const std::int64_t march_year = month < 3 ? year - 1 : year;
  const std::int64_t march_month = (month + 9) % 12;
  constexpr std::int64_t days_to_1970 = 719468;
  return march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 +
         (march_month * 153 + 2) / 5 + day - 1 - days_to_1970;
}

}  // namespace eddy::inline v1::http
