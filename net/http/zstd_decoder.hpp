#pragma once

#include <array>
#include <memory>

#include "content_stage.hpp"

struct ZSTD_DCtx_s;

namespace eddy::inline v1::http {

// The coding zstd (RFC 8878), undone by libzstd: see content_decoder for what is accepted. Exists
// only where the build found the library (EDDY_HAVE_ZSTD).
class zstd_decoder final : public content_stage {
 public:
  // RFC 9659 §3: no content needs a larger window, and a frame that does is refused.
  static constexpr int most_window_log = 23;  // 8 MiB

  explicit zstd_decoder(std::uint64_t max_decoded_bytes);

  bool may_end() const noexcept override { return !in_frame_ && magic_seen_ == 0; }
  std::string_view name() const noexcept override { return "zstd"; }

 private:
  struct context_deleter {
    void operator()(ZSTD_DCtx_s* context) const noexcept;
  };

  static constexpr std::size_t magic_bytes = 4;
  static constexpr std::size_t most_header_bytes = 18;  // RFC 8878 §3.1.1, the magic included

  progress decode_some(std::span<const std::byte> input, std::span<std::byte> output) override;
  progress decode_once(std::span<const std::byte> input, std::span<std::byte> output);
  std::size_t collect_magic(std::span<const std::byte> input);
  void begin_frame();
  progress decompress(std::span<const std::byte> input, std::span<std::byte> output);

  std::unique_ptr<ZSTD_DCtx_s, context_deleter> context_;
  std::array<std::byte, magic_bytes> magic_{};  // of the frame that begins, if one does
  std::size_t magic_seen_ = 0;
  std::size_t header_left_ = 0;  // at the most, of the frame's header
  bool in_frame_ = false;
  bool held_ = false;  // the output was filled: there may be more without input
};

}  // namespace eddy::inline v1::http
