// Operations on files. They belong to no descriptor of the table; each tells the kernel its own
// address, and is complete when the answer to it and the answer to its cancellation are both in:
// only then nothing names its memory any more.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "file_flags.hpp"
#include "io_uring_state.hpp"

namespace eddy::inline v1::detail {

namespace {

// operation::stage, as bits.
enum : std::uint8_t {
  in_progress = 1,
  told = 2,           // its entry is with the kernel
  ended = 4,          // its result is there
  cancelled = 8,      // somebody has asked for it
  cancel_wanted = 16,
  cancel_told = 32,   // the answer to the cancellation is still to come
};

constexpr std::size_t most_at_once = 0x7ffff000;  // what read(2) and write(2) move in one call

void set(operation& op, unsigned bits) noexcept {
  op.stage = static_cast<std::uint8_t>(op.stage | bits);
}

void clear(operation& op, unsigned bits) noexcept {
  op.stage = static_cast<std::uint8_t>(op.stage & ~bits);
}

std::uint64_t mark_of(const operation& op) noexcept {
  return reinterpret_cast<std::uintptr_t>(&op) | lone_mark;
}

// Where a write begins, or goes on. By number: of a write that fails half-way the kernel tells how
// far it came, and leaves the file's own position where it was.
std::uint64_t place_of(const operation& op) noexcept {
  const off_t start = ::lseek(op.fd, 0, SEEK_CUR);
  return start < 0 ? current_position : static_cast<std::uint64_t>(start) + op.done;
}

void fill_file(io_uring_sqe& entry, const operation& op) noexcept {
  const auto size = static_cast<unsigned>(std::min(op.size - op.done, most_at_once));
  switch (op.code) {
    case op_code::file_open:
      io_uring_prep_openat(&entry, AT_FDCWD, static_cast<const char*>(op.data),
                           system::open_flags(static_cast<system::open_mode>(op.size)),
                           system::new_file_mode);
      // The kernel's first try would open a FIFO without waiting for its other end.
      entry.flags |= IOSQE_ASYNC;
      break;
    case op_code::file_read:
      io_uring_prep_read(&entry, op.fd, op.data, size, current_position);
      break;
    case op_code::file_write:
      io_uring_prep_write(&entry, op.fd, static_cast<const char*>(op.data) + op.done, size,
                          place_of(op));
      // On a thread of the kernel's, as one piece: a try that must not block may stop half-way,
      // with somebody else's bytes after that. And a SIGPIPE would be that thread's, which takes
      // none.
      entry.flags |= IOSQE_ASYNC;
      break;
    case op_code::file_sync:
      io_uring_prep_fsync(&entry, op.fd, 0);
      break;
    case op_code::file_close:
      io_uring_prep_close(&entry, op.fd);
      break;
    default:
      io_uring_prep_nop(&entry);
      break;
  }
}

// True if there is more to do: the rest of a write, or what a signal to the kernel's thread has
// interrupted. Else `result` becomes the operation's.
bool more_to_do(operation& op, int& result) noexcept {
  const bool interrupted = result == -EINTR;
  if (op.code == op_code::file_close) {
    if (interrupted) result = 0;  // the number is free, as in system::file_close
    return false;
  }
  if (op.code == op_code::file_write) {
    if (result == 0) result = -EIO;
    if (result > 0) op.done += static_cast<std::size_t>(result);
    if (op.done >= op.size) {
      result = 0;
      return false;
    }
    // Once begun it is done to its end.
    if (result > 0 || (op.done > 0 && (interrupted || result == -ECANCELED))) return true;
  }
  if (!interrupted) return false;
  if (!(op.stage & cancelled)) return true;
  result = -ECANCELED;
  return false;
}

void settle(operation& op) noexcept {
  if (!(op.stage & ended) || op.stage & cancel_told) return;
  op.stage = 0;
  complete(op, op.result);
}

}  // namespace

bool engine::state::start_lone(operation& op) noexcept {
  op.done = 0;
  op.result = 0;
  if (op.code == op_code::file_write && op.size == 0) return true;
  op.stage = in_progress;
  lone.push_back(op);
  return false;
}

bool engine::state::tell_kernel(operation& op) noexcept {
  io_uring_sqe* entry = ring.next_entry();
  if (!entry) return false;
  if (op.stage & cancel_wanted) {
    io_uring_prep_cancel64(entry, mark_of(op), 0);
    io_uring_sqe_set_data64(entry, mark_of(op) | cancel_bit);
    clear(op, cancel_wanted);
    set(op, cancel_told);
  } else {
    fill_file(*entry, op);
    io_uring_sqe_set_data64(entry, mark_of(op));
    set(op, told);
  }
  return true;
}

void engine::state::cancel_lone(operation& op) noexcept {
  if (!(op.stage & in_progress) || op.stage & (cancelled | ended)) return;
  set(op, cancelled);
  if (op.done > 0) return;  // the rest of a write
  if (op.stage & told) {
    set(op, cancel_wanted);
    lone.push_back(op);
  } else {
    lone.remove(op);
    op.stage = 0;
    complete(op, -ECANCELED);
  }
}

void engine::state::lone_completed(operation& op, int result) noexcept {
  if (op.stage & cancel_wanted) lone.remove(op);
  clear(op, told | cancel_wanted);
  if (more_to_do(op, result)) return lone.push_back(op);
  if (op.code == op_code::file_write && op.done > 0) {
    (void)::lseek(op.fd, static_cast<off_t>(op.done), SEEK_CUR);  // fails where there is none
  }
  op.result = result;
  set(op, ended);
  settle(op);
}

void engine::state::lone_cancel_answered(operation& op, int result) noexcept {
  clear(op, cancel_told);
  // Not found, and not complete: it was on its way between two queues.
  if (result == -ENOENT && op.stage & told && op.done == 0) {
    set(op, cancel_wanted);
    lone.push_back(op);
  }
  settle(op);
}

}  // namespace eddy::inline v1::detail
