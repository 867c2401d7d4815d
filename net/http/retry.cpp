#include "retry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "http_date.hpp"

namespace eddy::inline v1::http {

// Methods are case-sensitive (RFC 9110 §9.1).
bool is_idempotent(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 6> methods = {"GET",    "HEAD", "OPTIONS",
                                                       "DELETE", "PUT",  "TRACE"};
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

bool retry_policy::has_status(int status) const noexcept {
  if (status < first_status || status > last_status) return false;
  const auto at = static_cast<unsigned>(status - first_status);
  return ((statuses_[at / word_bits] >> (at % word_bits)) & 1U) != 0;
}

retry_policy& retry_policy::status(int status, bool retried) noexcept {
  if (status < first_status || status > last_status) return *this;
  const auto at = static_cast<unsigned>(status - first_status);
  const std::uint64_t bit = std::uint64_t{1} << (at % word_bits);
  std::uint64_t& word = statuses_[at / word_bits];
  word = retried ? word | bit : word & ~bit;
  return *this;
}

bool wants_retry(const retry_policy& policy, const refused_request& r) noexcept {
  return r.attempts < policy.attempts() && policy.has_status(r.status) && r.replayable &&
         (r.idempotent || policy.any_method());
}

std::optional<std::int64_t> retry_after_ns(const headers& fields) noexcept {
  const auto value = fields.get("Retry-After");
  if (!value) return std::nullopt;
  std::int64_t seconds = 0;
  const char* const end = value->data() + value->size();
  const bool digits = !value->empty() && value->find_first_not_of("0123456789") == value->npos;
  if (digits) {
    const auto [at, failure] = std::from_chars(value->data(), end, seconds);
    if (at != end || failure != std::errc()) return detail::never_ns;
  } else {
    const auto then = parse_http_date(*value);
    const auto sent = parse_http_date(fields.get("Date").value_or(""));
    if (!then || !sent) return std::nullopt;
    seconds = std::max<std::int64_t>(*then - *sent, 0);
  }
  return detail::nanoseconds_of(std::chrono::seconds(seconds));
}

std::optional<std::int64_t> retry_delay_ns(const retry_policy& policy, const headers& fields,
                                           unsigned attempts, std::uint64_t chance) noexcept {
  if (const auto asked = retry_after_ns(fields)) {
    if (*asked > policy.longest_retry_after_ns()) return std::nullopt;
    return asked;
  }
  const std::int64_t longest = policy.longest_delay_ns();
  std::int64_t window = std::min(policy.first_delay_ns(), longest);
  for (unsigned i = 1; i < attempts && window < longest; ++i) {
    window = window > longest / 2 ? longest : window * 2;
  }
  return static_cast<std::int64_t>(chance % (static_cast<std::uint64_t>(window) + 1));
}

}  // namespace eddy::inline v1::http
