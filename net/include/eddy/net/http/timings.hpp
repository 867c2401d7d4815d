// Where the time of a request went.
#pragma once

#include <chrono>

namespace eddy::inline v1::http {

// How long each phase of a request has taken: response::timings(). Sums over its redirections and
// retries; a phase that did not happen is zero, as all of a new connection's are on a kept one. A
// plain value.
class timings {
 public:
  timings() noexcept {}

  using duration = std::chrono::nanoseconds;

  duration queue{};       // waiting for one of the session's connections
  duration resolve{};     // names to addresses
  duration connect{};     // TCP, and what a proxy asked for
  duration handshake{};   // TLS
  duration send{};        // from the first byte of the request to the last
  duration first_byte{};  // from there to the first byte of the response
  duration receive{};     // from there to the last byte, so far; what the caller waits is in it
  duration pause{};       // waiting before a retry
  duration total{};       // from the start, so far
};

}  // namespace eddy::inline v1::http
