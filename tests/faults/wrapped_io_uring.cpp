// liburing's calls, scripted; and single submissions, which are changed on their way to the kernel:
// one that is to fail goes as a NOP, and its completion gets the error, so that the operation has
// no effect, as one that the kernel has failed. See script.hpp.
#include <liburing.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include "script.hpp"

using faults::call;
using faults::due;

namespace {

struct marked {
  std::uint64_t user_data;
  int result;
};

// Of the loop's thread.
thread_local std::vector<marked> awaited_failures;

// A close has closed whatever it says; a cancellation that comes too late has an effect, too.
bool takes_effect(const io_uring_sqe& entry, int error) noexcept {
  return entry.opcode == IORING_OP_CLOSE ||
         (entry.opcode == IORING_OP_ASYNC_CANCEL && error == EALREADY);
}

void replace_by_failure(io_uring_sqe& entry, int error) {
  const std::uint64_t user_data = entry.user_data;
  if (takes_effect(entry, error)) {
    awaited_failures.push_back(marked{user_data, -error});
    return;
  }
  io_uring_prep_nop(&entry);
  entry.flags = 0;
  entry.user_data = user_data;
  awaited_failures.push_back(marked{user_data, -error});
}

bool is_multishot(const io_uring_sqe& entry) noexcept {
  return (entry.opcode == IORING_OP_ACCEPT && (entry.ioprio & IORING_ACCEPT_MULTISHOT) != 0) ||
         (entry.opcode == IORING_OP_RECV && (entry.ioprio & IORING_RECV_MULTISHOT) != 0);
}

void make_single(io_uring_sqe& entry) noexcept {
  if (!is_multishot(entry)) return;
  entry.ioprio = static_cast<__u16>(
      entry.ioprio & ~(entry.opcode == IORING_OP_ACCEPT ? IORING_ACCEPT_MULTISHOT
                                                        : IORING_RECV_MULTISHOT));
}

void make_partial(io_uring_sqe& entry) noexcept {
  if (entry.opcode == IORING_OP_SEND) {
    entry.msg_flags &= ~static_cast<unsigned>(MSG_WAITALL);
  } else if (entry.opcode != IORING_OP_WRITE && entry.opcode != IORING_OP_READ) {
    return;
  }
  if (entry.len > 1) entry.len = 1;
}

// A file never says that it would block.
bool is_file(int fd) {
  struct stat what;
  return ::stat(("/proc/self/fd/" + std::to_string(fd)).c_str(), &what) == 0 &&
         S_ISREG(what.st_mode);
}

void alter(io_uring_sqe& entry) {
  const faults::old_kernel& kernel = faults::pretended();
  const bool unknown = entry.opcode == IORING_OP_ACCEPT ? kernel.no_multishot_accept
                                                        : kernel.no_multishot_receive;
  if (unknown && is_multishot(entry)) return replace_by_failure(entry, EINVAL);
  const bool provided = (entry.flags & IOSQE_BUFFER_SELECT) != 0;
  const int error = due(call::ring_entry, entry.opcode | (provided ? faults::with_provided : 0));
  if (error == 0 || (error == EAGAIN && is_file(entry.fd))) return;
  if (error == faults::single) return make_single(entry);
  if (error == faults::partial) return make_partial(entry);
  replace_by_failure(entry, error);
}

// A negative error if the kernel is not to be entered.
int before_entering(io_uring* ring) {
  if (const int error = due(call::ring_enter)) return -error;
  for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; ++at) {
    alter(ring->sq.sqes[at & ring->sq.ring_mask]);
  }
  return 0;
}

int after_entering(io_uring* ring, int result) {
  const unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);
  for (unsigned at = *ring->cq.khead; at != tail && !awaited_failures.empty(); ++at) {
    io_uring_cqe& completion = ring->cq.cqes[at & ring->cq.ring_mask];
    for (std::size_t i = 0; i < awaited_failures.size(); ++i) {
      if (completion.user_data != awaited_failures[i].user_data || completion.res != 0) continue;
      completion.res = awaited_failures[i].result;
      awaited_failures.erase(awaited_failures.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  return result;
}

}  // namespace

extern "C" {

int __real_io_uring_queue_init_params(unsigned, io_uring*, io_uring_params*);
int __real_io_uring_register_buf_ring(io_uring*, io_uring_buf_reg*, unsigned);
int __real_io_uring_register_eventfd(io_uring*, int);
int __real_io_uring_register_ring_fd(io_uring*);
int __real_io_uring_submit(io_uring*);
int __real_io_uring_submit_and_get_events(io_uring*);
int __real_io_uring_submit_and_wait(io_uring*, unsigned);
int __real_io_uring_submit_and_wait_timeout(io_uring*, io_uring_cqe**, unsigned,
                                            __kernel_timespec*, sigset_t*);

int __wrap_io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* params) {
  awaited_failures.clear();
  if (const int error = due(call::ring_setup)) return -error;
  constexpr unsigned known = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SQPOLL |
                             IORING_SETUP_IOPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_ATTACH_WQ |
                             IORING_SETUP_R_DISABLED;
  if (faults::pretended().no_setup_flags && (params->flags & ~known) != 0) return -EINVAL;
  const int result = __real_io_uring_queue_init_params(entries, ring, params);
  params->features &= ~faults::pretended().features_missing;
  return result;
}

int __wrap_io_uring_register_buf_ring(io_uring* ring, io_uring_buf_reg* what, unsigned flags) {
  if (const int error = due(call::ring_register)) return -error;
  if (faults::pretended().no_buffer_ring) return -EINVAL;
  return __real_io_uring_register_buf_ring(ring, what, flags);
}

int __wrap_io_uring_register_eventfd(io_uring* ring, int fd) {
  const int error = due(call::ring_register);
  return error ? -error : __real_io_uring_register_eventfd(ring, fd);
}

int __wrap_io_uring_register_ring_fd(io_uring* ring) {
  const int error = due(call::ring_register);
  return error ? -error : __real_io_uring_register_ring_fd(ring);
}

int __wrap_io_uring_submit(io_uring* ring) {
  const int error = before_entering(ring);
  return error ? error : after_entering(ring, __real_io_uring_submit(ring));
}

int __wrap_io_uring_submit_and_get_events(io_uring* ring) {
  const int error = before_entering(ring);
  return error ? error : after_entering(ring, __real_io_uring_submit_and_get_events(ring));
}

int __wrap_io_uring_submit_and_wait(io_uring* ring, unsigned count) {
  const int error = before_entering(ring);
  return error ? error : after_entering(ring, __real_io_uring_submit_and_wait(ring, count));
}

int __wrap_io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** first, unsigned count,
                                            __kernel_timespec* limit, sigset_t* mask) {
  const int error = before_entering(ring);
  if (error) return error;
  return after_entering(
      ring, __real_io_uring_submit_and_wait_timeout(ring, first, count, limit, mask));
}

}  // extern "C"

namespace faults {

bool ready_after_all(int) noexcept { return false; }
void forget_edges(int) noexcept {}

}  // namespace faults
