#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <eddy/net/http/error.hpp>

#include "../../net/http/chunked.hpp"
#include "../net/parse_trace.hpp"

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

// A chunked body means the same however its bytes arrive. The first byte chooses the bounds, the
// second how many of the following bytes say where to cut, and the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view sizes = input.substr(2, data[1] % 8U);
  const std::string_view body = input.substr(2 + sizes.size());

  eddy::http::limits bounds;
  if ((data[0] & 1U) != 0) {
    bounds.max_chunk_extension_bytes(10).max_trailer_bytes(20).max_header_count(2).max_body_bytes(
        50);
  }
  const decoded whole = decode({body}, bounds);
  const decoded cut = decode(parse_trace::cut_by(body, sizes), bounds);
  if (whole.data != cut.data || whole.rest != cut.rest) std::abort();
  if (whole.consumed != cut.consumed) std::abort();
  return 0;
}
