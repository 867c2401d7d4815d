#include "io_uring_buffers.hpp"

#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <new>

#include "io_uring_plain.hpp"

namespace eddy::inline v1::detail {

namespace {

constexpr unsigned most_buffers = 32768;                  // the kernel's limit for one ring
constexpr std::size_t most_bytes = std::size_t{1} << 30;  // results are ints

}  // namespace

buffer_pool::buffer_pool(const engine_options& options) noexcept
    : bytes_(std::clamp<std::size_t>(options.buffer_bytes, 1, most_bytes)),
      count_(std::bit_ceil(std::clamp(options.buffer_count, 1u, most_buffers))),
      tried_(io_uring_plain()) {}

buffer_pool::~buffer_pool() {
  if (!map_) return;
  ::munmap(map_, map_size_);
  delete[] blocks_;
}

bool buffer_pool::stocked(io_uring& ring) noexcept {
  if (!tried_) {
    tried_ = true;
    if (!open(ring)) ring_ = nullptr;
  }
  return with_kernel_ > 0;
}

// One mapping: the ring, then the buffers. Pages that no bytes ever reach cost nothing.
bool buffer_pool::open(io_uring& ring) noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t ring_size = (count_ * sizeof(io_uring_buf) + page - 1) / page * page;
  const std::size_t size = ring_size + count_ * bytes_;
  auto* blocks = new (std::nothrow) block[count_];
  if (!blocks) return false;
  void* map = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) {
    delete[] blocks;
    return false;
  }
  io_uring_buf_reg what = {};
  what.ring_addr = reinterpret_cast<std::uintptr_t>(map);
  what.ring_entries = count_;
  what.bgid = group;
  if (io_uring_register_buf_ring(&ring, &what, 0) != 0) {
    ::munmap(map, size);
    delete[] blocks;
    return false;
  }
  map_ = map;
  map_size_ = size;
  blocks_ = blocks;
  ring_ = static_cast<io_uring_buf_ring*>(map);
  first_ = static_cast<std::byte*>(map) + ring_size;
  io_uring_buf_ring_init(ring_);
  for (std::uint32_t i = 0; i < count_; ++i) {
    blocks_[i] = block{nullptr, first_ + i * bytes_, 0, 0, i};
    offer(i);
  }
  return true;
}

void buffer_pool::offer(std::uint32_t buffer) noexcept {
  io_uring_buf_ring_add(ring_, first_ + buffer * bytes_, static_cast<unsigned>(bytes_),
                        static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(ring_, 1);
  ++with_kernel_;
}

block& buffer_pool::taken(std::uint32_t buffer, std::size_t size) noexcept {
  --with_kernel_;
  block& b = blocks_[buffer];
  b.begin = 0;
  b.end = static_cast<std::uint32_t>(size);
  return b;
}

block* buffer_pool::from_heap(std::size_t size) noexcept {
  void* room = ::operator new(sizeof(block) + size, std::nothrow);
  if (!room) return nullptr;
  auto* data = static_cast<std::byte*>(room) + sizeof(block);
  return ::new (room) block{nullptr, data, 0, 0, heap_buffer};
}

void buffer_pool::give_back(block& b) noexcept {
  if (b.buffer == heap_buffer) {
    ::operator delete(&b);
  } else {
    offer(b.buffer);
  }
}

void buffer_pool::recycle(std::byte* data, std::uint32_t buffer) noexcept {
  if (buffer == heap_buffer) {
    free_heap(data);
  } else {
    offer(buffer);
  }
}

void buffer_pool::free_heap(std::byte* data) noexcept { ::operator delete(data - sizeof(block)); }

}  // namespace eddy::inline v1::detail
