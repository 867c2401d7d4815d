// Base64 (RFC 4648 §4), as Basic authentication needs it.
#pragma once

#include <string>
#include <string_view>

namespace eddy::inline v1::http {

void append_base64(std::string& out, std::string_view bytes);

}  // namespace eddy::inline v1::http
