#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct z_stream_s;

namespace eddy::inline v1::http {

// One coding of a Content-Encoding, undone by zlib: see content_decoder for what is accepted.
// Exists only where the build found zlib (EDDY_HAVE_ZLIB).
class inflater {
 public:
  enum class format : std::uint8_t { gzip, deflate };

  struct progress {
    std::size_t consumed;
    std::size_t produced;
  };

  inflater(format what, std::uint64_t max_decoded_bytes);

  // Until input or output is used up.
  progress decode(std::span<const std::byte> input, std::span<std::byte> output);

  // Whether the data may end here.
  bool may_end() const noexcept;
  std::string_view name() const noexcept { return format_ == format::gzip ? "gzip" : "deflate"; }

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

  progress decode_once(std::span<const std::byte> input, std::span<std::byte> output);
  std::size_t collect_magic(std::span<const std::byte> input);
  void begin_stream();
  void reset_stream(int window_bits);
  progress inflate_some(std::span<const std::byte> input, std::span<std::byte> output);
  void end_stream() noexcept;

  std::unique_ptr<z_stream_s, stream_deleter> stream_;
  std::uint64_t max_decoded_bytes_;
  std::uint64_t decoded_bytes_ = 0;
  std::array<std::byte, magic_bytes> magic_{};
  std::size_t magic_seen_ = 0;  // bytes taken into magic_
  std::size_t magic_used_ = 0;  // of those, bytes given to zlib
  state state_ = state::awaits_magic;
  format format_;
  bool stream_ended_ = false;  // at least one stream was complete
};

}  // namespace eddy::inline v1::http
