#include "content_decoder.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "bytes_view.hpp"
#include "content_stage.hpp"
#include "grammar.hpp"
#include "quoted.hpp"

#if EDDY_HAVE_ZLIB
#include "inflater.hpp"
#endif
#if EDDY_HAVE_BROTLI
#include "brotli_decoder.hpp"
#endif
#if EDDY_HAVE_ZSTD
#include "zstd_decoder.hpp"
#endif

namespace eddy::inline v1::http {

namespace {

// Between two stacked codings, and the step in which a string grows.
constexpr std::size_t buffer_bytes = 16 * 1024;

// The codings to undo, in the order in which they were applied; identity left out.
std::vector<std::string_view> parse_codings(std::string_view content_encoding,
                                            std::size_t max_codings) {
  std::vector<std::string_view> codings;
  grammar::for_each_element(content_encoding, [&](std::string_view coding) {
    if (coding.empty() || grammar::equal_ignoring_case(coding, "identity")) return;
    if (codings.size() == max_codings) {
      throw content_error("Content-Encoding " + quoted(content_encoding) +
                          " stacks more codings than max_content_codings (" +
                          std::to_string(max_codings) + ")");
    }
    codings.push_back(coding);
  });
  return codings;
}

// RFC 9110 §8.4.1.3: x-gzip is the same as gzip.
std::unique_ptr<content_stage> make_stage(std::string_view coding, std::uint64_t max_decoded) {
  const auto is = [coding](std::string_view name) {
    return grammar::equal_ignoring_case(coding, name);
  };
#if EDDY_HAVE_ZLIB
  using format = inflater::format;
  if (is("gzip") || is("x-gzip")) return std::make_unique<inflater>(format::gzip, max_decoded);
  if (is("deflate")) return std::make_unique<inflater>(format::deflate, max_decoded);
#endif
#if EDDY_HAVE_BROTLI
  if (is("br")) return std::make_unique<brotli_decoder>(max_decoded);
#endif
#if EDDY_HAVE_ZSTD
  if (is("zstd")) return std::make_unique<zstd_decoder>(max_decoded);
#endif
  (void)is;
  (void)max_decoded;
  throw content_error("unsupported Content-Encoding " + quoted(coding) + ": this build decodes " +
                      std::string(accepted_encodings()));
}

}  // namespace

std::string_view accepted_encodings() noexcept {
  constexpr std::string_view all = ""
#if EDDY_HAVE_ZLIB
                                   ", gzip, deflate"
#endif
#if EDDY_HAVE_BROTLI
                                   ", br"
#endif
#if EDDY_HAVE_ZSTD
                                   ", zstd"
#endif
      ;
  return all.empty() ? "identity" : all.substr(std::min<std::size_t>(all.size(), 2));
}

// The stages in the order that data passes them. Each pulls from the one before it, so nothing is
// decoded that the caller's output has no room for.
struct content_decoder::chain {
  struct stage {
    std::unique_ptr<content_stage> coding;
    std::vector<std::byte> buffer;         // what the stage before put out; empty for the first
    std::span<const std::byte> waiting{};  // the part of it that is not decoded yet
  };

  chain(const std::vector<std::string_view>& codings, const limits& bounds) {
    stages.reserve(codings.size());
    for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
      stages.push_back({make_stage(*coding, bounds.max_decoded_bytes()),
                        std::vector<std::byte>(stages.empty() ? 0 : buffer_bytes)});
    }
  }

  // Advances `input` past what it used.
  std::size_t pull(std::size_t index, std::span<const std::byte>& input,
                   std::span<std::byte> output) {
    stage& here = stages[index];
    std::span<const std::byte>& source = index == 0 ? input : here.waiting;
    std::size_t produced = 0;
    for (;;) {
      const auto step = here.coding->decode(source, output.subspan(produced));
      source = source.subspan(step.consumed);
      produced += step.produced;
      work += step.consumed + step.produced;
      if (produced == output.size() || index == 0 || work >= most_work) return produced;
      const std::size_t refilled = pull(index - 1, input, here.buffer);
      if (refilled == 0) return produced;
      here.waiting = std::span(here.buffer).first(refilled);
    }
  }

  std::vector<stage> stages;
  std::size_t work = 0;  // in this call
};

content_decoder::content_decoder(std::string_view content_encoding, const limits& bounds) {
  const auto codings = parse_codings(content_encoding, bounds.max_content_codings());
  if (!codings.empty()) chain_ = std::make_unique<chain>(codings, bounds);
}

content_decoder::progress content_decoder::decode(std::span<const std::byte> input,
                                                  std::span<std::byte> output) {
  if (chain_ == nullptr) {
    const std::size_t size = std::min(input.size(), output.size());
    std::copy_n(input.begin(), size, output.begin());
    return {size, size, size < input.size()};
  }
  chain_->work = 0;
  std::span<const std::byte> rest = input;
  const std::size_t produced = chain_->pull(chain_->stages.size() - 1, rest, output);
  const bool more = produced == output.size() || !rest.empty() || chain_->work >= most_work;
  return {input.size() - rest.size(), produced, more};
}

void content_decoder::finish() const {
  if (chain_ == nullptr) return;
  for (const chain::stage& stage : chain_->stages) {
    if (stage.coding->may_end()) continue;
    throw content_error(std::string(stage.coding->name()) + " data is truncated");
  }
}

content_decoder::content_decoder(content_decoder&&) noexcept = default;
content_decoder& content_decoder::operator=(content_decoder&&) noexcept = default;
content_decoder::~content_decoder() = default;

bool content_decoder::is_identity() const noexcept { return chain_ == nullptr; }

}  // namespace eddy::inline v1::http
