#include "io_uring_ring.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>

#include "engine.hpp"
#include "io_uring_plain.hpp"
#include "io_uring_refusal.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail {

namespace {

constexpr unsigned most_entries = 32768;  // the kernel's IORING_MAX_ENTRIES

// A multishot receive answers one submission many times, and an overflow of the completion queue
// ends it. Eight times the submissions holds what one turn of a busy server brings.
constexpr unsigned completions_per_entry = 8;

// From the best to the plainest; a kernel that does not know a flag says EINVAL.
constexpr unsigned common = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
constexpr unsigned setups[] = {
    // Linux 6.1. Disabled at first, so that the thread of the first turn becomes the issuer.
    common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED,
    // Linux 5.19
    common | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    common,
};

[[noreturn]] void throw_refusal(int error) {
  throw std::system_error(error, std::system_category(),
                          io_uring_refusal(error, io_uring_disabled_setting()));
}

}  // namespace

uring::uring(unsigned entries) {
  entries = std::clamp(entries, 1u, most_entries);
  int result = -EINVAL;
  for (const unsigned flags : setups) {
    if (io_uring_plain() && flags != common) continue;
    io_uring_params params = {};
    params.flags = flags;
    params.cq_entries = entries * completions_per_entry;
    result = io_uring_queue_init_params(entries, &ring_, &params);
    if (result == -EINVAL) continue;
    if (result < 0) throw_refusal(-result);
    // Without them a wait has no deadline (5.11), sockets need threads (5.7), completions get lost.
    constexpr unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_FAST_POLL | IORING_FEAT_NODROP;
    if ((params.features & needed) != needed) {
      io_uring_queue_exit(&ring_);
      throw_refusal(ENOSYS);
    }
    enabled_ = !(flags & IORING_SETUP_R_DISABLED);
    return;
  }
  throw_refusal(-result);
}

void uring::enable() noexcept {
  if (enabled_) return;
  enabled_ = true;
  // By its number: liburing before 2.4 declares io_uring_enable_rings and does not export it.
  [[maybe_unused]] const int result = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                                        IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  assert(result == 0);
  // Saves the kernel a look-up of the descriptor in every call; may fail where locked memory is
  // short, which does no harm.
  (void)io_uring_register_ring_fd(&ring_);
}

io_uring_sqe* uring::next_entry() noexcept {
  if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) return entry;
  enable();
  (void)io_uring_submit(&ring_);
  return io_uring_get_sqe(&ring_);
}

bool uring::nothing_to_do() const noexcept {
  return io_uring_sq_ready(&ring_) == 0 && !has_flags(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

bool uring::holds_back() const noexcept { return has_flags(IORING_SQ_CQ_OVERFLOW); }

bool uring::has_flags(unsigned any_of) const noexcept {
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & any_of) != 0;
}

// Results are not looked at: what was not submitted stays in the queue for the next call, and what
// fails is told by completions. EINTR, ETIME, EBUSY and EAGAIN all mean "look and come back".
void uring::enter(std::int64_t deadline_ns) noexcept {
  enable();
  std::int64_t left = deadline_ns;
  if (deadline_ns != 0 && deadline_ns != never_ns) {
    left = std::max<std::int64_t>(deadline_ns - system::clock_ns(), 0);
  }
  [[maybe_unused]] int result = 0;
  if (left == 0) {
    if (nothing_to_do()) return;
    result = io_uring_submit_and_get_events(&ring_);
  } else if (left == never_ns) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec timeout = {};
    timeout.tv_sec = left / 1'000'000'000;
    timeout.tv_nsec = left % 1'000'000'000;
    io_uring_cqe* first = nullptr;
    result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  }
  assert(result != -EEXIST && "an io_uring engine was used from two threads");
}

}  // namespace eddy::inline v1::detail
