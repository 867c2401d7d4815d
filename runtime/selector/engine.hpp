// CONTRACT 1, completion: what the loop asks of a selector.
//
// `engine` is one concrete class, declared here once and defined by the files that the build links:
// io_uring*.cpp, or readiness*.cpp over a poller. The contract is written for io_uring at its best;
// readiness emulates it.
//
//  1. A submitted operation completes exactly once: either submit() returns true (its result is
//     there), or it returns false and a later wait() puts it on the ready queue by complete().
//  2. Nothing is resumed inside submit, cancel, release or wait.
//  3. cancel() is always followed by a completion, at once where the kernel has nothing of the
//     operation, else when it has let go of the operation's memory. An operation that completes in
//     spite of a cancel keeps its result. Cancelling what is complete does nothing.
//  4. Descriptors of streams, datagram sockets and listeners come from the engine (open_socket,
//     accept) or are given to it by attach(); nothing above closes one. release(fd) cancels what is
//     in flight on it and closes the number after the last completion that names it; the numbers of
//     descriptors are not reused before. The operation `close` does the same and completes then.
//  5. `receive` lends a buffer of the engine's (`operation::data`, `buffer`), which comes back by
//     recycle(). At most `retained_limit` buffers that nobody has taken yet are held for a stream;
//     when the engine's buffers are out it takes blocks from the heap and never waits. A descriptor
//     may switch between `read` and `receive` at any time, and no byte is lost or reordered: what
//     was retained is delivered first. A cancelled `receive` loses no bytes either.
//  6. Connections that were accepted ahead of their `accept` are held by the engine, at most
//     `accepted_limit` and what was on its way, and are closed with their listener. When a turn
//     ends without anybody asking for one, the rest is left to the kernel's backlog. An `accept`
//     fails for want of descriptors only when a connection waits for it, which is kept.
//  7. For each descriptor one operation that reads (accept, read, receive, receive_from) and one
//     that writes (connect, write, write_pieces, send_to) at a time. Writes take all of their bytes
//     or fail; a write to a peer that is gone ends with EPIPE and no signal, on pipes, too.
//  8. wait_readable and wait_writable are for descriptors of somebody else's, level-triggered, and
//     complete with 0, or with EBUSY if another waits for the same, or the descriptor is the
//     engine's; EPERM for what cannot be waited for, EBADF for what is not open. forget(fd) ends
//     both, with ECANCELED, and returns when the kernel has let go of the descriptor; its owner
//     calls it before closing one that is waited for.
//  9. wake() may be called from any thread and from a signal handler, as often as one likes, and
//     makes the present or next wait() return. Everything else: the loop's thread only.
// 10. wait(deadline) submits what is pending and returns at the first completion, wake or signal,
//     at the deadline (steady-clock nanoseconds; 0: do not block; never_ns: no deadline) or
//     spuriously. A turn makes one call of it; none if it leaves work and no completion can come
//     but by what the loop's thread does first: has_descriptors() is false.
// 11. descriptor() is for a foreign loop to watch: it polls as readable while wait() has something
//     to do, except for what was asked for since the last wait() and only that will tell the
//     kernel: has_untold() says so. The descriptor is the engine's.
// 12. begin_turn() is told of each turn's ready queue before it is run, and says how many
//     resumptions the turn may have, at least one. It may permute the queue: a simulated world
//     does; the kernels' engines leave it as it is and say turn_budget.
// 13. Nothing throws but the constructor, open_socket, attach and descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/runtime/operation.hpp>

namespace eddy::inline v1::detail {

struct engine_options {
  std::size_t buffer_bytes;
  unsigned buffer_count;
  unsigned ring_entries;
};

// Buffers received for a stream that its reader has not asked for yet. Four of 16 KiB keep a fast
// sender busy over one turn; more would only take the pool away from the others.
inline constexpr unsigned retained_limit = 4;

// Connections accepted ahead. Enough for the burst between two turns; beyond it the kernel's own
// backlog holds them.
inline constexpr unsigned accepted_limit = 64;

// Marks a block from the heap in operation::buffer.
inline constexpr std::uint32_t heap_buffer = UINT32_MAX;

class engine {
 public:
  // Throws std::system_error whose text names the cause and the way out.
  explicit engine(const engine_options& options);
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;
  // Nothing is in flight but what was released; waits for that.
  ~engine();

  static const char* name() noexcept;

  bool submit(operation& op) noexcept;
  void cancel(operation& op) noexcept;
  int begin_turn(loop_core& loop) noexcept;
  void wait(std::int64_t deadline_ns) noexcept;
  void wake() noexcept;

  // A new stream or datagram socket in the mode this engine needs. Throws std::system_error.
  int open_socket(int family, int type);
  // Makes a socket or an end of a pipe known that was opened elsewhere, and its blocking mode what
  // this engine needs. Throws std::system_error: EPERM for what cannot be waited for, as files and
  // directories. The descriptor is then still the caller's.
  void attach(int fd);
  void release(int fd) noexcept;
  void recycle(std::byte* data, std::uint32_t buffer) noexcept;
  // The same for a heap_buffer whose engine is gone.
  static void free_heap_buffer(std::byte* data) noexcept;
  void forget(int fd) noexcept;
  // Throws std::system_error.
  int descriptor();
  bool has_untold() const noexcept;
  // Whether a completion may come: false at most while no descriptor was ever known, nor a file.
  bool has_descriptors() const noexcept;
  // Whether the file operations are for this engine; else they block, for the lanes of `offload`.
  static bool performs_files() noexcept;
  // Whether the engine holds bytes, or the end, of a stream that nobody has taken yet.
  bool holds_input(int fd) const noexcept;

 private:
  struct state;
  state* state_;
};

// Whether an operation takes the writing side of its descriptor.
inline bool writes(op_code code) noexcept {
  return (code >= op_code::connect && code <= op_code::send_to) || code == op_code::wait_writable;
}

// How an engine ends an operation: on the ready queue, exactly once.
inline void complete(operation& op, int result) noexcept {
  op.result = result;
  op.wake();
}

}  // namespace eddy::inline v1::detail
