#pragma once

#include <eddy/net/http/response.hpp>
#include <string>

namespace fetch {

// A response's head as text, lines ended by CRLF, with the empty line behind it.
std::string head_text(const eddy::http::response& answer);

}  // namespace fetch
