#include "cookie_date.hpp"

#include <array>

#include "calendar.hpp"
#include "grammar.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int first_year = 1601;  // §5.1.1, step 5

bool is_delimiter(char byte) {
  const auto b = static_cast<unsigned char>(byte);
  return b == 0x09 || (b >= 0x20 && b <= 0x2F) || (b >= 0x3B && b <= 0x40) ||
         (b >= 0x5B && b <= 0x60) || (b >= 0x7B && b <= 0x7E);
}

// Takes a number of `least` to `most` digits off the front; a further digit is an error.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t digits = 0;
  int number = 0;
  while (digits < text.size() && grammar::is_digit(text[digits])) {
    if (++digits > most) return std::nullopt;
    number = number * 10 + (text[digits - 1] - '0');
  }
  if (digits < least) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

struct time_of_day {
  int hour;
  int minute;
  int second;
};

std::optional<time_of_day> read_time(std::string_view token) {
  std::array<int, 3> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (token.empty() || token.front() != ':') return std::nullopt;
      token.remove_prefix(1);
    }
    const auto part = take_number(token, 1, 2);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  return time_of_day{parts[0], parts[1], parts[2]};
}

// 1 to 12.
std::optional<int> read_month(std::string_view token) {
  constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (token.size() < 3) return std::nullopt;
  for (std::size_t i = 0; i < 12; ++i) {
    if (grammar::equal_ignoring_case(token.substr(0, 3), months.substr(3 * i, 3))) {
      return static_cast<int>(i) + 1;
    }
  }
  return std::nullopt;
}

// What the tokens of a date are found to say: the first that can be a time is it, and so on.
class date_reader {
 public:
  void take(std::string_view token) {
    if (!time_) {
      time_ = read_time(token);
      if (time_) return;
    }
    if (!day_) {
      std::string_view rest = token;
      day_ = take_number(rest, 1, 2);
      if (day_) return;
    }
    if (!month_) {
      month_ = read_month(token);
      if (month_) return;
    }
    if (!year_) {
      std::string_view rest = token;
      year_ = take_number(rest, 2, 4);
    }
  }

  std::optional<std::int64_t> finish() const {
    if (!time_ || !day_ || !month_ || !year_) return std::nullopt;
    int year = *year_;
    if (year >= 70 && year <= 99) year += 1900;
    if (year <= 69) year += 2000;
    if (year < first_year || *day_ < 1 || *day_ > days_in_month(year, *month_)) return std::nullopt;
    if (time_->hour > 23 || time_->minute > 59 || time_->second > 59) return std::nullopt;
    return days_since_epoch(year, *month_, *day_) * seconds_per_day + time_->hour * 3600 +
           time_->minute * 60 + time_->second;
  }

 private:
  std::optional<time_of_day> time_;
  std::optional<int> day_;
  std::optional<int> month_;
  std::optional<int> year_;
};

}  // namespace

std::optional<std::int64_t> parse_cookie_date(std::string_view text) noexcept {
  date_reader reader;
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_delimiter(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && !is_delimiter(text[at])) ++at;
    reader.take(text.substr(begin, at - begin));
  }
  return reader.finish();
}

}  // namespace eddy::inline v1::http
