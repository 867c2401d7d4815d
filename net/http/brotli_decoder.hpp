#pragma once

#include <memory>

#include "content_stage.hpp"

struct BrotliDecoderStateStruct;

namespace eddy::inline v1::http {

// The coding br (RFC 7932), undone by libbrotlidec: see content_decoder for what is accepted. Its
// window is 16 MiB at the most; that much memory is taken only if the data asks for it.
// Exists only where the build found the library (EDDY_HAVE_BROTLI).
class brotli_decoder final : public content_stage {
 public:
  explicit brotli_decoder(std::uint64_t max_decoded_bytes);

  bool may_end() const noexcept override { return ended_ || !begun_; }
  std::string_view name() const noexcept override { return "br"; }

 private:
  struct state_deleter {
    void operator()(BrotliDecoderStateStruct* state) const noexcept;
  };

  progress decode_some(std::span<const std::byte> input, std::span<std::byte> output) override;
  [[noreturn]] void fail() const;

  std::unique_ptr<BrotliDecoderStateStruct, state_deleter> state_;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace eddy::inline v1::http
