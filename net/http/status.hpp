// The statuses that the client itself acts upon (RFC 9110 §15), but for those of redirections.
#pragma once

namespace eddy::inline v1::http {

inline constexpr int continue_status = 100;
inline constexpr int unauthorized = 401;
inline constexpr int proxy_authentication_required = 407;
inline constexpr int expectation_failed = 417;

constexpr bool is_success(int status) noexcept { return status >= 200 && status <= 299; }
constexpr bool is_error(int status) noexcept { return status >= 400; }

}  // namespace eddy::inline v1::http
