#include "cut_input.hpp"

// A response. The choice is of the request's method and the bounds.
void check_cut(std::uint8_t choice, std::string_view response, const parse_trace::pieces& cut) {
  const std::string_view methods[] = {"GET", "HEAD", "CONNECT", "POST"};
  const std::string_view method = methods[choice % 4U];

  eddy::http::limits bounds;
  if ((choice & 4U) != 0) {
    bounds.max_head_bytes(100).max_start_line_bytes(40).max_header_count(3).max_interim_responses(
        1);
    bounds.max_chunk_extension_bytes(10).max_trailer_bytes(20);
  }
  const auto whole = parse_trace::response(method, {response}, bounds);
  const auto in_pieces = parse_trace::response(method, cut, bounds);
  if (whole.events != in_pieces.events || whole.error != in_pieces.error) std::abort();
  if (whole.error.empty() && whole.consumed != in_pieces.consumed) std::abort();
}
