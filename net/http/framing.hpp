#pragma once

#include <cstdint>
#include <string_view>

#include <eddy/net/http/headers.hpp>

#include "message.hpp"

namespace eddy::inline v1::http {

// How the end of a message is found.
enum class body_end : std::uint8_t {
  none,         // there is no body
  sized,        // after `size` bytes
  chunked,      // after the last chunk and the trailer section
  until_close,  // when the connection ends
  tunnel,       // never: what follows the head is another protocol
};

struct body_framing {
  body_end end = body_end::none;
  std::uint64_t size = 0;
  // The head contradicts itself about a body that must not be there, so bytes may follow that
  // belong to nobody, perhaps after the message looks complete: the connection must not carry
  // another one.
  bool ambiguous = false;
};

// RFC 9112 §6.3, for a response to a request of that method. Throws protocol_error where recipients
// are known to disagree, which is what response splitting is made of: conflicting or malformed
// Content-Length ("5, 5" passes), Transfer-Encoding together with Content-Length, in HTTP/1.0, or
// with anything but exactly one "chunked".
body_framing response_framing(std::string_view request_method, http_version version, int status,
                              const headers& fields);

// The same for a request, where a message that names no length has no body.
body_framing request_framing(http_version version, const headers& fields);

// RFC 9112 §9.3: whether the sender of this head means to keep the connection open.
bool connection_persists(http_version version, const headers& fields);

}  // namespace eddy::inline v1::http
