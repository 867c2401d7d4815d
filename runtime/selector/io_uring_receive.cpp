// Receiving into the engine's buffers, and changing between that and plain reads.
//
// Bytes come in by a multishot receive that stays armed between the reader's requests, or, while
// the pool has no buffer, by single receives into blocks from the heap. What nobody has asked for
// is retained; at retained_limit the multishot is cancelled and armed again only when the reader
// has taken everything and asks for more. The socket's own order is kept because only one entry
// that receives is with the kernel at any time: a plain read waits until the channel's last
// completion has come and what it brought has been delivered.
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

// True if `result` is there at once.
bool engine::state::ask_to_read(io_descriptor& d, operation& op, int& result) noexcept {
  assert(!d.ops[lane_in] && "one reader at a time for each descriptor");
  if (deliver(d, op, result)) return true;
  if (d.listens) {
    result = -ENOTCONN;
    return true;
  }
  d.ops[lane_in] = &op;
  if (op.code == op_code::receive) {
    want_channel(d);
  } else {
    cancel_lane(d, lane_channel);
    if (!d.receiving()) {
      d.lanes[lane_in].state = io_lane::entry::wanted;
      d.input_ready = false;
      change(d);
    }
  }
  return false;
}

// From what was retained, in order: bytes, then the end or error that followed them.
bool engine::state::deliver(io_descriptor& d, operation& op, int& result) noexcept {
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

void engine::state::lend_front(io_descriptor& d, operation& op, int& result) noexcept {
  block& b = d.retained.pop();
  // A lease of a heap block names it by its first byte.
  if (b.buffer == heap_buffer && b.begin > 0) {
    std::memmove(b.data, b.data + b.begin, b.end - b.begin);
    b.end -= b.begin;
    b.begin = 0;
  }
  op.data = b.data + b.begin;
  op.size = pool.bytes();
  op.buffer = b.buffer;
  result = static_cast<int>(b.end - b.begin);
}

int engine::state::copy_retained(io_descriptor& d, operation& op) noexcept {
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

bool engine::state::push_receive(io_descriptor& d) noexcept {
  io_lane& channel = d.lanes[lane_channel];
  const bool into_heap = d.no_buffers || !pool.stocked(ring.raw());
  if (into_heap && !d.input_ready) {
    // No block of memory for a peer that may stay silent.
    channel.polling = true;
    return push(d, lane_channel);
  }
  d.into_heap = into_heap;
  if (d.into_heap && !d.landing) d.landing = buffer_pool::from_heap(pool.bytes());
  if (d.into_heap && !d.landing) {
    channel.state = io_lane::entry::none;
    if (d.ops[lane_in]) end(d, lane_in, -ENOMEM);
    return true;
  }
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  std::byte* into = d.into_heap ? d.landing->data : nullptr;
  if (d.kind == descriptor_kind::pipe) {
    io_uring_prep_read(entry, d.fd, into, static_cast<unsigned>(pool.bytes()), current_position);
  } else if (d.kind == descriptor_kind::tcp && !d.into_heap && !no_multishot) {
    io_uring_prep_recv_multishot(entry, d.fd, nullptr, 0, 0);
  } else {
    io_uring_prep_recv(entry, d.fd, into, pool.bytes(), 0);
  }
  if (!d.into_heap) {
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = buffer_pool::group;
  }
  io_uring_sqe_set_data64(entry, reinterpret_cast<std::uintptr_t>(&d) | lane_channel);
  channel.state = io_lane::entry::submitted;
  d.no_buffers = false;
  d.input_ready = false;
  return true;
}

void engine::state::received(io_descriptor& d, int result, unsigned flags) noexcept {
  io_lane& channel = d.lanes[lane_channel];
  if (!(flags & IORING_CQE_F_MORE)) {
    channel.state = io_lane::entry::none;
    channel.cancelling = io_lane::cancel::none;
  }
  const bool only_ready = channel.end_polling() && result > 0;
  if (only_ready) {
    d.input_ready = true;
  } else {
    land(d, result, flags);
  }
  if (d.released) return;

  operation*& reader = d.ops[lane_in];
  if (reader && (reader->code == op_code::read || reader->code == op_code::receive)) {
    operation& op = *std::exchange(reader, nullptr);
    int now = 0;
    if (!ask_to_read(d, op, now)) return;
    reader = &op;
    end(d, lane_in, now);
  }
  if (d.retained.holds(retained_limit)) cancel_lane(d, lane_channel);
}

// What an entry of the channel has brought: bytes, the end, an error, or nothing but a reason to
// ask again, in another way perhaps.
void engine::state::land(io_descriptor& d, int result, unsigned flags) noexcept {
  const std::size_t size = result > 0 ? static_cast<std::size_t>(result) : 0;
  const bool heap = d.into_heap;
  d.into_heap = false;
  block* b = nullptr;
  if (heap) {
    b = std::exchange(d.landing, nullptr);
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
  } else if (result == -ENOBUFS && !heap) {
    d.no_buffers = true;
  } else if (result == -EINVAL && d.kind == descriptor_kind::tcp && !heap && !no_multishot) {
    no_multishot = true;  // Linux before 6.0
  } else if (result == -EAGAIN) {
    d.lanes[lane_channel].polling = true;  // somebody who shares it has made it non-blocking
  } else if (result != -ECANCELED && result != -EINTR) {
    d.ended = true;
    d.ending = result;
  }
}

// Streams that nobody reads must not take the pool from the others. So bytes are kept in blocks of
// their own size over the limit, from before the kernel has seen the cancellation, and for as long
// as the pool is low: peers of many idle connections could otherwise empty it together.
void engine::state::retain(io_descriptor& d, block& b) noexcept {
  block* kept = &b;
  const bool unwanted = d.retained.holds(retained_limit) || (!d.ops[lane_in] && pool.is_low());
  if (b.buffer != heap_buffer && unwanted) {
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

void engine::state::drop_retained(io_descriptor& d) noexcept {
  while (!d.retained.empty()) pool.give_back(d.retained.pop());
  d.ended = false;
}

}  // namespace eddy::inline v1::detail
