// Accepting ahead: a multishot accept that stays armed between the listener's requests.
//
// What nobody has asked for is queued. The multishot is cancelled when a turn ends in which nobody
// asks for the next connection, so that the backlog keeps its meaning, and at accepted_limit; it is
// armed again when somebody asks and the queue is empty. The kernel takes a number for the
// connection before it looks for one, so that for want of descriptors an accept fails at once,
// though nobody connects; then the listener is waited for first, and only a failure after that is
// the caller's.
#include <sys/socket.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <new>

#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

namespace {

bool is_waiting(const io_descriptor& listener) noexcept {
  const operation* op = listener.ops[lane_in];
  return op && op->code == op_code::accept;
}

void push_back(accepted_queue& queue, io_descriptor& d) noexcept {
  d.next = nullptr;
  (queue.first ? queue.last->next : queue.first) = &d;
  queue.last = &d;
  ++queue.size;
}

io_descriptor* pop_front(accepted_queue& queue) noexcept {
  io_descriptor* d = queue.first;
  if (!d) return nullptr;
  queue.first = std::exchange(d->next, nullptr);
  --queue.size;
  return d;
}

// 0 or a negative errno value.
int begin_to_listen(io_descriptor& d) noexcept {
  if (d.listens) return 0;
  if (d.receiving() || d.landing || d.ended || !d.retained.empty()) return -EINVAL;  // a stream
  auto* queue = new (std::nothrow) accepted_queue;
  if (!queue) return -ENOMEM;
  d.accepted = queue;
  d.listens = true;
  return 0;
}

// It is no listener after all, or none any more.
void end_listening(io_descriptor& d) noexcept {
  if (d.accepted->first) return;
  delete d.accepted;
  d.landing = nullptr;
  d.listens = false;
}

}  // namespace

// True if there is a result at once.
bool engine::state::ask_to_accept(io_descriptor& listener, operation& op) noexcept {
  op.result = begin_to_listen(listener);
  if (op.result < 0) return true;
  if (const io_descriptor* connection = pop_front(*listener.accepted)) {
    op.result = connection->fd;
    return true;
  }
  assert(!listener.ops[lane_in] && "one reader at a time for each descriptor");
  listener.ops[lane_in] = &op;
  want_channel(listener);
  return false;
}

void engine::state::stop_accepting_unasked(io_descriptor& listener) noexcept {
  if (listener.listens && !listener.released && !is_waiting(listener)) {
    cancel_lane(listener, lane_channel);
  }
}

bool engine::state::push_accept(io_descriptor& listener) noexcept {
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  if (plain || listener.accepted->single_shot) {
    io_uring_prep_accept(entry, listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
  } else {
    io_uring_prep_multishot_accept(entry, listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
  }
  io_uring_sqe_set_data64(entry, reinterpret_cast<std::uintptr_t>(&listener) | lane_channel);
  listener.lanes[lane_channel].state = io_lane::entry::submitted;
  return true;
}

void engine::state::accept_completed(io_descriptor& listener, int result, unsigned flags) noexcept {
  io_lane& channel = listener.lanes[lane_channel];
  if (!(flags & IORING_CQE_F_MORE)) {
    channel.state = io_lane::entry::none;
    channel.cancelling = io_lane::cancel::none;
  }
  const bool polled = channel.end_polling();
  if (result < 0) {
    accept_failed(listener, result);
  } else if (polled) {
    listener.accepted->was_ready = is_waiting(listener);
  } else {
    came(listener, result);
  }
  if (!listener.released && is_waiting(listener)) want_channel(listener);
}

void engine::state::came(io_descriptor& listener, int fd) noexcept {
  accepted_queue& queue = *listener.accepted;
  queue.was_ready = false;
  io_descriptor* connection = listener.released ? nullptr : adopt(fd, listener.kind);
  if (!connection) {
    ::close(fd);
    if (is_waiting(listener)) end(listener, lane_in, -ENOMEM);
    return;
  }
  if (is_waiting(listener)) {
    end(listener, lane_in, fd);
    return change(listener);  // to see whether somebody asks for the next
  }
  push_back(queue, *connection);
  if (queue.size >= accepted_limit) cancel_lane(listener, lane_channel);
}

void engine::state::accept_failed(io_descriptor& listener, int result) noexcept {
  if (result == -ECANCELED || result == -EINTR) return;
  accepted_queue& queue = *listener.accepted;
  const bool was_ready = std::exchange(queue.was_ready, false);
  if (result == -EINVAL && !plain && !queue.single_shot) {
    queue.single_shot = true;  // Linux before 5.19; or it does not listen, as the next one tells
    return;
  }
  const bool no_number = result == -EMFILE || result == -ENFILE;
  if (result == -EAGAIN || (no_number && !was_ready)) {
    listener.lanes[lane_channel].polling = true;
    return;
  }
  if (is_waiting(listener)) end(listener, lane_in, result);
  if (result == -EINVAL) end_listening(listener);
}

void engine::state::drop_accepted(io_descriptor& listener) noexcept {
  while (io_descriptor* connection = pop_front(*listener.accepted)) {
    give_up(*connection);
    close_if_quiet(*connection);
  }
}

}  // namespace eddy::inline v1::detail
