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
// cancellation cannot meet a later entry of its lane. The operations of files have no descriptor
// here: they are told of one by one (io_uring_files.cpp), and their entries carry an operation's
// address.
#pragma once

#include <memory>
#include <vector>

#include "descriptors.hpp"
#include "engine.hpp"
#include "io_uring_buffers.hpp"
#include "io_uring_ring.hpp"

namespace eddy::inline v1::detail {

// What a descriptor may do at the same time.
enum lane_index : unsigned {
  lane_in,       // read, receive_from, wait_readable; of `accept` and `receive` only the waiting
  lane_out,      // connect, write, write_pieces, send_to, wait_writable
  lane_channel,  // the engine's own receiving or accepting; outlives single operations
  lane_count,
};

// In the low bits of an entry's address: the lane, and whether it is the answer to a cancellation.
inline constexpr std::uint64_t lane_mask = 3;
inline constexpr std::uint64_t cancel_bit = 4;
inline constexpr std::uint64_t all_bits = lane_mask | cancel_bit;
inline constexpr std::uint64_t lone_mark = lane_count;  // the address is an operation's
inline constexpr std::uint64_t wake_mark = lone_mark;   // that of no operation

// For io_uring's read and write.
inline constexpr std::uint64_t current_position = UINT64_MAX;

struct io_lane {
  enum class entry : std::uint8_t { none, wanted, submitted };
  enum class cancel : std::uint8_t { none, wanted, submitted };

  entry state : 2 = entry::none;
  cancel cancelling : 2 = cancel::none;
  bool polling : 1 = false;  // its entry waits for the descriptor to become ready, and does no more

  bool end_polling() noexcept {
    const bool was = polling;
    polling = false;
    return was;
  }
};

struct accepted_queue;

// One for each connection, of which there may be very many: so small things are bits, and what
// cannot be there at the same time shares a word.
struct io_descriptor {
  io_descriptor() noexcept {}
  io_descriptor(int number, descriptor_kind what) noexcept : fd(number), kind(what) {}
  io_descriptor(const io_descriptor&) = delete;
  io_descriptor& operator=(const io_descriptor&) = delete;

  // The channel is with the kernel, or about to be.
  bool receiving() const noexcept { return lanes[lane_channel].state != io_lane::entry::none; }
  // Nothing more will come that names this.
  bool quiet() const noexcept {
    for (const io_lane& l : lanes) {
      if (l.state == io_lane::entry::submitted) return false;
    }
    return cancels == 0;
  }
  // False of a connection in use, by one look.
  bool may_be_over() const noexcept { return released || foreign; }
  // Nobody needs this any more.
  bool over() const noexcept {
    return released || (foreign && !ops[lane_in] && !ops[lane_out]);
  }

  operation* ops[lane_channel] = {};  // of lane_in and lane_out
  // On the list `changed`, or in a listener's accepted_queue. Of a place in the table that is not
  // in use: somebody else's descriptor with that number, if it is waited for.
  io_descriptor* next = nullptr;
  union {
    block_queue retained = {};
    operation* closer;  // if `released`: the `close` that waits for that
  };
  union {
    block* landing = nullptr;  // where a receive into the heap writes
    accepted_queue* accepted;  // if `listens`
  };
  int fd = -1;
  int ending = 0;            // what comes after `retained`, if `ended`: 0 or an error
  std::uint8_t cancels = 0;  // cancellations whose answers are still to come
  io_lane lanes[lane_count];
  descriptor_kind kind = descriptor_kind::stream;
  bool ended : 1 = false;
  bool released : 1 = false;
  bool changed : 1 = false;
  bool foreign : 1 = false;      // somebody else's, and here only while it is waited for
  bool into_heap : 1 = false;    // the channel's entry is a single receive into `landing`
  bool no_buffers : 1 = false;   // the pool was out when the channel last asked
  bool input_ready : 1 = false;  // a poll has said so, and nothing has been read since
  bool listens : 1 = false;      // was asked to accept
};

static_assert(lane_count <= lane_mask && alignof(io_descriptor) > all_bits &&
              alignof(operation) > all_bits);
static_assert(sizeof(io_descriptor) <= 7 * sizeof(std::uint64_t));

// The descriptors by number, in blocks that stay where they are: the kernel names descriptors by
// their addresses, and neither malloc's words nor room in reserve is added to each.
class descriptor_table {
 public:
  // Null if nobody has made the number known.
  io_descriptor* find(int fd) noexcept {
    io_descriptor* place = place_of(fd);
    return place && place->fd < 0 ? place->next : place;
  }
  // Null for a number for which there was no make_place yet.
  io_descriptor* place_of(int fd) noexcept {
    const auto at = static_cast<std::size_t>(fd);
    if (at / block_size >= blocks_.size()) return nullptr;  // also the negative ones
    io_descriptor* block = blocks_[at / block_size].get();
    return block ? block + at % block_size : nullptr;
  }
  // Throws std::bad_alloc.
  io_descriptor& make_place(int fd);
  // All numbers that are known are below.
  int limit() const noexcept { return static_cast<int>(blocks_.size() * block_size); }

 private:
  static constexpr std::size_t block_size = 128;

  std::vector<std::unique_ptr<io_descriptor[]>> blocks_;
};

// The connections that have come to a listener and nobody has asked for. Apart from io_descriptor,
// which every connection has.
struct accepted_queue {
  io_descriptor* first = nullptr;
  io_descriptor* last = nullptr;
  unsigned size = 0;
  bool single_shot = false;  // the kernel has no multishot accept
  bool was_ready = false;    // a connection waits, by the last poll: a failure now is about it
};

struct engine::state {
  explicit state(const engine_options& options);
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state();

