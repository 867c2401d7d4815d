// One request to the selector: what sockets, files and waits for descriptors are made of.
#pragma once

#include <eddy/runtime/wait_list.hpp>
#include <string_view>

namespace eddy::inline v1::detail {

class engine;

enum class op_code : std::uint8_t {
  // On a descriptor of the engine's. One of the first four, and one of the next four, at a time.
  accept,        // a descriptor, ready for use with the engine
  read,          // at least one byte into data/size; 0 at the end of the stream
  receive,       // the same into a buffer of the engine's, which becomes the caller's lease
  receive_from,  // one datagram into data/size and its sender's address (datagram_operation)
  connect,       // to the address in data/size
  write,         // all of data/size
  write_pieces,  // all of `size` bytes in `pieces` (pieces_operation)
  send_to,       // data/size as one datagram (datagram_operation)
  close,         // gives the descriptor up: completes when the number has been closed
  // On a foreign descriptor: until it can be read, or written, without blocking, or has failed.
  wait_readable,
  wait_writable,
  // On a file, where engine::performs_files(): what file_* of system.hpp do.
  file_open,   // data: the path; size: a system::open_mode
  file_read,   // data/size
  file_write,  // all of data/size
  file_sync,
  file_close,
};

// Marks a lease of memory from malloc instead of an engine's buffer.
inline constexpr std::uint32_t malloc_buffer = UINT32_MAX - 1;

// Lives in the awaiting coroutine's frame. From submit to completion the engine and the kernel may
// use it and the memory it names; so the coroutine resumes at the completion, also when it is
// cancelled.
class operation : public listed_waiter {
 public:
  void on_cancel() noexcept override;

  op_code code;
  std::uint8_t stage = 0;  // the engine's own
  int fd = -1;
  void* data = nullptr;
  std::size_t size = 0;  // receive, complete: of the buffer
  union {
    std::size_t done = 0;  // bytes of a write so far
    std::uint32_t buffer;  // receive, complete: which of the engine's buffers
  };
  int result = 0;  // bytes, a descriptor, 0; or a negative errno value

 protected:
  explicit operation(op_code c) noexcept : code(c) {}
  ~operation() = default;

  // Hands it to the engine; false if it is complete and there is nothing to wait for.
  bool submit() noexcept;
  // The result, negative on failure; throws `cancelled` if the scope's cancellation ended it.
  int finish();
};

// A sockaddr of any family, as bytes, so that headers need no kernel words.
struct socket_address {
  alignas(8) unsigned char bytes[128] = {};
  unsigned size = 0;
};

// Pieces of one write_pieces that go to the kernel at once; more take more calls.
inline constexpr std::size_t pieces_at_once = 8;

// An operation that the kernel wants described by a msghdr, for which this has room.
class message_operation : public operation {
 public:
  alignas(8) unsigned char room[64 + 16 * pieces_at_once];

 protected:
  using operation::operation;
  ~message_operation() = default;
};

class pieces_operation : public message_operation {
 public:
  const std::string_view* pieces = nullptr;  // borrowed, as what they name
  std::size_t first_piece = 0;               // the first that is not done, moved on by the engine
  std::size_t first_offset = 0;              // what is done of that

 protected:
  pieces_operation() noexcept : message_operation(op_code::write_pieces) {}
  ~pieces_operation() = default;
};

class datagram_operation : public message_operation {
 public:
  socket_address address;  // where to (empty: the connected peer), or where from
  bool truncated = false;  // receive_from: the datagram was longer than `size`

 protected:
  using message_operation::message_operation;
  ~datagram_operation() = default;
};

// What co_await calls of an operation. An Awaiter with more to do than to submit it hides start.
template <class Awaiter, class Operation = operation>
class awaited_operation : public awaited<Awaiter, Operation> {
 public:
  // False: there is nothing to wait for.
  bool start() noexcept { return this->submit(); }

 protected:
  using awaited<Awaiter, Operation>::awaited;
  ~awaited_operation() = default;
};

// Throws std::system_error for the negative errno value `result`; `what` and `peer` say what
// failed.
[[noreturn]] void throw_os_error(int result, const char* what, const char* peer);

}  // namespace eddy::inline v1::detail
