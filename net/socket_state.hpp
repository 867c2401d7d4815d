// What a stream, its awaiters and the layers above share of one socket.
#pragma once

#include <eddy/net/tcp.hpp>

namespace eddy::inline v1::detail {

class engine;

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

// Belongs to its loop's thread. `fd` is -1 from the moment someone closes it, while operations on
// it may still be ending.
struct socket_state final : socket_base {
  socket_state(int descriptor, loop_core& home, const endpoint& name) noexcept
      : loop(&home), address(name) {
    fd = descriptor;
  }

  loop_core* loop;
  endpoint address;  // the peer's; a listener's own
  bool reading = false;
  bool writing = false;
  const char* read_fault = nullptr;  // why this side is unusable
  const char* write_fault = nullptr;

  // Received, but not delivered; empty in an idle connection. First what an unfinished read has
  // given back, then the rest of the buffer in which read_until found its delimiter.
  std::string returned;
  std::size_t returned_begin = 0;
  received_block rest;

  std::size_t available() const noexcept { return returned.size() - returned_begin + rest.size(); }
  std::size_t take(void* out, std::size_t most) noexcept;
  void drop_rest() noexcept;
  // Gives the descriptor up; the caller has it closed. -1 if that was done before.
  int surrender() noexcept;
  void release() noexcept;
};

inline socket_state& socket_of(const socket_ref& ref) noexcept {
  return static_cast<socket_state&>(*ref.base());
}

// True if the peer has sent nothing that is still to be read, and has not ended the stream: not in
// the stream's own buffers, not in the engine's, not in the kernel's. One system call.
bool is_quiet(const socket_ref& socket) noexcept;

// Owns a fresh descriptor of the engine's, also when there is no memory for its state.
socket_ref adopt_socket(int fd, loop_core& loop, const endpoint& address);

// "read from 127.0.0.1:80".
std::string described(const char* what, const socket_ref& socket);
// Throws what std::system_error the negative errno value `result` makes of it.
[[noreturn]] void fail_socket(int result, const char* what, const socket_ref& socket);
// Throws for a verdict that lets nothing happen.
[[noreturn]] void refuse_use(socket_verdict verdict, const char* what, const socket_ref& socket,
                             const char* fault);

// Whether an operation may start on the side whose flag and fault are given.
inline socket_verdict judge(const socket_ref& socket, bool busy, const char* fault) noexcept {
  if (socket.base()->fd < 0) return socket_verdict::closed;
  if (busy) return socket_verdict::busy;
  return fault ? socket_verdict::poisoned : socket_verdict::submitted;
}

}  // namespace eddy::inline v1::detail
