#pragma once

#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <optional>
#include <string>

#include "settings.hpp"

namespace fetch {

// A request as it goes out, on this hop of a chain of redirections.
struct outgoing {
  eddy::url to;
  std::string method;
  eddy::http::headers fields;
  std::optional<std::string> body;
  bool same_origin = true;  // as the first request's: -u may be sent
};

// The first request for `text`, which may lack its scheme. Throws url_error, and failure for a
// scheme that is not http or https.
outgoing first_request(const settings& s, const std::string& text);

// The request that a response of `status` with these fields leads to, or nothing if it is no
// redirection. As curl does it: 301, 302 and 303 drop the body, and make a POST that no -X asked
// for a GET; what -X names stays. What is meant for one origin (the fields Authorization, Cookie,
// Host, -u and the URL's user info) is not sent to another. Throws as first_request.
std::optional<outgoing> next_request(const settings& s, const outgoing& last, int status,
                                     const eddy::http::headers& fields);

}  // namespace fetch
