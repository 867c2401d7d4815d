#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <new>
#include <system_error>

#include "io_uring_plain.hpp"
#include "io_uring_state.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail {

namespace {

[[noreturn]] void throw_system(int error, const char* what) {
  throw std::system_error(error, std::system_category(), what);
}

// Blocking: kernels differ in what a non-blocking descriptor does under io_uring: wait, or answer
// EAGAIN at once. But what a pipe takes is written by this engine itself, which must not block.
blocking_mode mode_for(int fd, descriptor_kind kind) noexcept {
  if (kind != descriptor_kind::pipe) return blocking_mode::waits;
  const int flags = ::fcntl(fd, F_GETFL);
  return (flags & O_ACCMODE) == O_RDONLY ? blocking_mode::waits : blocking_mode::never_waits;
}

}  // namespace

engine::state::state(const engine_options& options)
    : ring(options.ring_entries),
      pool(options),
      wake_fd(::eventfd(0, EFD_CLOEXEC)),
      plain(io_uring_plain()),
      no_multishot(plain) {
  // Blocking: io_uring answers a read of a non-blocking descriptor with EAGAIN instead of waiting.
  if (wake_fd < 0) throw_system(errno, "eventfd for waking the io_uring selector");
}

engine::state::~state() {
  // First: what is queued there is in the table, too.
  for (int fd = 0; fd < table.limit(); ++fd) {
    io_descriptor* d = find(fd);
    if (d && d->listens) drop_accepted(*d);
  }
  for (int fd = 0; fd < table.limit(); ++fd) {
    io_descriptor* d = find(fd);
    if (!d || d->released) continue;
    give_up(*d);
    close_if_quiet(*d);
  }
  ending = true;
  const std::uint64_t one = 1;
  (void)!::write(wake_fd, &one, sizeof one);
  const std::int64_t limit = system::clock_ns() + longest_end_ns;
  while ((living > 0 || wake_armed) && system::clock_ns() < limit) wait(limit);
  ::close(wake_fd);
  if (watched_fd >= 0) ::close(watched_fd);
  // Memory is leaked rather than freed under the kernel.
  if (living > 0) pool.abandon();
}

io_descriptor& descriptor_table::make_place(int fd) {
  const auto at = static_cast<std::size_t>(fd) / block_size;
  if (at >= blocks_.size()) blocks_.resize(at + 1);
  if (!blocks_[at]) blocks_[at].reset(new io_descriptor[block_size]);
  return *place_of(fd);
}

