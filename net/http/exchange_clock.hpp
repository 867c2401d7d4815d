// The timeouts of one request.
#pragma once

#include <eddy/net/http/timeout.hpp>

namespace eddy::inline v1::http {

// When a wait has to be over, and which timeout says so.
struct time_limit {
  time_point at = time_point::max();
  timeout_kind kind = timeout_kind::total;
};

// Durations in nanoseconds; never_ns: none.
struct timeouts {
  std::int64_t total_ns;
  std::int64_t connect_ns;
  std::int64_t read_ns;
};

// Turns the timeouts of a request into a limit for each of its waits: the nearer one of the total
// and the step's own. One timer for each wait serves both.
class exchange_clock {
 public:
  // The total begins to run.
  explicit exchange_clock(const timeouts& t) : timeouts_(t), total_at_(after(t.total_ns)) {}

  time_limit total() const noexcept { return {total_at_, timeout_kind::total}; }
  time_limit connect() const { return nearer(timeouts_.connect_ns, timeout_kind::connect); }
  time_limit read() const { return nearer(timeouts_.read_ns, timeout_kind::read); }

  // "the read timeout of 5.000 s passed".
  std::string passed(timeout_kind kind) const;

 private:
  static time_point after(std::int64_t ns);
  time_limit nearer(std::int64_t ns, timeout_kind kind) const;

  timeouts timeouts_;
  time_point total_at_;
};

}  // namespace eddy::inline v1::http
