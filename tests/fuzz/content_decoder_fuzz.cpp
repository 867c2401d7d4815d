#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "../../net/http/bytes_view.hpp"
#include "../../net/http/content_decoder.hpp"
#include "../net/parse_trace.hpp"

namespace {

constexpr std::uint64_t max_decoded_bytes = 1U << 18U;

struct decoded {
  std::string data;
  bool failed = false;
};

decoded decode(std::string_view coding, const parse_trace::pieces& input,
               std::size_t buffer_bytes) {
  decoded result;
  try {
    eddy::http::content_decoder decoder(coding,
                                        eddy::http::limits().max_decoded_bytes(max_decoded_bytes));
    std::vector<std::byte> buffer(buffer_bytes);
    for (const std::string_view piece : input) {
      auto rest = eddy::http::bytes_of(piece);
      for (;;) {
        const auto step = decoder.decode(rest, buffer);
        result.data.append(eddy::http::text_of(std::span(buffer).first(step.produced)));
        rest = rest.subspan(step.consumed);
        if (!step.more) break;
      }
      if (!rest.empty()) std::abort();
    }
    decoder.finish();
  } catch (const eddy::http::content_error&) {
    result.failed = true;
  }
  return result;
}

}  // namespace

// Content decodes to the same however its bytes arrive and are taken. The first byte chooses the
// codings, the second how many of the following bytes say where to cut, and the rest is the
// content.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view codings[] = {"gzip", "deflate", "gzip, deflate", "deflate, gzip",
                                      "br",   "zstd",    "br, zstd",      "zstd, gzip"};
  const std::string_view coding = codings[data[0] % 8U];
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view sizes = input.substr(2, data[1] % 8U);
  const std::string_view content = input.substr(2 + sizes.size());

  const std::size_t small_buffer = data[0] / 8U + std::size_t{1};
  const decoded whole = decode(coding, {content}, 16 * 1024);
  const decoded cut = decode(coding, parse_trace::cut_by(content, sizes), small_buffer);
  if (whole.failed != cut.failed) std::abort();
  if (!whole.failed && whole.data != cut.data) std::abort();
  return 0;
}
