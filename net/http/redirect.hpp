// Where a redirection leads.
#pragma once

#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <optional>
#include <string_view>

namespace eddy::inline v1::http {

// The request that follows a redirection.
struct redirection {
  url to;
  int status = 0;            // of the response that says so
  bool becomes_get = false;  // without the body
  bool new_origin = false;   // another scheme, host or port
};

// RFC 9110 §15.4, §10.2.2. Nothing if the response is not a redirection that can be followed:
// another status (300, 304 and 305 among them), or no Location. Throws http::error for a Location
// that is no URL or not of http or https.
std::optional<redirection> redirection_of(std::string_view method, const url& from, int status,
                                          const headers& fields);

// Removes from a request's fields what must not go along: what described the body that is not sent,
// and to another origin what was meant for the first one.
void prepare_fields(headers& fields, const redirection& r);

}  // namespace eddy::inline v1::http
