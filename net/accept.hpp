// Accepting, whatever the family of the connections.
#pragma once

#include "../runtime/descriptor_state.hpp"

namespace eddy::inline v1::detail {

class accept_operation final : public awaited_operation<accept_operation> {
 public:
  explicit accept_operation(int listener) noexcept : awaited_operation(op_code::accept) {
    fd = listener;
  }
  int await_resume() { return finish(); }
};

// The descriptor of the next connection, by an accept that gave `result`; -1 if that was an error
// of one connection. Throws the listener's own errors.
int accepted_descriptor(int result, const descriptor_ref& listener);

// The next connection as `make` makes it of the descriptor, which it owns, and of the listener; an
// empty one, of a connection that has ended already, is passed over.
template <class Stream>
task<Stream> accept_on(descriptor_ref listener,
                       Stream (*make)(int, loop_core&, const descriptor_ref&)) {
  constexpr const char* accepting = "accept on";
  descriptor_use turn(listener, direction::reading);
  turn.begin_or_throw(accepting);
  for (;;) {
    accept_operation next(open_descriptor(accepting, listener));
    const int result = co_await next;
    const int fd = accepted_descriptor(result, listener);
    if (fd < 0) continue;
    Stream stream = make(fd, *descriptor_of(listener).loop, listener);
    if (stream.is_open()) co_return std::move(stream);
  }
}

}  // namespace eddy::inline v1::detail
