#include "socket_state.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "../runtime/loop_state.hpp"
#include "../runtime/selector/system.hpp"

namespace eddy::inline v1::detail {

void destroy_socket(socket_base& socket) noexcept {
  auto& state = static_cast<socket_state&>(socket);
  state.release();
  delete &state;
}

std::size_t socket_state::take(void* out, std::size_t most) noexcept {
  auto* to = static_cast<std::byte*>(out);
  const std::size_t first = std::min(most, returned.size() - returned_begin);
  if (first > 0) {
    std::memcpy(to, returned.data() + returned_begin, first);
    returned_begin += first;
    if (returned_begin == returned.size()) {
      std::string().swap(returned);
      returned_begin = 0;
    }
  }
  const std::size_t second = std::min(most - first, rest.size());
  if (second > 0) {
    std::memcpy(to + first, rest.data + rest.begin, second);
    rest.begin += second;
    if (rest.size() == 0) drop_rest();
  }
  return first + second;
}

// Without its loop there is no engine that could close or take back anything.
void socket_state::drop_rest() noexcept {
  const received_block dropped = std::exchange(rest, received_block());
  if (dropped.data && current_loop() == loop) {
    engine_of(*loop).recycle(dropped.data, dropped.buffer);
  }
}

int socket_state::surrender() noexcept {
  drop_rest();
  return std::exchange(fd, -1);
}

void socket_state::release() noexcept {
  const int closing = surrender();
  if (closing >= 0 && current_loop() == loop) engine_of(*loop).release(closing);
}

bool is_quiet(const socket_ref& socket) noexcept {
  if (!socket || socket.base()->fd < 0) return false;
  const socket_state& s = socket_of(socket);
  if (s.available() > 0 || engine_of(*s.loop).holds_input(s.fd)) return false;
  return system::peek(s.fd) == -EAGAIN;
}

socket_ref adopt_socket(int fd, loop_core& loop, const endpoint& address) {
  try {
    return socket_ref(new socket_state(fd, loop, address));
  } catch (...) {
    engine_of(loop).release(fd);
    throw;
  }
}

std::string described(const char* what, const socket_ref& socket) {
  return std::string(what) + " " + socket_of(socket).address.to_string();
}

void fail_socket(int result, const char* what, const socket_ref& socket) {
  throw_os_error(result, what, socket_of(socket).address.to_string().c_str());
}

void refuse_use(socket_verdict verdict, const char* what, const socket_ref& socket,
                const char* fault) {
  if (verdict == socket_verdict::empty) {
    throw std::logic_error(std::string(what) + " a socket that is empty or was moved from");
  }
  if (verdict == socket_verdict::closed) fail_socket(-EBADF, what, socket);
  if (verdict == socket_verdict::busy) {
    throw std::logic_error(described(what, socket) + ": another coroutine is doing that already");
  }
  throw stream_error(described(what, socket) + ": " + fault);
}

}  // namespace eddy::inline v1::detail
