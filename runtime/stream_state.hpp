// The state behind a byte_stream.
#pragma once

#include <eddy/runtime/stream.hpp>
#include <memory>

#include "descriptor_state.hpp"

namespace eddy::inline v1::detail {

// A buffer of the engine's with bytes that are still to be delivered.
struct received_block {
  std::byte* data = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::uint32_t buffer = 0;

  std::size_t size() const noexcept { return end - begin; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data) + begin, size()};
  }
};

// What a stream has received, but not delivered: first what an unfinished read has given back, then
// the rest of the buffer in which read_until found its delimiter.
struct unread_bytes {
  std::string returned;
  std::size_t returned_begin = 0;
  received_block rest;

  std::size_t size() const noexcept { return returned.size() - returned_begin + rest.size(); }

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    free_frame(memory, size);
  }
};

struct stream_state : descriptor_state {
  using descriptor_state::descriptor_state;

  // Null in an idle connection, of which there may be very many.
  std::unique_ptr<unread_bytes> unread;

  std::size_t available() const noexcept { return unread ? unread->size() : 0; }
  // Makes room for what will be unread. Throws std::bad_alloc.
  unread_bytes& keep();
  std::size_t take(void* out, std::size_t most) noexcept;
  void drop_rest() noexcept;
  // Gives the room up if nothing is in it.
  void tidy() noexcept;
  void surrendered() noexcept { drop_rest(); }

 protected:
  // A read that was in progress at the close may have left something.
  ~stream_state() { drop_rest(); }
};

inline stream_state& stream_of(const descriptor_ref& ref) noexcept {
  return static_cast<stream_state&>(*ref.base());
}

// What is available(), as a lease: what an unfinished read gave back; then what read_until left
// over, in the buffer in which it came.
lease lend_rest(stream_state& s);

// True if the peer has sent nothing that is still to be read, and has not ended the stream: not in
// the stream's own buffers, not in the engine's, not in the kernel's. One system call.
bool is_quiet(const descriptor_ref& stream) noexcept;
// The part of it that needs no system call.
bool is_quiet_here(const descriptor_ref& stream) noexcept;

}  // namespace eddy::inline v1::detail
