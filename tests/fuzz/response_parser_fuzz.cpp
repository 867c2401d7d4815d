#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../net/parse_trace.hpp"

// A response means the same however its bytes arrive. The first byte chooses the request's method
// and the bounds, the second how many of the following bytes say where to cut, and the rest is the
// response.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view methods[] = {"GET", "HEAD", "CONNECT", "POST"};
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view sizes = input.substr(2, data[1] % 8U);
  const std::string_view response = input.substr(2 + sizes.size());
  const std::string_view method = methods[data[0] % 4U];

  eddy::http::limits bounds;
  if ((data[0] & 4U) != 0) {
    bounds.max_head_bytes(100).max_start_line_bytes(40).max_header_count(3).max_interim_responses(
        1);
    bounds.max_chunk_extension_bytes(10).max_trailer_bytes(20);
  }
  const auto whole = parse_trace::response(method, {response}, bounds);
  const auto cut = parse_trace::response(method, parse_trace::cut_by(response, sizes), bounds);
  if (whole.events != cut.events || whole.error != cut.error) std::abort();
  if (whole.error.empty() && whole.consumed != cut.consumed) std::abort();
  return 0;
}
