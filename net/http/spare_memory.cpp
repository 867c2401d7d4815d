#include "spare_memory.hpp"

#include <utility>

namespace eddy::inline v1::http {

read_buffers::buffer read_buffers::take() {
  if (kept_ > 0) return std::move(buffers_[--kept_]);
  return buffer(new std::byte[buffer_bytes]);
}

void read_buffers::put_back(buffer used) noexcept {
  if (!used || kept_ == most_kept) return;
  buffers_[kept_++] = std::move(used);
}

void read_buffers::clear() noexcept {
  while (kept_ > 0) buffers_[--kept_].reset();
}

request_memory request_memories::take() noexcept {
  if (kept_.empty()) return {};
  request_memory spare = std::move(kept_.back());
  kept_.pop_back();
  return spare;
}

void request_memories::put_back(request_memory used) noexcept {
  const std::size_t bytes = used.fields.capacity_bytes() + used.head.capacity();
  if (bytes > most_bytes || kept_.size() == most_kept) return;
  used.fields.clear();
  used.head.clear();
  kept_.push_back(std::move(used));
}

}  // namespace eddy::inline v1::http
