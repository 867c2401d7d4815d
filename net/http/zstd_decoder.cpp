#include "zstd_decoder.hpp"

#if EDDY_HAVE_ZSTD

#include <algorithm>
#include <new>
#include <string>

#include <zstd.h>
#include <zstd_errors.h>

#include <eddy/net/http/error.hpp>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8U | std::to_integer<std::uint32_t>(bytes[i]);
  }
  return value;
}

[[noreturn]] void throw_failure(std::size_t result) {
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
      throw std::bad_alloc();
    case ZSTD_error_frameParameter_windowTooLarge:
      throw content_error("zstd data needs a window of more than " +
                          std::to_string(std::size_t{1} << zstd_decoder::most_window_log) +
                          " bytes (RFC 9659)");
    case ZSTD_error_dictionary_wrong:
      throw content_error("zstd data needs a dictionary");
    default:
      throw content_error("zstd data is corrupt: " + std::string(ZSTD_getErrorName(result)));
  }
}

}  // namespace

void zstd_decoder::context_deleter::operator()(ZSTD_DCtx_s* context) const noexcept {
  ZSTD_freeDCtx(context);
}

zstd_decoder::zstd_decoder(std::uint64_t max_decoded_bytes)
    : content_stage(max_decoded_bytes), context_(ZSTD_createDCtx()) {
  if (!context_) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, most_window_log);
}

content_stage::progress zstd_decoder::decode_some(std::span<const std::byte> input,
                                                  std::span<std::byte> output) {
  progress total{0, 0};
  while (total.produced < output.size()) {
    const progress step =
        decode_once(input.subspan(total.consumed), output.subspan(total.produced));
    total.consumed += step.consumed;
    total.produced += step.produced;
    if (step.consumed == 0 && step.produced == 0) break;
  }
  return total;
}

content_stage::progress zstd_decoder::decode_once(std::span<const std::byte> input,
                                                  std::span<std::byte> output) {
  if (!in_frame_) return {collect_magic(input), 0};
  // The library counts calls that bring it nothing, and fails after some.
  if (input.empty() && !held_) return {0, 0};
  return decompress(input, output);
}

std::size_t zstd_decoder::collect_magic(std::span<const std::byte> input) {
  const std::size_t taken = std::min(input.size(), magic_bytes - magic_seen_);
  std::copy_n(input.begin(), taken, magic_.begin() + static_cast<std::ptrdiff_t>(magic_seen_));
  magic_seen_ += taken;
  if (magic_seen_ == magic_bytes) begin_frame();
  return taken;
}

// Looked at here, because the library may know formats older than RFC 8878 without its bounds.
void zstd_decoder::begin_frame() {
  const std::uint32_t magic = little_endian(magic_);
  const bool skippable = (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
  if (magic != ZSTD_MAGICNUMBER && !skippable) {
    throw content_error("zstd data has a frame that starts with " +
                        hex_byte(static_cast<char>(magic_[0])) + " " +
                        hex_byte(static_cast<char>(magic_[1])) + ", which is no zstd frame");
  }
  magic_seen_ = 0;
  in_frame_ = true;
  header_left_ = most_header_bytes;
  decompress(magic_, {});
  held_ = false;
}

content_stage::progress zstd_decoder::decompress(std::span<const std::byte> input,
                                                 std::span<std::byte> output) {
  // Where its input looks like a whole frame the library takes a short cut, past the bound on
  // windows. A header that is crafted to look like one must not take it.
  if (header_left_ > 0 && input.size() > 1 && &input[0] != &magic_[0]) input = input.first(1);
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  ZSTD_outBuffer out{output.data(), output.size(), 0};
  const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
  if (ZSTD_isError(result) != 0) throw_failure(result);
  held_ = out.pos == out.size;
  header_left_ -= std::min(header_left_, in.pos);
  if (result == 0) {
    in_frame_ = false;
    held_ = false;
  }
  return {in.pos, out.pos};
}

}  // namespace eddy::inline v1::http

#endif
