// What is said to a proxy before it lets bytes through.
#pragma once

#include <eddy/net/http/limits.hpp>

#include "message.hpp"
#include "route.hpp"
#include "socks5.hpp"
#include "transport.hpp"

namespace eddy::inline v1::http {

// "proxy http://proxy.example:3128", for messages: without credentials.
std::string name_of(const http::proxy& p);

// Sends CONNECT for the route's origin, with that value of Proxy-Authorization unless it is empty,
// and reads the head of the reply. After a status of 2xx `link` is the tunnel; after another one it
// is good for nothing. Throws proxy_error for a reply that is none, ends, exceeds `bounds`, or has
// something behind it already; what the transport throws. `link` outlives the task. Cancellation
// point.
task<response_head> ask_for_tunnel(transport& link, const route& to, std::string credentials,
                                   limits bounds);
// "proxy … refuses a tunnel to example.com:443: 403 Forbidden".
[[noreturn]] void throw_tunnel_refused(const route& to, const response_head& reply);

// The whole of SOCKS 5: `link` then leads to the origin. `asked` is what has been made for it.
// Throws proxy_error, and what the transport throws. Cancellation point.
task<> ask_socks(transport& link, const route& to, socks5_client asked);

}  // namespace eddy::inline v1::http
