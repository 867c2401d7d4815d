#include <span>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "../../net/http/bytes_view.hpp"
#include "../../net/http/content_decoder.hpp"
#include "cut_input.hpp"

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

// Content, however it is taken, too. The choice is of the codings and of what takes it.
void check_cut(std::uint8_t choice, std::string_view content, const parse_trace::pieces& cut) {
  const std::string_view codings[] = {"gzip", "deflate", "gzip, deflate", "deflate, gzip",
                                      "br",   "zstd",    "br, zstd",      "zstd, gzip"};
  const std::string_view coding = codings[choice % 8U];

  const std::size_t small_buffer = choice / 8U + std::size_t{1};
  const decoded whole = decode(coding, {content}, 16 * 1024);
  const decoded in_pieces = decode(coding, cut, small_buffer);
  if (whole.failed != in_pieces.failed) std::abort();
  if (!whole.failed && whole.data != in_pieces.data) std::abort();
}
