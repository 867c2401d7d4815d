// Content decoded as a streaming reader does it, for the tests of the codings.
#pragma once

#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <string>
#include <vector>

#include "../../net/http/bytes_view.hpp"
#include "../../net/http/content_decoder.hpp"
#include "parse_trace.hpp"

namespace eddy_tests {

struct decoded {
  std::string data;
  std::string error;
};

// Appends all that `input` yields, through `buffer`.
inline void decode_to(eddy::http::content_decoder& decoder, std::string_view input,
                      std::span<std::byte> buffer, std::string& output) {
  auto rest = eddy::http::bytes_of(input);
  for (;;) {
    const auto step = decoder.decode(rest, buffer);
    output.append(eddy::http::text_of(buffer.first(step.produced)));
    rest = rest.subspan(step.consumed);
    if (!step.more) break;
  }
  REQUIRE(rest.empty());
}

// Through an output buffer of that size.
inline decoded decode(std::string_view coding, const parse_trace::pieces& input,
                      std::size_t buffer_bytes = 4096,
                      const eddy::http::limits& bounds = eddy::http::limits()) {
  decoded result;
  try {
    eddy::http::content_decoder decoder(coding, bounds);
    std::vector<std::byte> buffer(buffer_bytes);
    for (const std::string_view piece : input) decode_to(decoder, piece, buffer, result.data);
    decoder.finish();
  } catch (const eddy::http::content_error& failure) {
    result.error = failure.what();
  }
  return result;
}

// Several lines that compress well.
inline std::string sample_text() {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "line " + std::to_string(i * i) + "\n";
  return text;
}

}  // namespace eddy_tests
