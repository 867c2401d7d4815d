// Errors that say which request they concern.
#pragma once

#include <eddy/net/http/error.hpp>
#include <eddy/net/url.hpp>
#include <string>
#include <string_view>

#include "exchange_clock.hpp"

namespace eddy::inline v1::http {

// "http://example.com/a?b", for messages. User info is left out: it may hold a password.
std::string place_of(const url& to);
// "GET http://example.com/a?b".
std::string request_line_of(std::string_view method, const url& to);

// For a catch block around an exchange: throws what was caught, of the same type, with the request
// and the step in front of its text, and as a request_failure. A timeout_error becomes the
// request_timeout that `limit` and `clock` tell; `aborted` replaces the error that a closed session
// has caused. What is not a std::exception, a cancellation first of all, passes as it is.
[[noreturn]] void rethrow_named(const std::string& request, request_stage during,
                                timeout_kind limit, const exchange_clock& clock, bool aborted);

// The same for what the body's source threw, which has nothing to do with the connection and with
// the timeouts of this request. A type that is not known here passes as it is.
[[noreturn]] void rethrow_of_body(const std::string& request, request_stage during);

}  // namespace eddy::inline v1::http
