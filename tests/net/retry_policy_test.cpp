// The decisions of retries, without a socket.
#include <doctest/doctest.h>

#include <chrono>
#include <eddy/net/http/headers.hpp>

#include "../../net/http/http_date.hpp"
#include "../../net/http/retry.hpp"

using namespace std::chrono_literals;
using eddy::http::headers;
using eddy::http::parse_http_date;
using eddy::http::refused_request;
using eddy::http::retry_after_ns;
using eddy::http::retry_budget;
using eddy::http::retry_delay_ns;
using eddy::http::retry_policy;
using eddy::http::wants_retry;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

}  // namespace

TEST_CASE("dates in their three formats, and nothing else") {
  constexpr std::int64_t then = 784111777;  // the example of RFC 9110 §5.6.7
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == then);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == then);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == then);
  CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
  CHECK(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT") == -1);
  CHECK(parse_http_date("Thu, 29 Feb 2024 12:00:00 GMT") == 1709208000);
  CHECK(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT") == 253402300799);
  CHECK(parse_http_date("Tue, 29 Feb 2000 00:00:60 GMT") == 951782460);
  for (const char* bad :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 0000 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun Nov 06 08:49:37 199", "784111777"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad).has_value());
  }
}

TEST_CASE("Retry-After in seconds, and as a date beside the server's own") {
  const auto after = [](const char* value, const char* date) {
    headers fields;
    if (*value != '\0') fields.add("Retry-After", value);
    if (*date != '\0') fields.add("Date", date);
    return retry_after_ns(fields);
  };
  const char* const now = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(after("120", "") == 120 * second_ns);
  CHECK(after("0", "") == 0);
  CHECK(after("Sun, 06 Nov 1994 08:50:00 GMT", now) == 23 * second_ns);
  CHECK(after("Sun, 06 Nov 1994 08:49:00 GMT", now) == 0);
  CHECK(after("99999999999999999999999", "") == eddy::detail::never_ns);
  CHECK(after("9223372036854775807", "") == eddy::detail::never_ns);
  CHECK_FALSE(after("", now).has_value());
  CHECK_FALSE(after("Sun, 06 Nov 1994 08:50:00 GMT", "").has_value());
  for (const char* bad : {"-1", "1.5", "+3", "soon", "1 s", "0x10"}) {
    CAPTURE(bad);
    CHECK_FALSE(after(bad, now).has_value());
  }
}

TEST_CASE("the random wait doubles its window up to the longest") {
  const retry_policy policy = retry_policy().first_delay(100ms).longest_delay(1s);
  const headers none;
  constexpr std::int64_t ms = 1'000'000;
  for (const auto& [attempts, window] :
       {std::pair<unsigned, std::int64_t>{1, 100 * ms}, {2, 200 * ms}, {3, 400 * ms},
        {4, 800 * ms}, {5, 1000 * ms}, {90, 1000 * ms}}) {
    CAPTURE(attempts);
    CHECK(retry_delay_ns(policy, none, attempts, 0) == 0);
    CHECK(retry_delay_ns(policy, none, attempts, static_cast<std::uint64_t>(window)) == window);
    CHECK(retry_delay_ns(policy, none, attempts, static_cast<std::uint64_t>(window) + 1) == 0);
  }
  CHECK(retry_delay_ns(retry_policy().first_delay(0s), none, 3, 77) == 0);
  constexpr std::chrono::hours ever = std::chrono::hours::max();
  const retry_policy endless = retry_policy().first_delay(ever).longest_delay(ever);
  CHECK(retry_delay_ns(endless, none, 3, 77) == 77);
}

TEST_CASE("what a server asks for counts as it is, within its bound") {
  const retry_policy policy = retry_policy().longest_retry_after(5s);
  CHECK(retry_delay_ns(policy, headers().add("Retry-After", "5"), 1, 99) == 5 * second_ns);
  CHECK_FALSE(retry_delay_ns(policy, headers().add("Retry-After", "6"), 1, 99).has_value());
  CHECK(retry_delay_ns(policy, headers().add("Retry-After", "?"), 1, 99) == 99);
}

TEST_CASE("which responses a policy does not accept") {
  const retry_policy policy;
  //                                       status attempts idemp. replayable
  CHECK(wants_retry(policy, refused_request{503, 1, true, true}));
  CHECK(wants_retry(policy, refused_request{429, 2, true, true}));
  CHECK_FALSE(wants_retry(policy, refused_request{429, 3, true, true}));
  CHECK_FALSE(wants_retry(policy, refused_request{503, 1, false, true}));
  CHECK_FALSE(wants_retry(policy, refused_request{503, 1, true, false}));
  for (const int other : {200, 302, 399, 400, 404, 428, 430, 500, 502, 504, 599, 600, 999, 0, -1}) {
    CHECK_FALSE(wants_retry(policy, refused_request{other, 1, true, true}));
  }
  CHECK(wants_retry(retry_policy().any_method(true), refused_request{503, 1, false, true}));
  CHECK_FALSE(wants_retry(retry_policy().attempts(1), refused_request{503, 1, true, true}));
  CHECK_FALSE(wants_retry(retry_policy().attempts(0), refused_request{503, 1, true, true}));
  const retry_policy own = retry_policy().status(599).status(400).status(503, false).status(1000);
  CHECK(own.has_status(599));
  CHECK(own.has_status(400));
  CHECK(own.has_status(429));
  CHECK_FALSE(own.has_status(503));
  CHECK_FALSE(own.has_status(1000));
  CHECK(retry_policy().attempts(1000).attempts() == retry_policy::most_attempts);
}

TEST_CASE("a budget gives its reserve, and a part of a retry for each request") {
  retry_budget budget(10, 3);
  for (int i = 0; i < 3; ++i) CHECK(budget.spend());
  CHECK_FALSE(budget.spend());
  for (int i = 0; i < 9; ++i) budget.earn();
  CHECK_FALSE(budget.spend());
  budget.earn();
  CHECK(budget.spend());
  CHECK_FALSE(budget.spend());
  for (int i = 0; i < 1000; ++i) budget.earn();
  for (int i = 0; i < 3; ++i) CHECK(budget.spend());
  CHECK_FALSE(budget.spend());
  retry_budget none(0, 0);
  none.earn();
  CHECK_FALSE(none.spend());
}
