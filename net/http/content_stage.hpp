#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace eddy::inline v1::http {

// One coding of a Content-Encoding, being undone. What it puts out is bounded by
// limits::max_decoded_bytes, and what it takes in without putting anything out by
// most_fruitless_bytes: a bomb need not be large to keep us busy. Throws content_error.
class content_stage {
 public:
  // Empty blocks, metadata, skippable frames, bytes after the end: nobody sends that much of them.
  static constexpr std::uint64_t most_fruitless_bytes = std::uint64_t{64} << 20U;

  struct progress {
    std::size_t consumed;
    std::size_t produced;
  };

  content_stage(const content_stage&) = delete;
  content_stage& operator=(const content_stage&) = delete;
  virtual ~content_stage();

  // Until input or output is used up. A filled output may mean that more is held inside.
  progress decode(std::span<const std::byte> input, std::span<std::byte> output);

  // Whether the data may end here.
  virtual bool may_end() const noexcept = 0;
  // "gzip", as it stands in messages.
  virtual std::string_view name() const noexcept = 0;

 protected:
  explicit content_stage(std::uint64_t max_decoded_bytes) noexcept
      : max_decoded_bytes_(max_decoded_bytes) {}

 private:
  virtual progress decode_some(std::span<const std::byte> input, std::span<std::byte> output) = 0;

  std::uint64_t max_decoded_bytes_;
  std::uint64_t decoded_bytes_ = 0;
  std::uint64_t fruitless_bytes_ = 0;
};

}  // namespace eddy::inline v1::http
