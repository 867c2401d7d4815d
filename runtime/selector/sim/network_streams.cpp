// Bytes of streams: one try of each operation.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// How long a write that is made short stands still.
constexpr std::int64_t longest_pause_ns = 2'000'000;

}  // namespace

int network::read(operation& op, socket& s) {
  if (!s.link) return -ENOTCONN;
  stream_end& e = s.end();
  std::size_t count = std::min(op.size, e.available());
  if (count == 0 && op.size > 0) {
    if (e.heard_end) return 0;
    if (e.error) return -std::exchange(e.error, 0);
    return e.state == end_state::gone ? 0 : must_wait;
  }
  if (count > 1 && chance(faults.short_reads())) {
    count = 1 + static_cast<std::size_t>(world_.chances.below(count));
  }
  if (count == 0) return 0;
  std::memcpy(op.data, e.arrived.data() + e.taken, count);
  e.taken += count;
  if (e.available() == 0) {
    e.arrived.clear();
    e.taken = 0;
  }
  e.untold += count;
  continue_flow(*s.link, s.side);
  return static_cast<int>(count);
}

int network::receive(operation& op, socket& s) {
  if (!s.link) return -ENOTCONN;
  const bool has_bytes = s.end().available() > 0;
  op.data = nullptr;
  op.size = buffer_bytes_;
  if (has_bytes) op.data = std::malloc(buffer_bytes_);
  if (has_bytes && !op.data) return -ENOMEM;
  op.buffer = heap_buffer;
  return read(op, s);
}

// 0 if the stream takes bytes.
int network::may_write(socket& s) {
  if (!s.link) return -EPIPE;
  stream_end& e = s.end();
  if (e.error) return -std::exchange(e.error, 0);
  if (e.state == end_state::opening) return -EPIPE;
  // A kernel sees both ends of a unix socket.
  if (s.link->is_unix && s.link->ends[1 - s.side].is_closed) return -EPIPE;
  return e.said_end ? -EPIPE : 0;
}

// How many of `wanted` bytes go now; 0: none, for want of room or because the write is made short.
std::size_t network::room_for(socket& s, std::size_t wanted) {
  stream_end& e = s.end();
  if (e.is_paused) return 0;
  const std::size_t room = e.unread < window_bytes ? window_bytes - e.unread : 0;
  std::size_t count = std::min({wanted, room, segment_bytes});
  if (count > 1 && chance(faults.short_writes())) {
    count = 1 + static_cast<std::size_t>(world_.chances.below(count));
    e.is_paused = true;
    world_.at(world_.in(world_.chances.between(0, longest_pause_ns)),
              s.link->events[s.side].resumption);
  }
  return count;
}

void network::put(socket& s, std::string bytes) {
  s.end().unread += bytes.size();
  if (chance(faults.resets())) {
    // Something between the two has forgotten the connection.
    const connection_ptr c = s.link;
    reset(*c, 1 - s.side);
    end_gone(*c, 1 - s.side, ECONNRESET);
    return;
  }
  send(*s.link, s.side, segment_kind::data, std::move(bytes));
}

void network::resume_write(connection& c, int side) {
  c.ends[side].is_paused = false;
  if (socket* s = c.ends[side].owner) try_again(*s, true);
}

int network::write(operation& op, socket& s) {
  while (op.done < op.size) {
    const int failed = may_write(s);
    if (failed) return failed;
    const std::size_t count = room_for(s, op.size - op.done);
    if (count == 0) return must_wait;
    put(s, std::string(static_cast<const char*>(op.data) + op.done, count));
    op.done += count;
  }
  return 0;
}

int network::write_pieces(pieces_operation& op, socket& s) {
  while (op.done < op.size) {
    const int failed = may_write(s);
    if (failed) return failed;
    const std::size_t count = room_for(s, op.size - op.done);
    if (count == 0) return must_wait;
    std::string bytes;
    while (bytes.size() < count) {
      const std::string_view piece = op.pieces[op.first_piece].substr(op.first_offset);
      const std::size_t part = std::min(piece.size(), count - bytes.size());
      bytes.append(piece.substr(0, part));
      op.first_offset += part;
      if (op.first_offset < op.pieces[op.first_piece].size()) continue;
      ++op.first_piece;
      op.first_offset = 0;
    }
    op.done += count;
    put(s, std::move(bytes));
  }
  return 0;
}

}  // namespace eddy::inline v1::detail::simulation
