// Waiting for a descriptor that belongs to somebody else: how C libraries with descriptors of their
// own (c-ares, hiredis, libpq, libcurl) ride on the loop.
#pragma once

#include <eddy/runtime/operation.hpp>

namespace eddy::inline v1 {
namespace detail {

class readiness_awaiter final : public awaited_operation<readiness_awaiter> {
 public:
  readiness_awaiter(op_code direction, int descriptor) noexcept : awaited_operation(direction) {
    fd = descriptor;
  }
  void await_resume();
};

}  // namespace detail

// Waits until `fd` can be read, or written, without blocking, or has ended or failed, which the
// next call on it then tells: asyncio's add_reader and add_writer, poll(2)'s POLLIN and POLLOUT.
// Level-triggered: what is ready already, or was not read to its end, is ready at once. A wake-up
// may be too early when others use the descriptor as well, so it should be non-blocking.
//
//   while (PQisBusy(connection)) {
//     co_await wait_readable(PQsocket(connection));
//     PQconsumeInput(connection);
//   }
//
// One coroutine may wait for each direction of a descriptor at a time; a second gets
// std::logic_error, as does the descriptor of an Eddy stream. std::system_error if `fd` is not open
// or cannot be waited for, as files and directories. Cancellation point, without effect on `fd`.
// Before its owner closes a descriptor while somebody waits for it, forget() is called.
[[nodiscard]] inline detail::readiness_awaiter wait_readable(int fd) noexcept {
  return {detail::op_code::wait_readable, fd};
}
[[nodiscard]] inline detail::readiness_awaiter wait_writable(int fd) noexcept {
  return {detail::op_code::wait_writable, fd};
}

// Ends the waits for `fd` with operation_canceled, and the loop's interest in it; the number may
// then be closed and reused. On the loop's thread; does nothing for a descriptor nobody waits for.
void forget(int fd);

}  // namespace eddy::inline v1
