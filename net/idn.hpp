#pragma once

#include <string>

namespace eddy::inline v1::url_syntax {

struct punycode_result {
  std::string ascii;
  std::string problem;  // empty on success
};

// An international host name, in UTF-8 without NUL, as DNS knows it (RFC 5891, UTS 46 without the
// transitional mapping, as browsers do). Always a problem when built without libidn2.
[[nodiscard]] punycode_result to_punycode(const std::string& name);

}  // namespace eddy::inline v1::url_syntax
