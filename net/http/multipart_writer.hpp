// The framing of multipart/form-data (RFC 7578, RFC 2046 §5.1.1): pure functions, each appending to
// a string of the caller's.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// How a part is announced. The content type must be a header field's value; empty: none.
struct part_head {
  std::string name;
  std::optional<std::string> filename;
  std::string content_type;
};

// As many random bytes as make a boundary that no content holds by chance or by design: 128 bits.
inline constexpr std::size_t boundary_random_bytes = 16;
std::string boundary_of(std::span<const std::byte, boundary_random_bytes> random);

// A name between quotes (WHATWG HTML, "multipart/form-data encoding algorithm"): a quote becomes
// %22, CR %0D and LF %0A. All else stands as it is.
void append_quoted_name(std::string& out, std::string_view name);

// What comes before a part's content, the empty line included. `first`: before all others.
void append_part_head(std::string& out, std::string_view boundary, const part_head& head,
                      bool first);
// What comes after the last part. `empty`: there was none.
void append_multipart_end(std::string& out, std::string_view boundary, bool empty);

}  // namespace eddy::inline v1::http
