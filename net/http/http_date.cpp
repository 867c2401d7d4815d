#include "http_date.hpp"

#include <array>

#include "calendar.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::array<std::string_view, 12> month_names = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> day_names = {"Mon", "Tue", "Wed", "Thu",
                                                       "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> long_day_names = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

// Takes a date apart from the left; once something was not there, `good` stays false.
class date_reader {
 public:
  explicit date_reader(std::string_view text) noexcept : rest_(text) {}

  void literal(std::string_view expected) noexcept {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
  }
  int number(std::size_t digits) noexcept {
    int value = 0;
    good_ = good_ && rest_.size() >= digits;
    for (std::size_t i = 0; good_ && i < digits; ++i) {
      good_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    if (good_) rest_.remove_prefix(digits);
    return value;
  }
  // The index of the one that stands here.
  template <std::size_t N>
  int one_of(const std::array<std::string_view, N>& names) noexcept {
    for (std::size_t i = 0; good_ && i < N; ++i) {
      if (!rest_.starts_with(names[i])) continue;
      rest_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    good_ = false;
    return 0;
  }
  bool next_is(char c) const noexcept { return !rest_.empty() && rest_.front() == c; }
  bool is_over() const noexcept { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct date {
  int year = 0;
  int month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

bool is_sane(const date& d) {
  constexpr int leap_second = 60;
  return d.year >= 1 && d.day >= 1 && d.day <= days_in_month(d.year, d.month + 1) &&
         d.hour < 24 && d.minute < 60 && d.second <= leap_second;
}

void read_time(date_reader& in, date& d) {
  d.hour = in.number(2);
  in.literal(":");
  d.minute = in.number(2);
  in.literal(":");
  d.second = in.number(2);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
bool read_fixdate(date_reader in, date& d) {
  in.one_of(day_names);
  in.literal(", ");
  d.day = in.number(2);
  in.literal(" ");
  d.month = in.one_of(month_names);
  in.literal(" ");
  d.year = in.number(4);
  in.literal(" ");
  read_time(in, d);
  in.literal(" GMT");
  return in.is_over();
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
bool read_rfc850(date_reader in, date& d) {
  in.one_of(long_day_names);
  in.literal(", ");
  d.day = in.number(2);
  in.literal("-");
  d.month = in.one_of(month_names);
  in.literal("-");
  d.year = in.number(2);
  d.year += d.year < 70 ? 2000 : 1900;
  in.literal(" ");
  read_time(in, d);
  in.literal(" GMT");
  return in.is_over();
}

// "Sun Nov  6 08:49:37 1994"
bool read_asctime(date_reader in, date& d) {
  in.one_of(day_names);
  in.literal(" ");
  d.month = in.one_of(month_names);
  in.literal(" ");
  const bool one_digit = in.next_is(' ');
  if (one_digit) in.literal(" ");
  d.day = in.number(one_digit ? 1 : 2);
  in.literal(" ");
  read_time(in, d);
  in.literal(" ");
  d.year = in.number(4);
  return in.is_over();
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept {
  const date_reader in(text);
  date d;
  if (!read_fixdate(in, d) && !read_rfc850(in, d) && !read_asctime(in, d)) return std::nullopt;
  if (!is_sane(d)) return std::nullopt;
  return days_since_epoch(d.year, d.month + 1, d.day) * seconds_per_day + d.hour * 3600 +
         d.minute * 60 + d.second;
}

}  // namespace eddy::inline v1::http
