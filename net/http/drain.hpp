// The rest of a body that nobody wants.
#pragma once

#include <chrono>
#include <cstddef>

#include "response_parser.hpp"

namespace eddy::inline v1::http {

// What is read of it so that its connection can be used again: more than an error page, less than a
// new connection costs. And for how long.
inline constexpr std::size_t most_drained_bytes = 64 * 1024;
inline constexpr std::chrono::seconds most_drain_time(1);

// Whether it is known before that reading it would not pay.
inline bool takes_long_to_drain(const response_parser& parser) noexcept {
  const body_end end = parser.framing().end;
  return end == body_end::until_close || end == body_end::tunnel ||
         parser.body_bytes_left() > most_drained_bytes;
}

}  // namespace eddy::inline v1::http
