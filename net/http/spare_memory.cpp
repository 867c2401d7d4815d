#include "spare_memory.hpp"

#include <utility>

#include "../../runtime/sanitizers.hpp"

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

headers spare_headers::take() noexcept {
  headers taken;
  if (kept_ > 0) taken.swap(fields_[--kept_]);
  return taken;
}

void spare_headers::put_back(headers& used) noexcept {
  if (detail::memory_is_watched) return;  // programs hold references to the fields of a response
  const std::size_t bytes = used.capacity_bytes();
  if (bytes == 0 || bytes > most_bytes || kept_ == most_kept) return;
  used.clear();
  fields_[kept_++].swap(used);
}

void request_memories::take(std::string& head, headers& fields) noexcept {
  if (kept_ == 0) return;
  request_memory& spare = memories_[--kept_];
  head.swap(spare.head);
  if (fields.empty()) fields.swap(spare.fields);
}

void request_memories::put_back(std::string& head, headers& fields) noexcept {
  const std::size_t bytes = fields.capacity_bytes() + head.capacity();
  if (bytes > most_bytes || kept_ == most_kept) return;
  fields.clear();
  head.clear();
  request_memory& spare = memories_[kept_++];
  spare.head.swap(head);
  spare.fields.swap(fields);
}

}  // namespace eddy::inline v1::http
