#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/net/http/headers.hpp>

namespace eddy::inline v1::http {

// The two versions that this layer speaks. Anything else on the wire is an error, HTTP/0.9
// included.
enum class http_version : std::uint8_t { http_1_0, http_1_1 };

// "HTTP/1.1" or "HTTP/1.0".
constexpr std::string_view name_of(http_version v) noexcept {
  return v == http_version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1";
}

struct response_head {
  int status = 0;
  http_version version = http_version::http_1_1;
  std::string reason;
  headers fields;
};

struct request_head {
  std::string method;
  std::string target;
  http_version version = http_version::http_1_1;
  headers fields;
};

}  // namespace eddy::inline v1::http
