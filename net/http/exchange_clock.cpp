#include "exchange_clock.hpp"

#include <array>
#include <cstdio>

namespace eddy::inline v1::http {

request_timeout::~request_timeout() = default;

time_point exchange_clock::after(std::int64_t ns) {
  if (ns == detail::never_ns) return time_point::max();
  return after(ns, std::chrono::nanoseconds(now().time_since_epoch()).count());
}

time_point exchange_clock::after(std::int64_t ns, std::int64_t now_ns) {
  if (ns == detail::never_ns) return time_point::max();
  return time_point(std::chrono::nanoseconds(detail::deadline_after(now_ns, ns)));
}

time_limit exchange_clock::from_now(timeout_kind kind) const {
  const time_point own = after(timeouts_[kind]);
  return own < total_at_ ? time_limit{own, kind} : total();
}

std::string exchange_clock::passed(timeout_kind kind) const {
  constexpr std::array<const char*, timeout_kinds> names = {
      "total", "pool", "resolve", "connect", "handshake", "first-byte", "read", "write"};
  std::array<char, 96> text;
  std::snprintf(text.data(), text.size(), "the %s timeout of %.3f s passed",
                names[static_cast<std::size_t>(kind)],
                static_cast<double>(timeouts_[kind]) / 1e9);
  return text.data();
}

}  // namespace eddy::inline v1::http
