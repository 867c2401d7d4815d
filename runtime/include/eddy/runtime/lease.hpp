// Bytes that were received, on loan from the loop's buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace eddy::inline v1 {

namespace detail {
struct loop_core;
}

// A buffer with the bytes that one receive() brought; empty at the end of the stream. Move-only;
// gives the buffer back when destroyed, on its loop's thread and before `run` returns. Holding
// leases for long is allowed: when the loop's buffers are out, receive() takes blocks from the
// heap.
class lease {
 public:
  lease() noexcept {}
  // `size`: less than 4 GiB.
  lease(detail::loop_core& loop, std::byte* data, std::size_t size, std::uint32_t buffer) noexcept
      : loop_(&loop), data_(data), size_(static_cast<std::uint32_t>(size)), buffer_(buffer) {}
  lease(lease&& other) noexcept
      : loop_(other.loop_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0u)),
        buffer_(other.buffer_) {}
  lease& operator=(lease&& other) noexcept {
    if (this != &other) {
      reset();
      loop_ = other.loop_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0u);
      buffer_ = other.buffer_;
    }
    return *this;
  }
  ~lease() { reset(); }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

  // Gives the buffer back now.
  void reset() noexcept {
    if (data_) give_back();
  }
  // For Eddy's own layers: the loop has ended, and its buffers with it. Reads nothing of either.
  void abandon() noexcept;

 private:
  void give_back() noexcept;

  detail::loop_core* loop_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t buffer_ = 0;
};

}  // namespace eddy::inline v1
