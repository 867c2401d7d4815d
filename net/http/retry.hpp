// Whether a request may be sent again, and when: decisions without a clock and a socket.
#pragma once

#include <eddy/net/http/headers.hpp>
#include <eddy/net/http/retry_policy.hpp>
#include <optional>
#include <string_view>

namespace eddy::inline v1::http {

// RFC 9110 §9.2.2: methods that a client may send twice without asking anyone.
bool is_idempotent(std::string_view method) noexcept;

// What is known about an exchange whose connection failed.
struct failed_exchange {
  bool reused_connection;  // it had been idle in the pool: the server may have closed it meanwhile
  bool response_begun;     // a byte of a response came
  bool idempotent;         // the method is
  bool anything_sent;      // a byte of the request may have reached the server
  bool replayable;         // its body can be sent again
  bool is_retry;           // this was the second attempt
};

// RFC 9112 §9.3.1, §9.5. A server that closes an idle connection just as a request is sent is no
// fault of either; anything else is for the caller to judge.
constexpr bool may_retry(const failed_exchange& e) noexcept {
  return e.reused_connection && !e.response_begun && e.replayable && !e.is_retry &&
         (e.idempotent || !e.anything_sent);
}

// What all requests of a session may spend on the retries of their policies: a token bucket that
// time does not fill, but requests do.
class retry_budget {
 public:
  retry_budget(unsigned percent, unsigned reserve) noexcept
      : percent_(percent), most_(std::uint64_t{reserve} * whole), tokens_(most_) {}

  // A request has begun.
  void earn() noexcept {
    tokens_ += percent_;
    if (tokens_ > most_) tokens_ = most_;
  }
  // Whether there is a retry left; spends it.
  bool spend() noexcept {
    if (tokens_ < whole) return false;
    tokens_ -= whole;
    return true;
  }

 private:
  static constexpr std::uint64_t whole = 100;  // percents of a retry

  std::uint64_t percent_;
  std::uint64_t most_;
  std::uint64_t tokens_;
};

// What is known about a request that was answered.
struct refused_request {
  int status;
  unsigned attempts;  // so far
  bool idempotent;
  bool replayable;
};

// Whether the policy wants it sent again. The budget is another question.
bool wants_retry(const retry_policy& policy, const refused_request& r) noexcept;

// How long Retry-After asks to wait (RFC 9110 §10.2.3), in nanoseconds, never_ns for what does not
// fit. Nothing if there is none, it is malformed, or it is a date and the response has no Date to
// measure it against.
std::optional<std::int64_t> retry_after_ns(const headers& fields) noexcept;

// How long to wait before the retry: what the server asks for, or a part of the window, which
// doubles with each attempt. `chance` is random, of all 64 bits. Nothing if the server asks for
// more than the policy bears.
std::optional<std::int64_t> retry_delay_ns(const retry_policy& policy, const headers& fields,
                                           unsigned attempts, std::uint64_t chance) noexcept;

}  // namespace eddy::inline v1::http
