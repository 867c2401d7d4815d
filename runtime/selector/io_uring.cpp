#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <new>
#include <system_error>

#include "io_uring_state.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail {

namespace {

// At the end of an engine: what was cancelled comes back within one call. The bound is for a kernel
// that breaks its word; then memory is leaked rather than freed under it.
constexpr int last_turns = 50;
constexpr std::int64_t last_turn_ns = 100'000'000;

[[noreturn]] void throw_system(int error, const char* what) {
  throw std::system_error(error, std::system_category(), what);
}

bool is_tcp(int fd) noexcept {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
         protocol == IPPROTO_TCP;
}

}  // namespace

engine::state::state(const engine_options& options)
    : ring(options.ring_entries), pool(options), wake_fd(::eventfd(0, EFD_CLOEXEC)) {
  // Blocking: io_uring answers a read of a non-blocking descriptor with EAGAIN instead of waiting.
  if (wake_fd < 0) throw_system(errno, "eventfd for waking the io_uring selector");
}

engine::state::~state() {
  for (descriptor* d : table) {
    if (!d || d->released) continue;
    give_up(*d);
    close_if_quiet(*d);
  }
  ending = true;
  const std::uint64_t one = 1;
  (void)!::write(wake_fd, &one, sizeof one);
  for (int left = last_turns; left > 0 && (living > 0 || wake_armed); --left) {
    wait(system::clock_ns() + last_turn_ns);
  }
  ::close(wake_fd);
  if (living > 0) pool.abandon();
}

descriptor* engine::state::adopt(int fd, bool tcp) noexcept {
  try {
    const auto at = static_cast<std::size_t>(fd);
    if (at >= table.size()) table.resize(at + at / 2 + 16);
    assert(!table[at] && "the descriptor was closed behind the engine's back");
    table[at] = new descriptor(fd, tcp);
    ++living;
    return table[at];
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void engine::state::change(descriptor& d) noexcept {
  if (d.changed) return;
  d.changed = true;
  d.next_changed = nullptr;
  (first_changed ? last_changed->next_changed : first_changed) = &d;
  last_changed = &d;
}

void engine::state::end(io_lane& lane, int result) noexcept {
  operation* op = lane.op;
  lane.op = nullptr;
  any_ended = true;
  complete(*op, result);
}

bool engine::state::submit(operation& op) noexcept {
  descriptor* d = find(op.fd);
  if (!d || d->released) {
    op.result = -EBADF;
    return true;
  }
  op.done = 0;
  switch (op.code) {
    case op_code::accept:
      start_lane(*d, lane_in, op);
      return false;
    case op_code::connect:
      start_lane(*d, lane_out, op);
      return false;
    case op_code::read:
    case op_code::receive:
      return ask_to_read(*d, op, op.result);
    case op_code::write:
      op.result = 0;
      if (op.size == 0) return true;
      start_lane(*d, lane_out, op);
      return false;
    case op_code::close:
      op.result = 0;
      give_up(*d);
      if (close_if_quiet(*d)) return true;
      d->closer = &op;
      return false;
  }
  return true;
}

void engine::state::start_lane(descriptor& d, lane_index which, operation& op) noexcept {
  io_lane& lane = d.lanes[which];
  assert(!lane.op && "one reader and one writer at a time for each descriptor");
  lane.op = &op;
  lane.state = io_lane::entry::wanted;
  change(d);
}

void engine::state::cancel(operation& op) noexcept {
  descriptor* d = find(op.fd);
  if (!d) return;
  const bool out = op.code == op_code::write || op.code == op_code::connect;
  const lane_index which = out ? lane_out : lane_in;
  if (d->lanes[which].op != &op) return;  // complete, or `close`, which nothing stops
  cancel_lane(*d, which);
  // A receive that the kernel has not been asked for yet is not begun; one that it has goes on.
  io_lane& channel = d->lanes[lane_channel];
  if (!out && channel.state == io_lane::entry::wanted) channel.state = io_lane::entry::none;
}

// The operation ends here if the kernel has nothing of it, else by its completion.
void engine::state::cancel_lane(descriptor& d, lane_index which) noexcept {
  io_lane& lane = d.lanes[which];
  if (lane.state == io_lane::entry::submitted) {
    if (lane.cancelling != io_lane::cancel::none) return;
    lane.cancelling = io_lane::cancel::wanted;
    change(d);
    return;
  }
  lane.state = io_lane::entry::none;
  if (lane.op) end(lane, -ECANCELED);
}

void engine::state::give_up(descriptor& d) noexcept {
  d.released = true;
  for (const lane_index which : {lane_in, lane_out, lane_channel}) cancel_lane(d, which);
  drop_retained(d);
}

// True if the number is closed and the descriptor freed.
bool engine::state::close_if_quiet(descriptor& d) noexcept {
  if (!d.released || d.changed || !d.quiet()) return false;
  ::close(d.fd);
  table[static_cast<std::size_t>(d.fd)] = nullptr;
  --living;
  if (d.closer) {
    any_ended = true;
    complete(*d.closer, 0);
  }
  if (d.landing) pool.give_back(*d.landing);
  delete &d;
  return true;
}

engine::engine(const engine_options& options) : state_(new state(options)) {}
engine::~engine() { delete state_; }

const char* engine::name() noexcept { return "io_uring"; }

bool engine::submit(operation& op) noexcept { return state_->submit(op); }
void engine::cancel(operation& op) noexcept { state_->cancel(op); }
void engine::wait(std::int64_t deadline_ns) noexcept { state_->wait(deadline_ns); }

void engine::wake() noexcept {
  const int saved = errno;  // in a signal handler it is somebody else's
  const std::uint64_t one = 1;
  (void)!::write(state_->wake_fd, &one, sizeof one);
  errno = saved;
}

int engine::open_socket(int family, int type) {
  const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) throw_system(errno, "socket");
  const bool tcp = type == SOCK_STREAM && (family == AF_INET || family == AF_INET6);
  if (!state_->adopt(fd, tcp)) {
    ::close(fd);
    throw std::bad_alloc();
  }
  return fd;
}

void engine::attach(int fd) {
  // Kernels differ in what a non-blocking socket does under io_uring: wait, or answer EAGAIN at
  // once.
  const int failed = system::set_blocking(fd, true);
  if (failed) throw_system(-failed, "attaching a descriptor");
  if (!state_->adopt(fd, is_tcp(fd))) throw std::bad_alloc();
}

void engine::release(int fd) noexcept {
  descriptor* d = state_->find(fd);
  if (!d || d->released) return;
  state_->give_up(*d);
  state_->close_if_quiet(*d);
}

void engine::recycle(std::byte* data, std::uint32_t buffer) noexcept {
  state_->pool.recycle(data, buffer);
}

bool engine::holds_input(int fd) const noexcept {
  const descriptor* d = state_->find(fd);
  return d && (d->ended || !d->retained.empty());
}

}  // namespace eddy::inline v1::detail
