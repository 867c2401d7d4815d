// Whether a refused request is sent again, and when.
#pragma once

#include <cstdint>
#include <eddy/runtime/deadline.hpp>

namespace eddy::inline v1::http {

// What to do with a response that says "not now": 429 and 503 unless told otherwise. A plain value.
// A session has none unless session_options::retry() gives it one; this default is a cautious one.
//
// A request is sent again if attempts() allows it, its method is idempotent (RFC 9110 §9.2.2), its
// body can be sent again, and the budget of the session has a retry left. Before that it waits as
// long as Retry-After says (RFC 9110 §10.2.3: seconds, or a date, which is measured against the
// response's own Date), or, without that field, for a random time below first_delay(), which
// doubles with each attempt up to longest_delay(). It holds no connection meanwhile; its total
// timeout goes on, and the wait is a cancellation point. Where a retry is not possible, also
// because the wait would outlast the total timeout, the response is returned as it is.
//
//   http::session client(http::session_options().retry(http::retry_policy().attempts(5)));
class retry_policy {
 public:
  retry_policy() noexcept {}

  // Requests in all, the first one included; 0 and 1: no retry. Default 3, most 100.
  unsigned attempts() const noexcept { return attempts_; }
  retry_policy& attempts(unsigned most) noexcept {
    attempts_ = most < most_attempts ? most : most_attempts;
    return *this;
  }
  static constexpr unsigned most_attempts = 100;

  // The bound of the first random wait. Default 200 ms.
  std::int64_t first_delay_ns() const noexcept { return first_delay_ns_; }
  template <detail::duration_like Duration>
  retry_policy& first_delay(const Duration& d) noexcept {
    first_delay_ns_ = detail::saturated_ns(d);
    return *this;
  }
  // The bound of all random waits. Default 10 s.
  std::int64_t longest_delay_ns() const noexcept { return longest_delay_ns_; }
  template <detail::duration_like Duration>
  retry_policy& longest_delay(const Duration& d) noexcept {
    longest_delay_ns_ = detail::saturated_ns(d);
    return *this;
  }
  // A server that asks for a longer wait is not asked again. Default 60 s.
  std::int64_t longest_retry_after_ns() const noexcept { return longest_retry_after_ns_; }
  template <detail::duration_like Duration>
  retry_policy& longest_retry_after(const Duration& d) noexcept {
    longest_retry_after_ns_ = detail::saturated_ns(d);
    return *this;
  }

  // Which statuses, of 400 to 599; others are not taken. Default 429 and 503.
  bool has_status(int status) const noexcept;
  retry_policy& status(int status, bool retried = true) noexcept;

  // Also methods that are not idempotent, as POST and PATCH: the server is trusted not to have
  // acted on what it refused. Default off.
  bool any_method() const noexcept { return any_method_; }
  retry_policy& any_method(bool on) noexcept {
    any_method_ = on;
    return *this;
  }

  // What all requests of a session may spend together, so that retries cannot multiply the load of
  // a server in trouble: `reserve` retries, and `percent` of one more with each request; no more
  // than `reserve` are saved up. Counts in session_options::retry(). Default 10 percent and 10.
  unsigned budget_percent() const noexcept { return budget_percent_; }
  unsigned budget_reserve() const noexcept { return budget_reserve_; }
  retry_policy& budget(unsigned percent, unsigned reserve) noexcept {
    budget_percent_ = percent;
    budget_reserve_ = reserve;
    return *this;
  }

 private:
  static constexpr int first_status = 400;
  static constexpr int last_status = 599;
  static constexpr int word_bits = 64;

  unsigned attempts_ = 3;
  std::int64_t first_delay_ns_ = 200'000'000;
  std::int64_t longest_delay_ns_ = 10'000'000'000;
  std::int64_t longest_retry_after_ns_ = 60'000'000'000;
  std::uint64_t statuses_[4] = {1ULL << 29U, 1ULL << 39U};  // a bit for each status
  unsigned budget_percent_ = 10;
  unsigned budget_reserve_ = 10;
  bool any_method_ = false;
};

}  // namespace eddy::inline v1::http
