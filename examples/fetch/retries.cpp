#include "retries.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "failure.hpp"

namespace fetch {

namespace {

constexpr std::chrono::seconds longest_wait = std::chrono::minutes(10);
// Of a Retry-After; who asks for more gets this.
constexpr std::chrono::seconds longest_asked_wait = std::chrono::hours(6);

}  // namespace

bool is_transient(int status) noexcept {
  constexpr std::array<int, 6> statuses = {408, 429, 500, 502, 503, 504};
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

bool is_transient(const std::exception& e) noexcept {
  const int code = exit_code_of(e);
  return code == exit_code::timeout || code == exit_code::host_not_resolved ||
         code == exit_code::proxy_not_resolved;
}

std::optional<std::chrono::seconds> retry_after(std::string_view value) noexcept {
  std::uint32_t seconds = 0;
  const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (wrong != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return std::min(std::chrono::seconds(seconds), longest_asked_wait);
}

std::chrono::seconds backoff::next() noexcept {
  return std::exchange(next_, std::min(next_ * 2, longest_wait));
}

}  // namespace fetch
