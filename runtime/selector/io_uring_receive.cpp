// Receiving into the engine's buffers, and changing between that and plain reads.
//
// Bytes come in by a multishot receive that stays armed between the reader's requests, or, while
// the pool has no buffer, by single receives into blocks from the heap. What nobody has asked for
// is retained; at retained_limit the multishot is cancelled and armed again only when the reader
// has taken everything and asks for more. The socket's own order is kept because only one entry
// that receives is with the kernel at any time: a plain read waits until the channel's last
// completion has come and what it brought has been delivered.
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

// True if `result` is there at once.
bool engine::state::ask_to_read(descriptor& d, operation& op, int& result) noexcept {
  io_lane& reader = d.lanes[lane_in];
  io_lane& channel = d.lanes[lane_channel];
  assert(!reader.op && "one reader at a time for each descriptor");
  if (deliver(d, op, result)) return true;
  reader.op = &op;
  if (op.code == op_code::receive) {
    if (channel.cancelling == io_lane::cancel::wanted) channel.cancelling = io_lane::cancel::none;
    if (!d.receiving()) {
      channel.state = io_lane::entry::wanted;
      change(d);
    }
  } else {
    cancel_lane(d, lane_channel);
    if (!d.receiving()) {
      reader.state = io_lane::entry::wanted;
      change(d);
    }
  }
  return false;
}

// From what was retained, in order: bytes, then the end or error that followed them.
bool engine::state::deliver(descriptor& d, operation& op, int& result) noexcept {
  const bool lends = op.code == op_code::receive;
  if (!lends && op.size == 0) {
    result = 0;
    return true;
  }
  if (!d.retained.empty()) {
    if (lends) {
      lend_front(d, op, result);
    } else {
      result = copy_retained(d, op);
    }
    return true;
  }
  if (!d.ended) return false;
  d.ended = false;
  result = d.ending;
  if (lends) op.data = nullptr;
  return true;
}

void engine::state::lend_front(descriptor& d, operation& op, int& result) noexcept {
  block& b = d.retained.pop();
  // A lease of a heap block names it by its first byte.
  if (b.buffer == heap_buffer && b.begin > 0) {
    std::memmove(b.data, b.data + b.begin, b.end - b.begin);
    b.end -= b.begin;
    b.begin = 0;
  }
  op.data = b.data + b.begin;
  op.buffer = b.buffer;
  result = static_cast<int>(b.end - b.begin);
}

int engine::state::copy_retained(descriptor& d, operation& op) noexcept {
  auto* out = static_cast<std::byte*>(op.data);
  std::size_t copied = 0;
  while (copied < op.size && !d.retained.empty()) {
    block& b = d.retained.front();
    const std::size_t size = std::min<std::size_t>(op.size - copied, b.end - b.begin);
    std::memcpy(out + copied, b.data + b.begin, size);
    copied += size;
    b.begin += static_cast<std::uint32_t>(size);
    if (b.begin == b.end) pool.give_back(d.retained.pop());
  }
  return static_cast<int>(copied);
}

bool engine::state::push_channel(descriptor& d) noexcept {
  io_lane& channel = d.lanes[lane_channel];
  d.into_heap = d.no_buffers || !pool.stocked(ring.raw());
  if (d.into_heap && !d.landing) d.landing = buffer_pool::from_heap(pool.bytes());
  if (d.into_heap && !d.landing) {
    channel.state = io_lane::entry::none;
    if (d.lanes[lane_in].op) end(d.lanes[lane_in], -ENOMEM);
    return true;
  }
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  if (d.into_heap) {
    io_uring_prep_recv(entry, d.fd, d.landing->data, pool.bytes(), 0);
  } else {
    if (d.tcp && !no_multishot) {
      io_uring_prep_recv_multishot(entry, d.fd, nullptr, 0, 0);
    } else {
      io_uring_prep_recv(entry, d.fd, nullptr, pool.bytes(), 0);
    }
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = buffer_pool::group;
  }
  io_uring_sqe_set_data64(entry, reinterpret_cast<std::uintptr_t>(&d) | lane_channel);
  channel.state = io_lane::entry::submitted;
  d.no_buffers = false;
  return true;
}

void engine::state::received(descriptor& d, int result, unsigned flags) noexcept {
  io_lane& channel = d.lanes[lane_channel];
  if (!(flags & IORING_CQE_F_MORE)) {
    channel.state = io_lane::entry::none;
    channel.cancelling = io_lane::cancel::none;
  }
  const std::size_t size = result > 0 ? static_cast<std::size_t>(result) : 0;
  block* b = nullptr;
  if (d.into_heap) {
    b = d.landing;
    d.landing = nullptr;
    b->end = static_cast<std::uint32_t>(size);
  } else if (flags & IORING_CQE_F_BUFFER) {
    b = &pool.taken(flags >> IORING_CQE_BUFFER_SHIFT, size);
  }
  if (b && (size == 0 || d.released)) {
    pool.give_back(*b);
    b = nullptr;
  }
  if (d.released) return;
  if (b) {
    retain(d, *b);
  } else if (result == -ENOBUFS && !d.into_heap) {
    d.no_buffers = true;
  } else if (result == -EINVAL && d.tcp && !d.into_heap && !no_multishot) {
    no_multishot = true;  // Linux before 6.0
  } else if (result != -ECANCELED && result != -EINTR) {
    d.ended = true;
    d.ending = result;
  }

  io_lane& reader = d.lanes[lane_in];
  if (reader.op && reader.op->code != op_code::accept) {
    operation& op = *reader.op;
    reader.op = nullptr;
    int now = 0;
    if (!ask_to_read(d, op, now)) return;
    reader.op = &op;
    end(reader, now);
  }
  if (d.retained.size() >= retained_limit) cancel_lane(d, lane_channel);
}

// Over the limit, from before the kernel has seen the cancellation, bytes are kept in blocks of
// their own size: a stream that nobody reads must not take the pool from the others.
void engine::state::retain(descriptor& d, block& b) noexcept {
  block* kept = &b;
  if (b.buffer != heap_buffer && d.retained.size() >= retained_limit) {
    const std::uint32_t size = b.end - b.begin;
    if (block* own = buffer_pool::from_heap(size)) {
      std::memcpy(own->data, b.data + b.begin, size);
      own->end = size;
      pool.give_back(b);
      kept = own;
    }
  }
  d.retained.push(*kept);
}

void engine::state::drop_retained(descriptor& d) noexcept {
  while (!d.retained.empty()) pool.give_back(d.retained.pop());
  d.ended = false;
}

}  // namespace eddy::inline v1::detail
