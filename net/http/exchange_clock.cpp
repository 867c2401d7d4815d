#include "exchange_clock.hpp"

#include <array>
#include <cstdio>

namespace eddy::inline v1::http {

request_timeout::~request_timeout() = default;

time_point exchange_clock::after(std::int64_t ns) {
  if (ns == detail::never_ns) return time_point::max();
  const std::int64_t now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now().time_since_epoch()).count();
  return time_point(std::chrono::nanoseconds(detail::deadline_after(now_ns, ns)));
}

time_limit exchange_clock::nearer(std::int64_t ns, timeout_kind kind) const {
  const time_point own = after(ns);
  return own < total_at_ ? time_limit{own, kind} : total();
}

std::string exchange_clock::passed(timeout_kind kind) const {
  constexpr std::array<const char*, 3> names = {"total", "connect", "read"};
  const std::array<std::int64_t, 3> values = {timeouts_.total_ns, timeouts_.connect_ns,
                                              timeouts_.read_ns};
  const auto i = static_cast<std::size_t>(kind);
  std::array<char, 96> text;
  std::snprintf(text.data(), text.size(), "the %s timeout of %.3f s passed", names[i],
                static_cast<double>(values[i]) / 1e9);
  return text.data();
}

}  // namespace eddy::inline v1::http
