// When --retry tries again, and how long it waits before: as curl does.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string_view>

namespace fetch {

// 408, 429, 500, 502, 503, 504.
bool is_transient(int status) noexcept;
// Timeouts, and names that are not resolved.
bool is_transient(const std::exception& e) noexcept;

// The seconds that a Retry-After asks for; a date is not understood, and counts as none.
std::optional<std::chrono::seconds> retry_after(std::string_view value) noexcept;

// The waits of one transfer: 1 s, then twice as long each time up to 10 min.
class backoff {
 public:
  std::chrono::seconds next() noexcept;

 private:
  std::chrono::seconds next_{1};
};

}  // namespace fetch
