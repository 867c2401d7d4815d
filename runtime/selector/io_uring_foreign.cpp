// Waiting for descriptors of somebody else's: one-shot polls in lane_in and lane_out of an entry of
// the table that exists only meanwhile, so that the number may come back as the engine's own.
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "io_uring_state.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail {

// kind_of, with EPERM also for a device that cannot be waited for. The kernel would call it ready
// at all times; epoll(7) tells.
int engine::state::kind_for_polling(int fd, descriptor_kind& kind) noexcept {
  const int failed = kind_of(fd, kind);
  struct stat what;
  if (failed || kind != descriptor_kind::pipe || ::fstat(fd, &what) != 0) return failed;
  if (!S_ISCHR(what.st_mode) && !S_ISBLK(what.st_mode)) return 0;
  const int probe = ::epoll_create1(EPOLL_CLOEXEC);
  if (probe < 0) return -errno;
  epoll_event event{};
  const bool refused = ::epoll_ctl(probe, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EPERM;
  ::close(probe);
  return refused ? -EPERM : 0;
}

// True if there is a result at once.
bool engine::state::wait_foreign(operation& op) noexcept {
  // The kernel would call files and directories ready at all times.
  descriptor_kind kind = descriptor_kind::stream;
  op.result = kind_for_polling(op.fd, kind);
  if (op.result < 0) return true;
  if (op.fd == watched_fd) {
    op.result = -EINVAL;  // the loop would wait for itself
    return true;
  }
  io_descriptor* d = find(op.fd);
  if (d && !d->foreign) {
    op.result = d->released ? -EBADF : -EBUSY;
    return true;
  }
  if (!d) d = adopt_foreign(op.fd);
  if (!d) {
    op.result = -ENOMEM;
    return true;
  }
  d->kind = kind;  // the number may be another's by now
  const lane_index which = writes(op.code) ? lane_out : lane_in;
  if (d->ops[which]) {
    op.result = -EBUSY;
    return true;
  }
  d->lanes[which].polling = true;
  start_lane(*d, which, op);
  return false;
}

// Apart from the table, so that its place there is free when the number is another's and the kernel
// still names this one.
io_descriptor* engine::state::adopt_foreign(int fd) noexcept {
  try {
    io_descriptor& place = table.make_place(fd);
    place.next = new io_descriptor(fd, descriptor_kind::stream);
    place.next->foreign = true;
    ++living;
    return place.next;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// Ends the waits, and frees the place in the table at once.
void engine::state::detach(io_descriptor& d) noexcept {
  table.place_of(d.fd)->next = nullptr;
  give_up(d);
  close_if_quiet(d);
}

void engine::state::drop_foreign(io_descriptor& d) noexcept {
  io_descriptor& place = *table.place_of(d.fd);
  if (place.fd < 0 && place.next == &d) place.next = nullptr;
  if (forgetting == &d) forgetting = nullptr;
  delete &d;
}

// A poll holds the open file, whatever becomes of the number: so the kernel is waited for here.
void engine::state::forget(int fd) noexcept {
  io_descriptor* d = find(fd);
  if (!d || !d->foreign) return;
  forgetting = d;
  detach(*d);
  const std::int64_t limit = system::clock_ns() + longest_end_ns;
  while (forgetting && !forgetting->quiet() && system::clock_ns() < limit) exchange(limit);
  forgetting = nullptr;
  tell_watcher();
}

}  // namespace eddy::inline v1::detail
