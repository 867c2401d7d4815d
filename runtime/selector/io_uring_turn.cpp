// One wait of the io_uring engine: tell the kernel what has changed, enter it, take what it says.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

namespace {

std::uint64_t mark_of(const io_descriptor& d, lane_index which) noexcept {
  return reinterpret_cast<std::uintptr_t>(&d) | which;
}

// The kernel's own words for "interrupted, may be made again", of which a system call would never
// tell; but an open that was interrupted in a worker thread does (6.18).
int without_restarts(int result) noexcept {
  constexpr int first = -512;  // ERESTARTSYS
  constexpr int last = -514;   // ERESTARTNOHAND
  return result <= first && result >= last ? -EINTR : result;
}

}  // namespace

void engine::state::wait(std::int64_t deadline_ns) noexcept {
  exchange(deadline_ns);
  woken = false;
  tell_watcher();
}

void engine::state::exchange(std::int64_t deadline_ns) noexcept {
  any_ended = false;
  tell_kernel();
  arm_wake();
  const bool all_told = !first_changed && lone.empty() && (wake_armed || ending);
  ring.enter(all_told && !any_ended && !woken ? deadline_ns : 0);
  if (watched_fd >= 0) {
    // Before the completions are taken: what comes later makes it readable again.
    std::uint64_t count = 0;
    (void)!::read(watched_fd, &count, sizeof count);
  }
  ring.drain([this](std::uint64_t user_data, int result, unsigned flags) noexcept {
    completed(user_data, without_restarts(result), flags);
  });
}

void engine::state::tell_kernel() noexcept {
  while (io_descriptor* d = first_changed) {
    if (!tell_kernel(*d)) return;  // the queue is full: the rest waits for the next turn
    first_changed = d->next;
    d->changed = false;
    close_if_quiet(*d);
  }
  while (listed_waiter* w = lone.front()) {
    auto& op = static_cast<operation&>(*w);
    if (!tell_kernel(op)) return;
    lone.remove(op);
  }
}

bool engine::state::tell_kernel(io_descriptor& d) noexcept {
  stop_accepting_unasked(d);
  for (const lane_index which : {lane_channel, lane_in, lane_out}) {
    if (d.lanes[which].state == io_lane::entry::wanted && !push(d, which)) return false;
    if (d.lanes[which].cancelling == io_lane::cancel::wanted && !push_cancel(d, which)) {
      return false;
    }
  }
  return true;
}

bool engine::state::push(io_descriptor& d, lane_index which) noexcept {
  io_lane& lane = d.lanes[which];
  if (which == lane_channel && !lane.polling) {
    return d.listens ? push_accept(d) : push_receive(d);
  }
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  if (lane.polling) {
    io_uring_prep_poll_add(entry, d.fd, which == lane_out ? POLLOUT : POLLIN | POLLRDHUP);
  } else {
    fill(*entry, d, *d.ops[which]);
  }
  io_uring_sqe_set_data64(entry, mark_of(d, which));
  lane.state = io_lane::entry::submitted;
  return true;
}

bool engine::state::push_cancel(io_descriptor& d, lane_index which) noexcept {
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

// The ring's own descriptor would not do: it says nothing of completions that the kernel defers to
// the next call (IORING_SETUP_DEFER_TASKRUN). Of these an eventfd is told.
int engine::state::watched() {
  if (watched_fd >= 0) return watched_fd;
  constexpr const char* what = "eventfd for watching the io_uring selector";
  const int fd = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);  // the ring may have something already
  if (fd < 0) throw std::system_error(errno, std::system_category(), what);
  const int failed = io_uring_register_eventfd(&ring.raw(), fd);
  if (failed) {
    ::close(fd);
    throw std::system_error(-failed, std::system_category(), what);
  }
  watched_fd = fd;
  return fd;
}

// A completion that the write to some eventfd has caused is told to another eventfd with a delay,
// to keep such chains short; and kernels (6.18) do that once for a registration, then never again.
bool engine::state::renew_watched() noexcept {
  if (!watched_spent) return false;
  (void)io_uring_unregister_eventfd(&ring.raw());
  watched_spent = io_uring_register_eventfd(&ring.raw(), watched_fd) != 0;
  return true;
}

// What is still to be done has not made, or no longer makes, the watched descriptor readable.
void engine::state::tell_watcher() noexcept {
  if (watched_fd < 0) return;
  const bool renewed = renew_watched();  // what came meanwhile was told to nobody
  const bool all_told = !first_changed && lone.empty() && wake_armed;
  if (all_told && !woken && !renewed && !ring.has_more()) return;
  const std::uint64_t one = 1;
  (void)!::write(watched_fd, &one, sizeof one);
}

void engine::state::completed(std::uint64_t user_data, int result, unsigned flags) noexcept {
  if (user_data == wake_mark) {
    wake_armed = false;
    woken = true;
    watched_spent = true;
    return;
  }
  const auto address = static_cast<std::uintptr_t>(user_data & ~all_bits);
  const bool answer = (user_data & cancel_bit) != 0;
  if ((user_data & lane_mask) == lone_mark) {
    auto& op = *reinterpret_cast<operation*>(address);
    return answer ? lone_cancel_answered(op, result) : lone_completed(op, result);
  }
  auto& d = *reinterpret_cast<io_descriptor*>(address);
  if (d.kind == descriptor_kind::pipe) watched_spent = true;  // or an eventfd
  const auto which = static_cast<lane_index>(user_data & lane_mask);
  if (answer) {
    cancel_answered(d, which, result);
  } else if (which != lane_channel) {
    lane_completed(d, which, result);
  } else if (d.listens) {
    accept_completed(d, result, flags);
  } else {
    received(d, result, flags);
  }
  close_if_quiet(d);
}

void engine::state::cancel_answered(io_descriptor& d, lane_index which, int result) noexcept {
  io_lane& lane = d.lanes[which];
  --d.cancels;
  // The kernel did not find an entry that it has not completed: it was on its way between two
  // queues. Ask again; a completion that is among those still to be taken withdraws it.
  if (result == -ENOENT && lane.cancelling == io_lane::cancel::submitted) {
    lane.cancelling = io_lane::cancel::wanted;
    change(d);
  }
}

}  // namespace eddy::inline v1::detail
