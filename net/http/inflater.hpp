#pragma once

#include <array>
#include <memory>

#include "content_stage.hpp"

struct z_stream_s;

namespace eddy::inline v1::http {

// The codings gzip and deflate, undone by zlib: see content_decoder for what is accepted. Exists
// only where the build found zlib (EDDY_HAVE_ZLIB).
class inflater final : public content_stage {
 public:
  enum class format : std::uint8_t { gzip, deflate };

  inflater(format what, std::uint64_t max_decoded_bytes);

  bool may_end() const noexcept override;
  std::string_view name() const noexcept override {
    return format_ == format::gzip ? "gzip" : "deflate";
  }

 private:
  enum class state : std::uint8_t {
    awaits_magic,  // too few bytes to tell what begins, if anything
    in_stream,     // inside a gzip member or a zlib or raw stream
    ignoring,      // after the end
  };
  struct stream_deleter {
    void operator()(z_stream_s* stream) const noexcept;
  };

  static constexpr std::size_t magic_bytes = 2;

  progress decode_some(std::span<const std::byte> input, std::span<std::byte> output) override;
  progress decode_once(std::span<const std::byte> input, std::span<std::byte> output);
  std::size_t collect_magic(std::span<const std::byte> input);
  void begin_stream();
  void reset_stream(int window_bits);
  progress inflate_some(std::span<const std::byte> input, std::span<std::byte> output);
  void end_stream() noexcept;

  std::unique_ptr<z_stream_s, stream_deleter> stream_;
  std::array<std::byte, magic_bytes> magic_{};
  std::size_t magic_seen_ = 0;  // bytes taken into magic_
  std::size_t magic_used_ = 0;  // of those, bytes given to zlib
  state state_ = state::awaits_magic;
  format format_;
  bool stream_ended_ = false;  // at least one stream was complete
};

}  // namespace eddy::inline v1::http
