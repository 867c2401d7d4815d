#include "retry.hpp"

#include <algorithm>
#include <array>

namespace eddy::inline v1::http {

// Methods are case-sensitive (RFC 9110 §9.1).
bool is_idempotent(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 6> methods = {"GET",    "HEAD", "OPTIONS",
                                                       "DELETE", "PUT",  "TRACE"};
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

}  // namespace eddy::inline v1::http
