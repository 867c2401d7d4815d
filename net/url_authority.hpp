#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "url_text.hpp"

// What stands between "//" and the path (RFC 3986 §3.2).
namespace eddy::inline v1::url_syntax {

struct authority {
  std::string_view user_info;  // as written, still to be requoted
  std::string host;            // normalised; IPv6 without brackets
  bool ipv6 = false;
  bool has_port = false;
  std::uint16_t port = 0;
};

enum class host_rules {
  generic,  // any registered name
  dns,      // http and https: a name that DNS can hold, not empty; ports from 1
};

// `text` must lie inside `from`, whose fail() reports what is wrong.
[[nodiscard]] authority parse_authority(const source& from, std::string_view text,
                                        host_rules rules);

}  // namespace eddy::inline v1::url_syntax