  // io_uring.cpp: descriptors and operations.
  io_descriptor* find(int fd) noexcept { return table.find(fd); }
  // Null if there is no memory.
  io_descriptor* adopt(int fd, descriptor_kind kind) noexcept;
  bool submit(operation& op) noexcept;
  void start_lane(io_descriptor& d, lane_index which, operation& op) noexcept;
  void want_channel(io_descriptor& d) noexcept;
  void cancel(operation& op) noexcept;
  void cancel_lane(io_descriptor& d, lane_index which) noexcept;
  void end(io_descriptor& d, lane_index which, int result) noexcept;
  void give_up(io_descriptor& d) noexcept;
  void drop_landing(io_descriptor& d) noexcept;
  // True if the number is closed and the descriptor is gone.
  bool close_if_quiet(io_descriptor& d) noexcept {
    return d.may_be_over() && d.over() && !d.changed && d.quiet() && close(d);
  }
  bool close(io_descriptor& d) noexcept;
  void change(io_descriptor& d) noexcept;

  // io_uring_turn.cpp: the conversation with the kernel.
  void wait(std::int64_t deadline_ns) noexcept;
  void exchange(std::int64_t deadline_ns) noexcept;
  void tell_kernel() noexcept;
  bool tell_kernel(io_descriptor& d) noexcept;
  bool push(io_descriptor& d, lane_index which) noexcept;
  bool push_cancel(io_descriptor& d, lane_index which) noexcept;
  void arm_wake() noexcept;
  int watched();
  bool renew_watched() noexcept;
  void tell_watcher() noexcept;
  void completed(std::uint64_t user_data, int result, unsigned flags) noexcept;
  void cancel_answered(io_descriptor& d, lane_index which, int result) noexcept;

  // io_uring_lanes.cpp: the operations of lane_in and lane_out.
  void fill(io_uring_sqe& entry, const io_descriptor& d, operation& op) const noexcept;
  bool start_write(io_descriptor& d, operation& op) noexcept;
  void lane_completed(io_descriptor& d, lane_index which, int result) noexcept;
  void again(io_descriptor& d, lane_index which, bool polling) noexcept;
  bool goes_on(io_descriptor& d, lane_index which, bool polled, int& result) noexcept;

  // io_uring_receive.cpp: receiving into the engine's buffers.
  bool ask_to_read(io_descriptor& d, operation& op, int& result) noexcept;
  bool deliver(io_descriptor& d, operation& op, int& result) noexcept;
  int copy_retained(io_descriptor& d, operation& op) noexcept;
  void lend_front(io_descriptor& d, operation& op, int& result) noexcept;
  bool push_receive(io_descriptor& d) noexcept;
  void received(io_descriptor& d, int result, unsigned flags) noexcept;
  void land(io_descriptor& d, int result, unsigned flags) noexcept;
  void retain(io_descriptor& d, block& b) noexcept;
  void drop_retained(io_descriptor& d) noexcept;

  // io_uring_accept.cpp: accepting ahead.
  bool ask_to_accept(io_descriptor& listener, operation& op) noexcept;
  void stop_accepting_unasked(io_descriptor& listener) noexcept;
  bool push_accept(io_descriptor& listener) noexcept;
  void accept_completed(io_descriptor& listener, int result, unsigned flags) noexcept;
  void came(io_descriptor& listener, int fd) noexcept;
  void accept_failed(io_descriptor& listener, int result) noexcept;
  void drop_accepted(io_descriptor& listener) noexcept;

  // io_uring_foreign.cpp: waiting for what is somebody else's.
  static int kind_for_polling(int fd, descriptor_kind& kind) noexcept;
  bool wait_foreign(operation& op) noexcept;
  io_descriptor* adopt_foreign(int fd) noexcept;
  void detach(io_descriptor& d) noexcept;
  void drop_foreign(io_descriptor& d) noexcept;
  void forget(int fd) noexcept;

  // io_uring_files.cpp: operations on files.
  bool start_lone(operation& op) noexcept;
  bool tell_kernel(operation& op) noexcept;
  void cancel_lone(operation& op) noexcept;
  void lone_completed(operation& op, int result) noexcept;
  void lone_cancel_answered(operation& op, int result) noexcept;

  uring ring;
  buffer_pool pool;
  descriptor_table table;
  io_descriptor* first_changed = nullptr;
  io_descriptor* last_changed = nullptr;
  wait_list lone;  // operations on files that the kernel should be told something about
  io_descriptor* forgetting = nullptr;
  std::size_t living = 0;
  int wake_fd = -1;
  int watched_fd = -1;           // of descriptor(), once asked for
  bool watched_spent = false;    // see renew_watched()
  std::uint64_t wake_count = 0;  // where the read of wake_fd lands
  bool wake_armed = false;
  bool woken = false;  // a wake has come that no wait() has returned for
  bool ending = false;
  const bool plain;
  bool no_multishot;       // receive
  bool any_ended = false;  // in this wait: so it must not block
};

// At the end of an engine or of an interest: what was cancelled comes back within one call. The
// bound is for a kernel that breaks its word.
inline constexpr std::int64_t longest_end_ns = 5'000'000'000;

}  // namespace eddy::inline v1::detail
