#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/net/http/headers.hpp>

// Messages to bytes (RFC 9112), each function appending to a string that the caller owns and
// reuses. All of them throw invalid_request, before they append anything, rather than write what a
// recipient could read in two ways. That field names and values hold no CR, LF or control byte is
// the invariant of http::headers.
namespace eddy::inline v1::http {

// A request line and fields, the empty line included. The method must be a token, the target
// non-empty and without space, control byte, "#" and non-ASCII (§3.2). `fields` must hold exactly
// one Host, which is written first, and not both Content-Length and Transfer-Encoding (§6.2).
void append_request_head(std::string& out, std::string_view method, std::string_view target,
                         const headers& fields);

// The same with fields that were put together before: `lines` of append_field_lines stand between
// the Host and `fields`, which have no Host.
void append_request_head(std::string& out, std::string_view method, std::string_view target,
                         std::string_view host, std::string_view lines, const headers& fields);
// Each field as it stands in a head, without the empty line.
void append_field_lines(std::string& out, const headers& fields);

// A status line and fields, the empty line included. An empty `reason` becomes the registered
// phrase. A 1xx or 204 must announce no body (RFC 9110 §8.6).
void append_response_head(std::string& out, int status, std::string_view reason,
                          const headers& fields);

// The reason phrase of RFC 9110 §15 and the registered extensions, or "" for a status without one.
std::string_view reason_phrase(int status) noexcept;

// RFC 9112 §7.1: a chunk is its prefix, `size` bytes of data, and chunk_end. A chunk of 0 bytes
// would end the body, so `size` must not be 0.
void append_chunk_prefix(std::string& out, std::uint64_t size);
inline constexpr std::string_view chunk_end = "\r\n";

// The last chunk and the trailer section, which must not hold a field that frames or routes (RFC
// 9110 §6.5.1).
void append_last_chunk(std::string& out, const headers& trailers = headers());

}  // namespace eddy::inline v1::http
