// What a request tells while it goes on: to an observer, to its timings and to the session's
// counters.
#pragma once

#include <eddy/net/http/timings.hpp>
#include <eddy/net/http/trace.hpp>
#include <eddy/net/url.hpp>
#include <string>

namespace eddy::inline v1::http {

// Of a session, so far.
struct session_counters {
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t failures = 0;
  std::uint64_t redirects = 0;
  std::uint64_t retries = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

// Goes from the exchange to the response. Without an observer a step costs the test of a pointer.
// Nothing here throws or allocates but enter(), with an observer. The counters and the observer
// outlive it.
class request_progress {
 public:
  // The request begins now, at begun_ns().
  request_progress(trace_observer* observer, session_counters& counters) noexcept;
  request_progress(request_progress&& other) noexcept;
  request_progress& operator=(request_progress&&) = delete;
  // What has not ended yet was dropped: its last step.
  ~request_progress();

  // A hop to that URL: what the events that follow name.
  void enter(std::string_view method, const url& to) {
    if (observer_) describe(method, to);
  }
  void tell(trace_step what, std::size_t bytes = 0, int status = 0) const noexcept {
    if (observer_) emit(what, bytes, status, {});
  }
  // `message` begins with the request's head.
  void tell_sent(std::string_view message) const noexcept {
    if (observer_) emit_sent(message);
  }
  void redirected(std::string_view method, const url& to, int status);
  // The hop will be sent again.
  void retried(std::string_view error, int status) noexcept;
  void sent(std::size_t bytes) noexcept { counters_->bytes_sent += bytes; }
  void received(std::size_t bytes) noexcept { counters_->bytes_received += bytes; }

  // The time since the last lap belongs to that phase.
  void lap(timings::duration timings::* phase) noexcept;
  const timings& times() const noexcept { return times_; }
  std::int64_t begun_ns() const noexcept { return begun_ns_; }
  // When the last lap ended.
  std::int64_t lap_ns() const noexcept { return lap_ns_; }

  // The end; only the first of these counts.
  void done() noexcept;
  void failed(std::string_view error) noexcept;
  // For the catch block around an exchange: `failed` with what is being thrown.
  void failed_with_current() noexcept;

 private:
  void describe(std::string_view method, const url& to);
  void emit_sent(std::string_view message) const noexcept;
  void emit(trace_step what, std::size_t bytes, int status, std::string_view error) const noexcept;
  trace_event event_of(trace_step what) const noexcept;

  trace_observer* observer_;
  session_counters* counters_;
  std::uint64_t id_;
  timings times_;
  std::int64_t begun_ns_;
  std::int64_t lap_ns_;
  std::string line_;  // "GET http://example.com/", with an observer
  std::size_t method_bytes_ = 0;
  unsigned hop_ = 0;
  bool ended_ = false;
};

}  // namespace eddy::inline v1::http
