// The io_uring engine inside: descriptors, each a small state machine that says what the kernel
// should be told, and the loop over them that tells it.
//
// What is asked of the engine only changes a descriptor and puts it on the list `changed`. wait()
// walks that list, fills submission entries, enters the kernel once and takes the completions. So
// a full submission queue has one place where it is met: a descriptor that found no room stays on
// the list. And cancelling what the kernel has not been told of is free.
//
// An entry carries the descriptor's address and which of its lanes it is for. At most one entry of
// a lane is with the kernel, and one cancellation of it; a descriptor is closed and freed when it
// was released and all have come back. Entries are executed in the order of their submission, so a
// cancellation cannot meet a later entry of its lane.
#pragma once

#include <vector>

#include "engine.hpp"
#include "io_uring_buffers.hpp"
#include "io_uring_ring.hpp"

namespace eddy::inline v1::detail {

// What a descriptor may do at the same time.
enum lane_index : unsigned {
  lane_in,       // accept, read; of a `receive` only the waiting
  lane_out,      // connect, write
  lane_channel,  // the engine's own receiving for `receive`; outlives single operations
  lane_count,
};

struct io_lane {
  enum class entry : std::uint8_t { none, wanted, submitted };
  enum class cancel : std::uint8_t { none, wanted, submitted };

  operation* op = nullptr;
  entry state = entry::none;
  cancel cancelling = cancel::none;
};

struct descriptor {
  explicit descriptor(int number, bool is_tcp) noexcept : fd(number), tcp(is_tcp) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  // The engine's receiving is with the kernel, or about to be.
  bool receiving() const noexcept { return lanes[lane_channel].state != io_lane::entry::none; }
  bool quiet() const noexcept {
    for (const io_lane& l : lanes) {
      if (l.state == io_lane::entry::submitted) return false;
    }
    return cancels == 0;
  }

  io_lane lanes[lane_count];
  operation* closer = nullptr;
  descriptor* next_changed = nullptr;
  block_queue retained;
  block* landing = nullptr;  // where a receive into the heap writes
  int fd;
  int ending = 0;            // what comes after `retained`, if `ended`: 0 or an error
  std::uint8_t cancels = 0;  // cancellations whose answers are still to come
  bool ended = false;
  bool released = false;
  bool changed = false;
  bool into_heap = false;   // the channel's entry is a single receive into `landing`
  bool tcp;                 // multishot receive is trusted; see io_uring_receive.cpp
  bool no_buffers = false;  // the pool was out when the channel last asked
};

struct engine::state {
  explicit state(const engine_options& options);
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state();

  // io_uring.cpp: descriptors and operations.
  descriptor* find(int fd) noexcept {
    const auto at = static_cast<std::size_t>(fd);
    return at < table.size() ? table[at] : nullptr;
  }
  // Null if there is no memory.
  descriptor* adopt(int fd, bool tcp) noexcept;
  bool submit(operation& op) noexcept;
  void start_lane(descriptor& d, lane_index which, operation& op) noexcept;
  void cancel(operation& op) noexcept;
  void cancel_lane(descriptor& d, lane_index which) noexcept;
  void end(io_lane& lane, int result) noexcept;
  void give_up(descriptor& d) noexcept;
  bool close_if_quiet(descriptor& d) noexcept;
  void change(descriptor& d) noexcept;

  // io_uring_turn.cpp: the conversation with the kernel.
  void wait(std::int64_t deadline_ns) noexcept;
  void tell_kernel() noexcept;
  bool tell_kernel(descriptor& d) noexcept;
  bool push(descriptor& d, lane_index which) noexcept;
  bool push_cancel(descriptor& d, lane_index which) noexcept;
  void arm_wake() noexcept;
  void completed(std::uint64_t user_data, int result, unsigned flags) noexcept;
  void lane_completed(descriptor& d, lane_index which, int result) noexcept;
  int accepted(descriptor& listener, int result) noexcept;
  bool write_goes_on(descriptor& d, int& result, bool cancelled) noexcept;

  // io_uring_receive.cpp: receiving into the engine's buffers.
  bool ask_to_read(descriptor& d, operation& op, int& result) noexcept;
  bool deliver(descriptor& d, operation& op, int& result) noexcept;
  int copy_retained(descriptor& d, operation& op) noexcept;
  void lend_front(descriptor& d, operation& op, int& result) noexcept;
  bool push_channel(descriptor& d) noexcept;
  void received(descriptor& d, int result, unsigned flags) noexcept;
  void retain(descriptor& d, block& b) noexcept;
  void drop_retained(descriptor& d) noexcept;

  uring ring;
  buffer_pool pool;
  std::vector<descriptor*> table;  // by number
  descriptor* first_changed = nullptr;
  descriptor* last_changed = nullptr;
  std::size_t living = 0;
  int wake_fd = -1;
  std::uint64_t wake_count = 0;  // where the read of wake_fd lands
  bool wake_armed = false;
  bool ending = false;
  bool no_multishot = false;
  bool any_ended = false;  // in this wait: so it must not block
};

}  // namespace eddy::inline v1::detail
