#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../net/parse_trace.hpp"

// A request means the same however its bytes arrive. The first byte chooses the bounds, the second
// how many of the following bytes say where to cut, and the rest is the request.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view sizes = input.substr(2, data[1] % 8U);
  const std::string_view request = input.substr(2 + sizes.size());

  eddy::http::limits bounds;
  if ((data[0] & 4U) != 0) {
    bounds.max_head_bytes(100).max_start_line_bytes(40).max_header_count(3).max_body_bytes(20);
    bounds.max_chunk_extension_bytes(10).max_trailer_bytes(20);
  }
  const auto whole = parse_trace::request({request}, bounds);
  const auto cut = parse_trace::request(parse_trace::cut_by(request, sizes), bounds);
  if (whole.events != cut.events || whole.error != cut.error) std::abort();
  if (whole.error.empty() && whole.consumed != cut.consumed) std::abort();
  return 0;
}
