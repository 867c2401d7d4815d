#pragma once

#include <eddy/net/http/response.hpp>
#include <string>

namespace fetch {

// "Name: value", each in a line ended by CRLF.
std::string field_lines(const eddy::http::headers& fields);

// A response's head as text, with the empty line behind it; those of interim responses first.
std::string head_text(const eddy::http::response& answer);

}  // namespace fetch
