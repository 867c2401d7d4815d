#include <eddy/net/http/error.hpp>

#include "../../net/http/chunked.hpp"
#include "cut_input.hpp"

namespace {

struct decoded {
  std::string data;
  std::string rest;  // trailers, whether it is complete, or the error
  std::size_t consumed = 0;
};

decoded decode(const parse_trace::pieces& input, const eddy::http::limits& bounds) {
  using progress = eddy::http::chunked_decoder::progress;
  eddy::http::chunked_decoder decoder(bounds);
  decoded result;
  bool complete = false;
  try {
    for (std::string_view piece : input) {
      const std::size_t size = piece.size();
      auto step = progress::data;
      while (step == progress::data) {
        step = decoder.feed(piece);
        if (step == progress::data) result.data.append(decoder.data());
      }
      result.consumed += size - piece.size();
      complete = step == progress::complete;
      if (!complete && !piece.empty()) std::abort();
    }
    result.rest = parse_trace::in_braces(decoder.trailers()) + (complete ? "complete" : "");
  } catch (const eddy::http::protocol_error& failure) {
    result.rest = failure.what();
    result.consumed = 0;
  }
  return result;
}

}  // namespace

// A chunked body. The choice is of the bounds.
void check_cut(std::uint8_t choice, std::string_view body, const parse_trace::pieces& cut) {

  eddy::http::limits bounds;
  if ((choice & 1U) != 0) {
    bounds.max_chunk_extension_bytes(10).max_trailer_bytes(20).max_header_count(2).max_body_bytes(
        50);
  }
  const decoded whole = decode({body}, bounds);
  const decoded in_pieces = decode(cut, bounds);
  if (whole.data != in_pieces.data || whole.rest != in_pieces.rest) std::abort();
  if (whole.consumed != in_pieces.consumed) std::abort();
}
