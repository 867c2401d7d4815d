// The submission and completion queues of one loop: liburing with this library's choices made.
#pragma once

#include <liburing.h>

#include <cstdint>

namespace eddy::inline v1::detail {

// Owns a ring. Everything belongs to the loop's thread: the first call of enter or next_entry makes
// its thread the only one that the kernel accepts (IORING_SETUP_SINGLE_ISSUER). The destructor
// gives the ring up; whatever memory the kernel was told of must be out of its hands by then.
class uring {
 public:
  // Throws std::system_error; see io_uring_refusal.hpp.
  explicit uring(unsigned entries);
  uring(const uring&) = delete;
  uring& operator=(const uring&) = delete;
  ~uring() { io_uring_queue_exit(&ring_); }

  // An entry, to be filled at once. Hands the kernel what is there if the queue is full. Null: the
  // kernel takes no more until completions have been drained.
  io_uring_sqe* next_entry() noexcept;
  // Submits everything and waits for a completion, a signal or the deadline; 0 does not wait, and
  // makes no system call if there is nothing to do.
  void enter(std::int64_t deadline_ns) noexcept;
  // Whether a call of enter and drain would do something.
  bool has_more() const noexcept { return io_uring_cq_ready(&ring_) > 0 || !nothing_to_do(); }

  // Whether completions wait in the kernel because they found no room here.
  bool holds_back() const noexcept;

  // Calls handle(user_data, result, flags) for each completion that is there. An entry is given
  // back before its handler runs.
  template <class Handler>
  void drain(Handler&& handle) noexcept {
    for (unsigned left = io_uring_cq_ready(&ring_); left > 0; --left) {
      io_uring_cqe* entry = nullptr;
      if (io_uring_peek_cqe(&ring_, &entry) != 0) return;
      const std::uint64_t user_data = entry->user_data;
      const int result = entry->res;
      const unsigned flags = entry->flags;
      io_uring_cqe_seen(&ring_, entry);
      handle(user_data, result, flags);
    }
  }

  io_uring& raw() noexcept { return ring_; }

 private:
  void enable() noexcept;
  bool nothing_to_do() const noexcept;
  bool has_flags(unsigned any_of) const noexcept;

  io_uring ring_ = {};
  bool enabled_ = false;
};

}  // namespace eddy::inline v1::detail
