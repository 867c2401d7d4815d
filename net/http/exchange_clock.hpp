// The timeouts of one request.
#pragma once

#include <array>
#include <eddy/net/http/timeout.hpp>

namespace eddy::inline v1::http {

// When a wait has to be over, and which timeout says so.
struct time_limit {
  time_point at = time_point::max();
  timeout_kind kind = timeout_kind::total;
};

// A duration for each timeout_kind, in nanoseconds; never_ns: none.
class timeouts {
 public:
  timeouts() noexcept { ns_.fill(detail::never_ns); }
  std::int64_t& operator[](timeout_kind kind) noexcept {
    return ns_[static_cast<std::size_t>(kind)];
  }
  std::int64_t operator[](timeout_kind kind) const noexcept {
    return ns_[static_cast<std::size_t>(kind)];
  }

 private:
  std::array<std::int64_t, timeout_kinds> ns_;
};

// Turns the timeouts of a request into a limit for each of its waits: the nearer one of the total
// and the step's own. One timer for each wait serves both.
class exchange_clock {
 public:
  // The total begins to run; it is `now_ns`.
  exchange_clock(const timeouts& t, std::int64_t now_ns)
      : timeouts_(t), total_at_(after(t[timeout_kind::total], now_ns)) {}

  bool has(timeout_kind kind) const noexcept { return timeouts_[kind] != detail::never_ns; }
  time_limit total() const noexcept { return {total_at_, timeout_kind::total}; }
  // For what may go on for long without a wait that a timer could end.
  bool has_passed() const { return has(timeout_kind::total) && total_at_ <= now(); }
  // For a wait of that kind which begins now.
  time_limit from_now(timeout_kind kind) const;

  // Whether a wait of that length that begins now ends before the total.
  bool has_time_for(std::int64_t ns) const { return after(ns) < total_at_; }

  // "the read timeout of 5.000 s passed".
  std::string passed(timeout_kind kind) const;

 private:
  static time_point after(std::int64_t ns);
  static time_point after(std::int64_t ns, std::int64_t now_ns);

  timeouts timeouts_;
  time_point total_at_;
};

}  // namespace eddy::inline v1::http
