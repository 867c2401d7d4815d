#include "brotli_decoder.hpp"

#if EDDY_HAVE_BROTLI

#include <new>
#include <string>

#include <brotli/decode.h>

#include <eddy/net/http/error.hpp>

namespace eddy::inline v1::http {

namespace {

// "EXUBERANT_NIBBLE", as the library names it; some versions begin with an underscore.
std::string reason_of(BrotliDecoderErrorCode code) {
  std::string_view reason = BrotliDecoderErrorString(code);
  if (reason.starts_with('_')) reason.remove_prefix(1);
  return std::string(reason);
}

// The library leaves alone what follows the end.
void refuse_more(std::size_t bytes) {
  if (bytes > 0) throw content_error("br data goes on after its end");
}

}  // namespace

void brotli_decoder::state_deleter::operator()(BrotliDecoderStateStruct* state) const noexcept {
  BrotliDecoderDestroyInstance(state);
}

brotli_decoder::brotli_decoder(std::uint64_t max_decoded_bytes)
    : content_stage(max_decoded_bytes),
      state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
  if (!state_) throw std::bad_alloc();
}

content_stage::progress brotli_decoder::decode_some(std::span<const std::byte> input,
                                                    std::span<std::byte> output) {
  if (ended_) {
    refuse_more(input.size());
    return {0, 0};
  }
  if (!input.empty()) begun_ = true;
  std::size_t input_left = input.size();
  std::size_t output_left = output.size();
  const auto* next_in = reinterpret_cast<const std::uint8_t*>(input.data());
  auto* next_out = reinterpret_cast<std::uint8_t*>(output.data());
  const BrotliDecoderResult result = BrotliDecoderDecompressStream(
      state_.get(), &input_left, &next_in, &output_left, &next_out, nullptr);
  if (result == BROTLI_DECODER_RESULT_ERROR) fail();
  ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
  if (ended_) refuse_more(input_left);
  return {input.size() - input_left, output.size() - output_left};
}

void brotli_decoder::fail() const {
  const BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(state_.get());
  const bool no_memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                         code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
  if (no_memory) throw std::bad_alloc();
  throw content_error("br data is corrupt: " + reason_of(code));
}

}  // namespace eddy::inline v1::http

#endif
