// The readiness engine inside: a record for each descriptor, and who waits on it.
//
// A descriptor is registered once, edge-triggered, for its life. Its record remembers whether
// reading is worth a try; writing always is (2.02 system calls an echo, against 3.02 for trying
// both: in the steady state a read finds nothing and a write finds room).
#pragma once

#include <vector>

#include "descriptors.hpp"
#include "engine.hpp"
#include "poller.hpp"

namespace eddy::inline v1::detail {

// Each event of a waiting receive() takes a buffer before anybody is resumed: fewer events than the
// default of 128 buffers keep a busy server off the heap, and a wait is cheap beside 64 reads.
inline constexpr std::size_t events_per_wait = 64;

// What `attempt` returns while an operation cannot be done: not an errno value.
inline constexpr int must_wait = -100000;

struct record {
  std::uint32_t generation = 0;
  descriptor_kind kind = descriptor_kind::stream;
  bool known : 1 = false;
  bool foreign : 1 = false;
  bool readable : 1 = false;
  bool ended : 1 = false;   // end of stream or error: reading never blocks any more
  bool urgent : 1 = false;  // urgent data have come: a read may stop at their mark
  operation* reader = nullptr;
  operation* writer = nullptr;
};

// Receive buffers: one block of memory, made at the first receive, and a list of what is free.
class receive_buffers {
 public:
  receive_buffers(unsigned count, std::size_t bytes) noexcept : bytes_(bytes), count_(count) {}
  receive_buffers(const receive_buffers&) = delete;
  receive_buffers& operator=(const receive_buffers&) = delete;
  ~receive_buffers();

  std::size_t bytes() const noexcept { return bytes_; }
  // From the heap when the pool is out; null if that is out, too.
  std::byte* take(std::uint32_t& buffer) noexcept;
  void give(std::byte* data, std::uint32_t buffer) noexcept;

 private:
  void make() noexcept;

  std::byte* memory_ = nullptr;
  std::vector<std::uint32_t> free_;
  std::size_t bytes_;
  unsigned count_;
};

struct engine::state {
  explicit state(const engine_options& options)
      : buffers(options.buffer_count, options.buffer_bytes) {}

  record* find(int fd) noexcept {
    if (static_cast<std::size_t>(fd) >= room) return nullptr;  // also the negative ones
    record& r = records[static_cast<std::size_t>(fd)];
    return r.known ? &r : nullptr;
  }
  record& at(int fd) noexcept { return records[static_cast<std::size_t>(fd)]; }
  std::uint64_t token_of(int fd) noexcept {
    return std::uint64_t{at(fd).generation} << 32 | static_cast<std::uint32_t>(fd);
  }

  // readiness.cpp: who waits. 0 or a negative errno value.
  int make_room(int fd) noexcept;
  int enroll(int fd, descriptor_kind kind) noexcept;
  int begin(operation& op) noexcept;
  int begin_foreign(operation& op) noexcept;
  int watch(int fd) noexcept;
  void drop_waiting(record& r) noexcept;
  void handle(const readiness_event& event) noexcept;
  void watch_the_rest(int fd) noexcept;
  void handle_foreign(const readiness_event& event, int fd) noexcept;
  void retry(operation*& waiting, int fd) noexcept;

  // readiness_attempt.cpp: the calls. A result, or must_wait. May grow the table of records.
  int attempt(operation& op, record& r) noexcept;
  int attempt_read(operation& op, record& r) noexcept;
  int attempt_receive(operation& op, record& r) noexcept;
  int attempt_receive_from(datagram_operation& op, record& r) noexcept;
  int attempt_accept(operation& op, record& r) noexcept;
  int attempt_write(operation& op, const record& r) noexcept;
  int attempt_pieces(pieces_operation& op, const record& r) noexcept;
  int attempt_send_to(datagram_operation& op, const record& r) noexcept;

  poller selector;
  std::vector<record> records;  // by descriptor
  std::size_t room = 0;         // its size, which it would have to divide for
  receive_buffers buffers;
  readiness_event events[events_per_wait];
};

// connect(2), and what became of one that went on in the background.
int start_connect(const operation& op) noexcept;
int connected(int fd) noexcept;

}  // namespace eddy::inline v1::detail
