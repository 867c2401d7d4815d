// One wait of the io_uring engine: tell the kernel what has changed, enter it, take what it says.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

namespace {

// In the low bits of a descriptor's address: the lane, and whether it is the answer to a cancel.
constexpr std::uint64_t lane_mask = 3;
constexpr std::uint64_t cancel_bit = 4;
constexpr std::uint64_t all_bits = lane_mask | cancel_bit;
constexpr std::uint64_t wake_mark = lane_count;
static_assert(lane_count <= lane_mask && alignof(descriptor) > all_bits);

// One send or receive; completions count in an int.
constexpr std::size_t most_at_once = std::size_t{1} << 30;

std::uint64_t mark_of(const descriptor& d, lane_index which) noexcept {
  return reinterpret_cast<std::uintptr_t>(&d) | which;
}

void fill(io_uring_sqe& entry, const descriptor& d, const operation& op) noexcept {
  switch (op.code) {
    case op_code::accept:
      io_uring_prep_accept(&entry, d.fd, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case op_code::connect:
      io_uring_prep_connect(&entry, d.fd, static_cast<const sockaddr*>(op.data),
                            static_cast<socklen_t>(op.size));
      break;
    case op_code::read:
      io_uring_prep_recv(&entry, d.fd, op.data, std::min(op.size, most_at_once), 0);
      break;
    case op_code::write:
      // MSG_WAITALL: the kernel itself goes on after a short count (5.19).
      io_uring_prep_send(&entry, d.fd, static_cast<const char*>(op.data) + op.done,
                         std::min(op.size - op.done, most_at_once), MSG_NOSIGNAL | MSG_WAITALL);
      break;
    default:
      io_uring_prep_nop(&entry);
      break;
  }
}

}  // namespace

void engine::state::wait(std::int64_t deadline_ns) noexcept {
  any_ended = false;
  tell_kernel();
  arm_wake();
  const bool all_told = !first_changed && (wake_armed || ending);
  ring.enter(all_told && !any_ended ? deadline_ns : 0);
  ring.drain([this](std::uint64_t user_data, int result, unsigned flags) noexcept {
    completed(user_data, result, flags);
  });
}

void engine::state::tell_kernel() noexcept {
  while (descriptor* d = first_changed) {
    if (!tell_kernel(*d)) return;  // the queue is full: the rest waits for the next turn
    first_changed = d->next_changed;
    d->changed = false;
    close_if_quiet(*d);
  }
}

bool engine::state::tell_kernel(descriptor& d) noexcept {
  for (const lane_index which : {lane_channel, lane_in, lane_out}) {
    if (d.lanes[which].state == io_lane::entry::wanted && !push(d, which)) return false;
    if (d.lanes[which].cancelling == io_lane::cancel::wanted && !push_cancel(d, which)) {
      return false;
    }
  }
  return true;
}

bool engine::state::push(descriptor& d, lane_index which) noexcept {
  io_lane& lane = d.lanes[which];
  if (which == lane_channel) return push_channel(d);
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  fill(*entry, d, *lane.op);
  io_uring_sqe_set_data64(entry, mark_of(d, which));
  lane.state = io_lane::entry::submitted;
  return true;
}

bool engine::state::push_cancel(descriptor& d, lane_index which) noexcept {
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  io_uring_prep_cancel64(entry, mark_of(d, which), 0);
  io_uring_sqe_set_data64(entry, mark_of(d, which) | cancel_bit);
  d.lanes[which].cancelling = io_lane::cancel::submitted;
  ++d.cancels;
  return true;
}

void engine::state::arm_wake() noexcept {
  if (wake_armed || ending) return;
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return;
  io_uring_prep_read(entry, wake_fd, &wake_count, sizeof wake_count, 0);
  io_uring_sqe_set_data64(entry, wake_mark);
  wake_armed = true;
}

void engine::state::completed(std::uint64_t user_data, int result, unsigned flags) noexcept {
  if (user_data == wake_mark) {
    wake_armed = false;
    return;
  }
  auto& d = *reinterpret_cast<descriptor*>(static_cast<std::uintptr_t>(user_data & ~all_bits));
  const auto which = static_cast<lane_index>(user_data & lane_mask);
  io_lane& lane = d.lanes[which];
  if (user_data & cancel_bit) {
    --d.cancels;
    // The kernel did not find an entry that it has not completed: it was on its way between two
    // queues. Ask again; a completion that is among those still to be taken withdraws it.
    if (result == -ENOENT && lane.cancelling == io_lane::cancel::submitted) {
      lane.cancelling = io_lane::cancel::wanted;
      change(d);
    }
  } else if (which == lane_channel) {
    received(d, result, flags);
  } else {
    lane_completed(d, which, result);
  }
  close_if_quiet(d);
}

void engine::state::lane_completed(descriptor& d, lane_index which, int result) noexcept {
  io_lane& lane = d.lanes[which];
  const bool cancelled = lane.cancelling != io_lane::cancel::none;
  const op_code code = lane.op->code;
  lane.state = io_lane::entry::none;
  lane.cancelling = io_lane::cancel::none;
  if (result == -EINTR && code != op_code::connect) {
    // A signal hit a worker thread of the kernel, or the cancellation did.
    if (!cancelled) {
      lane.state = io_lane::entry::wanted;
      return change(d);
    }
    result = -ECANCELED;
  }
  if (code == op_code::accept) {
    result = accepted(d, result);
  } else if (code == op_code::write) {
    if (write_goes_on(d, result, cancelled)) return;
  } else if (d.released) {
    result = -ECANCELED;
  }
  end(lane, result);
}

// The result for the operation. A connection that nobody will look at is closed.
int engine::state::accepted(descriptor& listener, int result) noexcept {
  if (result < 0) return result;
  int error = 0;
  if (listener.released) {
    error = -ECANCELED;
  } else if (!adopt(result, listener.tcp)) {
    error = -ENOMEM;
  }
  if (error == 0) return result;
  ::close(result);
  return error;
}

bool engine::state::write_goes_on(descriptor& d, int& result, bool cancelled) noexcept {
  io_lane& lane = d.lanes[lane_out];
  operation& op = *lane.op;
  if (result < 0) return false;
  op.done += static_cast<std::size_t>(result);
  if (op.done >= op.size) {
    result = 0;
    return false;
  }
  if (cancelled) {
    result = -ECANCELED;
    return false;
  }
  lane.state = io_lane::entry::wanted;
  change(d);
  return true;
}

}  // namespace eddy::inline v1::detail