io_descriptor* engine::state::adopt(int fd, descriptor_kind kind) noexcept {
  try {
    io_descriptor& place = table.make_place(fd);
    assert(place.fd < 0 && "the descriptor was closed behind the engine's back");
    // Of a foreign descriptor that was closed while somebody waited for it, without forget().
    if (place.next) detach(*place.next);
    ++living;
    return ::new (&place) io_descriptor(fd, kind);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void engine::state::change(io_descriptor& d) noexcept {
  if (d.changed) return;
  d.changed = true;
  d.next = nullptr;
  (first_changed ? last_changed->next : first_changed) = &d;
  last_changed = &d;
}

void engine::state::end(io_descriptor& d, lane_index which, int result) noexcept {
  operation* op = std::exchange(d.ops[which], nullptr);
  any_ended = true;
  complete(*op, result);
}

bool engine::state::submit(operation& op) noexcept {
  if (op.code >= op_code::file_open) return start_lone(op);
  if (op.code >= op_code::wait_readable) return wait_foreign(op);
  io_descriptor* d = find(op.fd);
  if (!d || d->released || d->foreign) {
    op.result = -EBADF;
    return true;
  }
  op.done = 0;
  switch (op.code) {
    case op_code::accept:
      return ask_to_accept(*d, op);
    case op_code::read:
    case op_code::receive:
      return ask_to_read(*d, op, op.result);
    case op_code::write:
    case op_code::write_pieces:
      return start_write(*d, op);
    case op_code::close:
      op.result = 0;
      give_up(*d);
      if (close_if_quiet(*d)) return true;
      d->closer = &op;
      return false;
    default:
      start_lane(*d, writes(op.code) ? lane_out : lane_in, op);
      return false;
  }
}

void engine::state::start_lane(io_descriptor& d, lane_index which, operation& op) noexcept {
  assert(!d.ops[which] && "one reader and one writer at a time for each descriptor");
  d.ops[which] = &op;
  d.lanes[which].state = io_lane::entry::wanted;
  change(d);
}

void engine::state::want_channel(io_descriptor& d) noexcept {
  io_lane& channel = d.lanes[lane_channel];
  if (channel.cancelling == io_lane::cancel::wanted) channel.cancelling = io_lane::cancel::none;
  if (channel.state != io_lane::entry::none) return;
  channel.state = io_lane::entry::wanted;
  change(d);
}

void engine::state::cancel(operation& op) noexcept {
  if (op.code >= op_code::file_open) return cancel_lone(op);
  io_descriptor* d = find(op.fd);
  if (!d) return;
  const lane_index which = writes(op.code) ? lane_out : lane_in;
  if (d->ops[which] != &op) return;  // complete, or `close`, which nothing stops
  cancel_lane(*d, which);
  // An accept or receive that the kernel has not been asked for yet is not begun; one that it has
  // goes on.
  if (which == lane_in && d->lanes[lane_channel].state == io_lane::entry::wanted) {
    cancel_lane(*d, lane_channel);
  }
  if (d->listens) change(*d);
}

// The operation ends here if the kernel has nothing of it, else by its completion.
void engine::state::cancel_lane(io_descriptor& d, lane_index which) noexcept {
  io_lane& lane = d.lanes[which];
  if (lane.state == io_lane::entry::submitted) {
    if (lane.cancelling != io_lane::cancel::none) return;
    lane.cancelling = io_lane::cancel::wanted;
    change(d);
    return;
  }
  lane.state = io_lane::entry::none;
  lane.polling = false;
  if (which == lane_channel) {
    drop_landing(d);
  } else if (d.ops[which]) {
    end(d, which, -ECANCELED);
  }
}

void engine::state::drop_landing(io_descriptor& d) noexcept {
  if (d.listens || !d.landing) return;
  pool.give_back(*std::exchange(d.landing, nullptr));
  d.into_heap = false;
}

void engine::state::give_up(io_descriptor& d) noexcept {
  d.released = true;
  for (const lane_index which : {lane_in, lane_out, lane_channel}) cancel_lane(d, which);
  drop_retained(d);
  d.closer = nullptr;
  if (d.listens) drop_accepted(d);
}

bool engine::state::close(io_descriptor& d) noexcept {
  --living;
  if (d.foreign) {
    drop_foreign(d);
    return true;
  }
  ::close(d.fd);
  if (d.closer) {
    any_ended = true;
    complete(*d.closer, 0);
  }
  drop_landing(d);
  if (d.listens) delete d.accepted;
  ::new (&d) io_descriptor();
  return true;
}

engine::engine(const engine_options& options) : state_(new state(options)) {}
engine::~engine() { delete state_; }

const char* engine::name() noexcept { return "io_uring"; }

bool engine::submit(operation& op) noexcept { return state_->submit(op); }
void engine::cancel(operation& op) noexcept { state_->cancel(op); }
void engine::wait(std::int64_t deadline_ns) noexcept { state_->wait(deadline_ns); }
void engine::forget(int fd) noexcept { state_->forget(fd); }
int engine::descriptor() { return state_->watched(); }
bool engine::performs_files() noexcept { return true; }

int engine::begin_turn(loop_core&) noexcept { return turn_budget; }

void engine::wake() noexcept {
  const int saved = errno;  // in a signal handler it is somebody else's
  const std::uint64_t one = 1;
  (void)!::write(state_->wake_fd, &one, sizeof one);
  errno = saved;
}

int engine::open_socket(int family, int type) {
  const int fd = make_socket(family, type, blocking_mode::waits);
  if (fd < 0) throw_system(-fd, "socket");
  if (state_->adopt(fd, kind_of_socket(family, type))) return fd;
  ::close(fd);
  throw std::bad_alloc();
}

void engine::attach(int fd) {
  descriptor_kind kind = descriptor_kind::stream;
  int failed = state::kind_for_polling(fd, kind);
  if (!failed) failed = set_mode(fd, mode_for(fd, kind));
  if (failed) throw_system(-failed, "attaching a descriptor");
  if (!state_->adopt(fd, kind)) throw std::bad_alloc();
}

void engine::release(int fd) noexcept {
  io_descriptor* d = state_->find(fd);
  if (!d || d->released || d->foreign) return;
  state_->give_up(*d);
  state_->close_if_quiet(*d);
}

void engine::recycle(std::byte* data, std::uint32_t buffer) noexcept {
  state_->pool.recycle(data, buffer);
}

void engine::free_heap_buffer(std::byte* data) noexcept { buffer_pool::free_heap(data); }

bool engine::has_untold() const noexcept {
  return state_->first_changed || !state_->lone.empty();
}

// To look is two reads of memory that it shares with the kernel, as long as nothing is asked for.
bool engine::has_descriptors() const noexcept { return true; }

bool engine::holds_input(int fd) const noexcept {
  const io_descriptor* d = state_->find(fd);
  if (!d || d->released) return false;
  if (d->ended || !d->retained.empty()) return true;
  // Whose they are that found no room in the ring, nobody can see.
  if (state_->ring.holds_back()) return true;
  // Of a kernel that does not wait for our next call, or of a turn that is not through with them.
  unsigned at = 0;
  const io_uring_cqe* landed = nullptr;
  io_uring_for_each_cqe(&state_->ring.raw(), at, landed) {
    const auto channel = reinterpret_cast<std::uintptr_t>(d) | lane_channel;
    if (landed->user_data == channel && landed->res != -ECANCELED) return true;
  }
  return false;
}

}  // namespace eddy::inline v1::detail
