// Dates of cookies, RFC 6265 §5.1.1.
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../../net/http/cookie_date.hpp"

using eddy::http::parse_cookie_date;

namespace {

struct row {
  std::string_view text;
  std::int64_t seconds;
};

}  // namespace

TEST_CASE("cookie date: every form that servers write is read") {
  constexpr row rows[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784'111'777},   // RFC 9110 §5.6.7, all three
      {"Sunday, 06-Nov-94 08:49:37 GMT", 784'111'777},
      {"Sun Nov  6 08:49:37 1994", 784'111'777},
      {"Wed, 09 Jun 2021 10:18:14 GMT", 1'623'233'894},  // RFC 6265 §3.1
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Thu, 01-Jan-1970 00:00:01 GMT", 1},
      {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
      {"Mon, 01 Jan 1601 00:00:00 GMT", -11'644'473'600},
      {"Fri, 31 Dec 9999 23:59:59 GMT", 253'402'300'799},
      {"Thu, 29 Feb 2024 12:00:00 GMT", 1'709'208'000},
      {"Tue, 29 Feb 2000 12:00:00 GMT", 951'825'600},
      {"Fri, 01 Mar 2024 00:00:00 GMT", 1'709'251'200},
      {"Tue, 19 Jan 2038 03:14:08 GMT", 2'147'483'648},
      // Two digits: 70 to 99 are of the last century.
      {"06 Nov 69 08:49:37", 3'150'953'377},
      {"06 Nov 70 08:49:37", 26'729'377},
      {"01 Jan 00 00:00:00", 946'684'800},
      // In any order, in any case, with anything between.
      {"08:49:37 1994 nov 6", 784'111'777},
      {"6 NOVEMBER 94 8:49:37", 784'111'777},
      {"1994/Nov/06 08:49:37", 784'111'777},
      {"Nov 06 1994 8:49:37 PM", 784'111'777},
      {"***Sun;;;06@nov@1994@8:49:37", 784'111'777},
      {"\tSun\t6\tNov\t1994\t08:49:37\t", 784'111'777},
      // What follows a number is nobody's.
      {"6th Nov 1994AD 08:49:37.000Z", 784'111'777},
      {"Sun, 06 Nov 1994 08:49:37 +0200", 784'111'777},
      // The first that fits counts.
      {"6 Nov 1994 08:49:37 7 Dec 1995 09:50:38", 784'111'777},
  };
  for (const row& r : rows) {
    CAPTURE(r.text);
    const auto found = parse_cookie_date(r.text);
    REQUIRE(found);
    CHECK(*found == r.seconds);
  }
}

TEST_CASE("cookie date: what is no date is none") {
  constexpr std::string_view texts[] = {
      "", " ", "GMT", "tomorrow", "784111777",
      "06 Nov 1994",             // no time
      "06 Nov 08:49:37",         // no year
      "06 1994 08:49:37",        // no month
      "Nov 1994 08:49:37",       // no day
      "00 Nov 1994 08:49:37", "32 Dec 1994 08:49:37", "31 Nov 1994 08:49:37",
      "30 Feb 2024 08:49:37", "29 Feb 2023 08:49:37", "29 Feb 2100 08:49:37",
      "29 Feb 1900 08:49:37",
      "06 Nov 1994 24:00:00", "06 Nov 1994 08:60:00", "06 Nov 1994 08:49:60",
      "06 Nov 1994 008:49:37", "06 Nov 1994 08:49", "06 Nov 1994 08:49:", "06 Nov 1994 08-49-37",
      "06 Nov 1994 08:49:371",
      "06 Nov 1600 08:49:37", "06 Nov 199 08:49:37",  // 199 is a year, and before 1601
      "06 Nov 19945 08:49:37", "06 Nov 9 08:49:37",
      "06 Nox 1994 08:49:37", "06 No 1994 08:49:37",
      "99999999999999999999 Nov 1994 08:49:37",
      "-6:-1:-1 Nov 1994",
  };
  for (const std::string_view text : texts) {
    CAPTURE(text);
    CHECK_FALSE(parse_cookie_date(text));
  }
  const std::string nul("06 Nov 1994\0 08:49:37", 21);
  CHECK(parse_cookie_date(nul) == 784'111'777);  // the field is refused before
  CHECK_FALSE(parse_cookie_date(std::string(100'000, '1')));
}

TEST_CASE("cookie date: each day of four centuries is one after the day before") {
  constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::int64_t expected = -11'644'473'600;
  int days = 0;
  for (int year = 1601; year <= 2100; ++year) {
    for (const std::string_view month : months) {
      for (int day = 1; day <= 31; ++day) {
        const auto found = parse_cookie_date(std::to_string(day) + " " + std::string(month) + " " +
                                             std::to_string(year) + " 00:00:00");
        if (!found) continue;
        REQUIRE(*found == expected);
        expected += 86'400;
        ++days;
      }
    }
  }
  CHECK(days == 182'621);  // 500 years, 121 leap days
}
