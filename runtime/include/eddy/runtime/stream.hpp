// Streams of bytes: what connections and pipes have in common.
#pragma once

#include <eddy/runtime/descriptor.hpp>
#include <eddy/runtime/lease.hpp>
#include <eddy/runtime/task.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

// A stream that cannot do what was asked for, though the system reported no error.
class stream_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The peer finished sending before what was asked for had come. The bytes that came stay readable.
class incomplete_read : public stream_error {
 public:
  using stream_error::stream_error;
};

// No delimiter within the limit of read_until. The bytes that came stay readable.
class read_limit_exceeded : public stream_error {
 public:
  using stream_error::stream_error;
};

namespace detail {

// read_some: bytes into the caller's memory. `inside`: one step of a composite read, which holds
// the reading side and has emptied the stream's own buffer.
class read_awaiter final : public awaited_operation<read_awaiter> {
 public:
  read_awaiter(const descriptor_ref& stream, std::span<std::byte> into,
               bool inside = false) noexcept
      : awaited_operation(op_code::read), inside_(inside), stream_(stream) {
    data = into.data();
    size = into.size();
  }
  ~read_awaiter() { use_.end(stream_); }
  bool start() noexcept;
  std::size_t await_resume();

 private:
  bool inside_ : 1;
  bool buffered_ : 1 = false;
  side_use use_{direction::reading};
  descriptor_ref stream_;
};

// receive: bytes in a buffer of the engine's.
class receive_awaiter final : public awaited_operation<receive_awaiter> {
 public:
  explicit receive_awaiter(const descriptor_ref& stream) noexcept
      : awaited_operation(op_code::receive), stream_(stream) {}
  ~receive_awaiter() { use_.end(stream_); }
  bool start() noexcept;
  lease await_resume();

 private:
  bool buffered_ = false;
  side_use use_{direction::reading};
  descriptor_ref stream_;
};

class write_operation;

// write_all. The operation is apart, in recycled memory, with all that is known of the write, and
// lives while the write does: in a frame it would take its room as long as the connection lasts,
// which mostly waits for input.
class write_awaiter {
 public:
  write_awaiter(const descriptor_ref& stream, const void* from, std::size_t bytes) noexcept;
  write_awaiter(const write_awaiter&) = delete;
  write_awaiter& operator=(const write_awaiter&) = delete;
  ~write_awaiter() {
    if (operation_) end();
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    h.promise().at = at;
    return start(h, *h.promise().where);
  }
  void await_resume() { finish(nullptr); }

 protected:
  void finish(std::size_t* sent);

 private:
  bool start(std::coroutine_handle<> frame, scope& where) noexcept;
  void end() noexcept;

  write_operation* operation_;  // null: there was no memory
};

// The same; the bytes that the kernel took are added to `sent`, however the write ends, and a
// cancellation does not poison: the owner can go on where it stopped.
class counted_write_awaiter final : public write_awaiter {
 public:
  counted_write_awaiter(const descriptor_ref& stream, const void* from, std::size_t bytes,
                        std::size_t& sent) noexcept
      : write_awaiter(stream, from, bytes), sent_(sent) {}
  void await_resume() { finish(&sent_); }

 private:
  std::size_t& sent_;
};

// write_all of several pieces.
class write_pieces_awaiter final
    : public awaited_operation<write_pieces_awaiter, pieces_operation> {
 public:
  write_pieces_awaiter(const descriptor_ref& stream,
                       std::span<const std::string_view> from) noexcept
      : use_(stream, direction::writing) {
    pieces = from.data();
    for (const std::string_view piece : from) size += piece.size();
  }
  bool start() noexcept;
  void await_resume();

 private:
  descriptor_use use_;
};

}  // namespace detail

// A stream of bytes to and from a peer: a connection, or an end of a pipe, of which one direction
// works and the other throws stream_error. Move-only; belongs to its loop's thread and is
// destroyed before `run` returns (one that outlives the loop leaks its descriptor).
//
// One coroutine may read and one may write at a time; a second of either gets std::logic_error.
// What the system reports is std::system_error with what was done and to whom: "read from
// 127.0.0.1:4444: Connection reset by peer". The end of the stream is a value, and leaves writing
// open. A closed stream reports bad_file_descriptor; an empty one (default, moved from)
// std::logic_error.
//
// Destroying or closing a stream ends the waits of others on it with operation_canceled; moving it
// does not disturb them. Memory given to read_some and write_all is borrowed until they return.
//
// Every wait is a cancellation point. A cancelled read loses no bytes. A cancelled write_all may
// have sent a part, so that the writing side is unusable: later writes throw stream_error, saying
// so. Reading goes on.
//
//   task<> greet(byte_stream& peer) {
//     std::string name = co_await peer.read_until("\n", 100);
//     co_await peer.write_all("hello, " + name);
//   }
class byte_stream {
 public:
  byte_stream() noexcept {}

  // True until closed or moved from; says nothing about the peer.
  [[nodiscard]] bool is_open() const noexcept { return owned_.is_open(); }

  // At least one byte, as many as there are; 0 at the end of the stream (or for an empty span).
  // Allocates nothing.
  [[nodiscard]] detail::read_awaiter read_some(std::span<std::byte> into) noexcept {
    return {descriptor(), into};
  }
  // The same in a buffer on loan from the loop; empty at the end of the stream. A connection that
  // waits here holds no buffer. Bytes that an unfinished read_exactly or read_until has given back
  // come first, in a block of their own.
  [[nodiscard]] detail::receive_awaiter receive() noexcept {
    return detail::receive_awaiter(descriptor());
  }
  // Exactly `into.size()` bytes, or incomplete_read with what was wanted and got.
  task<> read_exactly(std::span<std::byte> into);
  // Up to and including the delimiter. At most `limit` bytes, or read_limit_exceeded;
  // incomplete_read if the stream ends first. std::invalid_argument for an empty delimiter.
  task<std::string> read_until(std::string delimiter, std::size_t limit);

  // Returns when the kernel holds all of it. Once the loop has had as many writes at a time, it
  // allocates nothing; before, it throws std::bad_alloc if there is no memory.
  [[nodiscard]] detail::write_awaiter write_all(std::span<const std::byte> bytes) noexcept {
    return {descriptor(), bytes.data(), bytes.size()};
  }
  [[nodiscard]] detail::write_awaiter write_all(std::string_view text) noexcept {
    return {descriptor(), text.data(), text.size()};
  }
  // One piece after the other, however many, without putting them together first (writev(2)). The
  // array of pieces is borrowed, too.
  [[nodiscard]] detail::write_pieces_awaiter write_all(
      std::span<const std::string_view> pieces) noexcept {
    return {descriptor(), pieces};
  }

  // Tells the peer that nothing more will be sent; reading goes on. An end of a pipe, which has one
  // direction, is closed. No wait.
  void shutdown();
  // Ends the waits of others on this stream and returns when the descriptor has been closed. The
  // second close does nothing. In a cancelled scope the descriptor is closed all the same.
  [[nodiscard]] detail::close_awaiter close() noexcept {
    return detail::close_awaiter(descriptor());
  }

  // For Eddy's own layers.
  explicit byte_stream(detail::descriptor_ref adopted) noexcept : owned_(std::move(adopted)) {}
  const detail::descriptor_ref& descriptor() const noexcept { return owned_.ref(); }

 private:
  detail::owned_descriptor owned_;
};

}  // namespace eddy::inline v1
