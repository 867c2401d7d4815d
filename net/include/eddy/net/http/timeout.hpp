// What an HTTP exchange throws when it takes too long.
#pragma once

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timer.hpp>
#include <string>

namespace eddy::inline v1::http {

enum class timeout_kind : std::uint8_t {
  total,       // from the start of the request until its body has been read
  pool,        // waiting for one of the session's connections to be free
  resolve,     // name resolution, for each connection
  connect,     // all that it takes to open a connection: name, TCP, proxy and TLS together
  handshake,   // TLS, for each handshake
  first_byte,  // from the request's last byte to the first of the response
  read,        // between two arrivals of bytes, while the client waits for them
  write,       // between two pieces of the request that the connection takes
};
inline constexpr std::size_t timeout_kinds = 8;

// One of the timeouts of a request has passed. The text names the request, which one, its value and
// what was being done: "GET http://example.com/: connecting: the connect timeout of 5.000 s
// passed".
class request_timeout : public timeout_error {
 public:
  request_timeout(timeout_kind kind, const std::string& what) : timeout_error(what), kind_(kind) {}
  ~request_timeout() override;

  timeout_kind kind() const noexcept { return kind_; }

 private:
  timeout_kind kind_;
};

// For any of the timeouts: none.
inline constexpr std::chrono::nanoseconds no_timeout = std::chrono::nanoseconds::max();

}  // namespace eddy::inline v1::http
