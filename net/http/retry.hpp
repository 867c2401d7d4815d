// Whether a failed exchange may be repeated.
#pragma once

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
  bool is_retry;           // this was the second attempt
};

// RFC 9112 §9.3.1, §9.5. A server that closes an idle connection just as a request is sent is no
// fault of either; anything else is for the caller to judge.
constexpr bool may_retry(const failed_exchange& e) noexcept {
  return e.reused_connection && !e.response_begun && !e.is_retry &&
         (e.idempotent || !e.anything_sent);
}

}  // namespace eddy::inline v1::http
