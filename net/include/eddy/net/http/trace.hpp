// What a session does, step by step, for who wants to know.
#pragma once

#include <eddy/runtime/timer.hpp>
#include <string_view>

namespace eddy::inline v1::http {

// The steps of a request in their order. From `queued` to `head` they come once for each hop: the
// request itself, then each redirection and each retry that a retry_policy asks for. A hop has
// either `reused`, or what is from `resolving` to `handshake`, as far as needed. A hop that is
// sent again because its kept connection was dead goes back to `connecting`, after `retried`.
enum class trace_step : std::uint8_t {
  queued,        // a connection is asked for
  reused,        // a kept one is there
  resolving,     // a name is looked up
  resolved,      // its addresses are there
  connecting,    // a connection is begun; for a name, the first one
  connected,     // it stands, through the proxy if there is one
  handshake,     // TLS is done
  request_sent,  // the head is with the connection, and a small body behind it; bytes: both
  body_sent,     // a piece of a body that is too large for that; bytes: its size
  first_byte,    // of a response; bytes: how many came together
  head,          // of the final response; status
  chunk,         // a piece of its body came, not decoded yet; bytes: its size
  retried,       // the hop begins again: error, or the status that a retry_policy does not accept
  redirected,    // another hop begins; status: of the response; url: where it led
  done,          // the last byte of the body has come
  failed,        // an error, or "cancelled", or "the response was dropped before its end"
};

// "queued", and so on.
std::string_view name_of(trace_step step) noexcept;

// One step. Its texts are good until on_event returns, and but for `head` hold no control bytes.
class trace_event {
 public:
  trace_event() noexcept {}

  trace_step step = trace_step::queued;
  std::uint64_t request = 0;  // of the session, from 1 on; the same in all steps of a request
  std::string_view method;
  std::string_view url;  // without user info
  unsigned hop = 0;      // 0, and one more with each redirection
  int status = 0;
  std::size_t bytes = 0;
  std::string_view error;
  std::string_view head;  // of request_sent: as it went out, line ends and credentials included
  time_point at;
};

// Is told of each step of each request of a session, as it happens. A request that was begun ends
// with exactly one `done` or `failed`, and nothing follows that. on_event is called inside the
// request's own work, so it must be quick and may not call the session.
//
//   class printing final : public http::trace_observer {
//     void on_event(const http::trace_event& e) noexcept override { … }
//   };
//   http::session client(http::session_options().trace(watcher));
class trace_observer {
 public:
  trace_observer() noexcept {}
  virtual ~trace_observer();
  virtual void on_event(const trace_event& event) noexcept = 0;

 protected:
  trace_observer(const trace_observer&) = default;
  trace_observer& operator=(const trace_observer&) = default;
};

}  // namespace eddy::inline v1::http
