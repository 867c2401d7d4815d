// Where received bytes land: the pool that the kernel picks from, and blocks from the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine.hpp"

struct io_uring;
struct io_uring_buf_ring;

namespace eddy::inline v1::detail {

// A piece of memory with received bytes from `begin` to `end`: a buffer of the pool, or one from
// the heap (`buffer` is heap_buffer), whose bytes follow the block itself.
struct block {
  block* next;
  std::byte* data;
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t buffer;
};

// The registered ring of provided buffers (IORING_REGISTER_PBUF_RING), made at the first receive. A
// buffer is with the kernel, from give_back to taken, or with the engine or a lease. On a kernel
// without such rings (before 5.19) it stays empty and the heap serves.
class buffer_pool {
 public:
  explicit buffer_pool(const engine_options& options) noexcept;
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;
  ~buffer_pool();

  static constexpr std::uint16_t group = 0;

  std::size_t bytes() const noexcept { return bytes_; }
  // True if the kernel has a buffer to pick, as far as is known before the completions are seen.
  bool stocked(io_uring& ring) noexcept;
  // Less than half of it is left to the kernel.
  bool is_low() const noexcept { return with_kernel_ < count_ / 2; }
  // The kernel has put `size` bytes in this buffer.
  block& taken(std::uint32_t buffer, std::size_t size) noexcept;
  // Null if there is no memory.
  static block* from_heap(std::size_t size) noexcept;
  void give_back(block& b) noexcept;
  // The same for what a lease holds: the start of a block's bytes.
  void recycle(std::byte* data, std::uint32_t buffer) noexcept;
  static void free_heap(std::byte* data) noexcept;
  // The kernel may still write: the memory must not be freed.
  void abandon() noexcept { map_ = nullptr; }

 private:
  bool open(io_uring& ring) noexcept;
  void offer(std::uint32_t buffer) noexcept;

  std::size_t bytes_;
  std::uint32_t count_;
  std::uint32_t with_kernel_ = 0;
  bool tried_;
  io_uring_buf_ring* ring_ = nullptr;
  std::byte* first_ = nullptr;
  block* blocks_ = nullptr;
  void* map_ = nullptr;
  std::size_t map_size_ = 0;
};

// The blocks that a stream has received and nobody has taken, in order: a ring, known by its last.
// Owns nothing.
class block_queue {
 public:
  bool empty() const noexcept { return !last_; }
  // Whether there are at least so many, which is at least one.
  bool holds(unsigned count) const noexcept {
    if (!last_) return false;
    const block* b = last_->next;
    for (; count > 1 && b != last_; --count) b = b->next;
    return count == 1;
  }
  block& front() noexcept { return *last_->next; }
  void push(block& b) noexcept {
    b.next = &b;
    if (last_) std::swap(b.next, last_->next);
    last_ = &b;
  }
  block& pop() noexcept {
    block& b = *last_->next;
    if (&b == last_) {
      last_ = nullptr;
    } else {
      last_->next = b.next;
    }
    return b;
  }

 private:
  block* last_ = nullptr;
};

}  // namespace eddy::inline v1::detail
