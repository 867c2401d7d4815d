// One operation in lane_in or lane_out: the entry that asks for it, and what its completion means.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

namespace {

// One send or receive; completions count in an int.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

// True if that was all.
bool moved_on(operation& op, std::size_t sent) noexcept {
  if (op.code == op_code::write_pieces) return advance(static_cast<pieces_operation&>(op), sent);
  op.done += sent;
  return op.done >= op.size;
}

// What a pipe takes at once: 0 if that was all, -EAGAIN, or another error. A write by io_uring
// would raise SIGPIPE, and there is no flag against it.
int write_to_pipe(const io_descriptor& d, operation& op) noexcept {
  for (;;) {
    std::int64_t n = 0;
    if (op.code == op_code::write_pieces) {
      n = send_message(d.fd, d.kind, describe(static_cast<pieces_operation&>(op)));
    } else {
      n = write_to(d.fd, d.kind, static_cast<const char*>(op.data) + op.done, op.size - op.done);
    }
    if (n < 0) return static_cast<int>(n);
    if (moved_on(op, static_cast<std::size_t>(n))) return 0;
  }
}

void fill_read(io_uring_sqe& entry, const io_descriptor& d, const operation& op) noexcept {
  const std::size_t size = std::min(op.size, most_at_once);
  if (d.kind == descriptor_kind::pipe) {
    io_uring_prep_read(&entry, d.fd, op.data, static_cast<unsigned>(size), current_position);
  } else {
    io_uring_prep_recv(&entry, d.fd, op.data, size, 0);
  }
}

}  // namespace

void engine::state::fill(io_uring_sqe& entry, const io_descriptor& d,
                         operation& op) const noexcept {
  // MSG_WAITALL: the kernel itself goes on after a short count (5.19).
  const int all_of_it = plain ? no_signal : no_signal | MSG_WAITALL;
  switch (op.code) {
    case op_code::connect:
      io_uring_prep_connect(&entry, d.fd, static_cast<const sockaddr*>(op.data),
                            static_cast<socklen_t>(op.size));
      break;
    case op_code::read:
      fill_read(entry, d, op);
      break;
    case op_code::receive_from:
      io_uring_prep_recvmsg(&entry, d.fd, &describe(static_cast<datagram_operation&>(op)), 0);
      break;
    case op_code::write:
      io_uring_prep_send(&entry, d.fd, static_cast<const char*>(op.data) + op.done,
                         std::min(op.size - op.done, most_at_once), all_of_it);
      break;
    case op_code::write_pieces:
      io_uring_prep_sendmsg(&entry, d.fd, &describe(static_cast<pieces_operation&>(op)),
                            static_cast<unsigned>(all_of_it));
      break;
    case op_code::send_to:
      io_uring_prep_sendmsg(&entry, d.fd, &describe(static_cast<datagram_operation&>(op)),
                            no_signal);
      break;
    default:
      io_uring_prep_nop(&entry);
      break;
  }
}

bool engine::state::start_write(io_descriptor& d, operation& op) noexcept {
  op.result = 0;
  if (op.size == 0) return true;
  if (d.kind == descriptor_kind::pipe) {
    op.result = write_to_pipe(d, op);
    if (op.result != -EAGAIN) return true;
    d.lanes[lane_out].polling = true;
  }
  start_lane(d, lane_out, op);
  return false;
}

void engine::state::again(io_descriptor& d, lane_index which, bool polling) noexcept {
  d.lanes[which].state = io_lane::entry::wanted;
  d.lanes[which].polling = polling;
  change(d);
}

void engine::state::lane_completed(io_descriptor& d, lane_index which, int result) noexcept {
  io_lane& lane = d.lanes[which];
  operation& op = *d.ops[which];
  const bool stopped = lane.cancelling != io_lane::cancel::none || d.released;
  const bool polled = lane.end_polling();
  lane.state = io_lane::entry::none;
  lane.cancelling = io_lane::cancel::none;
  if (stopped) {
    // What was done in spite of the cancellation stays done; what would have to go on does not.
    const bool write = op.code == op_code::write || op.code == op_code::write_pieces;
    const bool unfinished =
        write ? polled || (result >= 0 && !moved_on(op, static_cast<std::size_t>(result)))
              : polled && !d.foreign;
    if (unfinished || result == -EINTR || result == -EAGAIN) result = -ECANCELED;
    if (write && result > 0) result = 0;
    if (d.released && !write) result = -ECANCELED;
  } else if (goes_on(d, which, polled, result)) {
    return;
  }
  if (op.code == op_code::receive_from && result >= 0) {
    take_sender(static_cast<datagram_operation&>(op));
  }
  if (d.foreign && result > 0) result = 0;
  end(d, which, result);
}

// False if the operation is complete, with its result.
bool engine::state::goes_on(io_descriptor& d, lane_index which, bool polled, int& result) noexcept {
  operation& op = *d.ops[which];
  // A signal hit a worker thread of the kernel.
  if (result == -EINTR && op.code != op_code::connect) {
    again(d, which, polled);
    return true;
  }
  if (d.foreign || op.code == op_code::connect) return false;
  if (polled && result >= 0) {
    if (d.kind != descriptor_kind::pipe || which == lane_in) {
      again(d, which, false);
      return true;
    }
    result = write_to_pipe(d, op);
    if (result != -EAGAIN) return false;
  }
  // Somebody who shares it has made it non-blocking, or it is a pipe's.
  if (result == -EAGAIN) {
    again(d, which, true);
    return true;
  }
  if (result < 0 || (op.code != op_code::write && op.code != op_code::write_pieces)) return false;
  if (!moved_on(op, static_cast<std::size_t>(result))) {
    again(d, which, false);
    return true;
  }
  result = 0;
  return false;
}

}  // namespace eddy::inline v1::detail
