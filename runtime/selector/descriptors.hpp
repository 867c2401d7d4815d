// What operating systems do differently about making descriptors and moving bytes through them.
// Private to the engines and to system.hpp's files. Results are non-negative or a negative errno
// value; an interrupted call is made again. Every descriptor is close-on-exec, and no write raises
// SIGPIPE.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <eddy/runtime/operation.hpp>

namespace eddy::inline v1::detail {

// The size of a vector by descriptor that is to have this one. Not much more: its elements are
// memory in use, while what the vector itself takes in reserve costs nothing until it is written.
constexpr std::size_t table_size(std::size_t descriptor) noexcept {
  constexpr std::size_t step = 128;
  return (descriptor / step + 1) * step;
}

enum class descriptor_kind : std::uint8_t { tcp, stream, datagram, pipe };

// -EPERM for what cannot be waited for: files and directories. -EBADF for what is not open.
int kind_of(int fd, descriptor_kind& out) noexcept;
descriptor_kind kind_of_socket(int family, int type) noexcept;

enum class blocking_mode : bool { waits, never_waits };

int make_socket(int family, int type, blocking_mode mode) noexcept;
int accept_connection(int listener, blocking_mode mode) noexcept;
int set_mode(int fd, blocking_mode mode) noexcept;
// For a socket that was made elsewhere: no SIGPIPE, where that is a property of the socket.
void quiet_socket(int fd) noexcept;

std::int64_t read_from(int fd, descriptor_kind kind, void* data, std::size_t size) noexcept;
std::int64_t write_to(int fd, descriptor_kind kind, const void* data, std::size_t size) noexcept;
// For files, which may be pipes by another name: neither SIGPIPE nor SIGXFSZ.
std::int64_t write_file(int fd, const void* data, std::size_t size) noexcept;
// For pipes, which take no messages, what the message's pieces hold.
std::int64_t send_message(int fd, descriptor_kind kind, const msghdr& message) noexcept;
std::int64_t receive_message(int fd, msghdr& message) noexcept;

// Describes what is left of a write_pieces, or the datagram, in the operation's own room.
msghdr& describe(pieces_operation& op) noexcept;
msghdr& describe(datagram_operation& op) noexcept;
msghdr& described(message_operation& op) noexcept;
// After `sent` bytes of what describe() said: moves on, and says whether all is done.
bool advance(pieces_operation& op, std::size_t sent) noexcept;
// After a datagram came: the sender's address, and whether it was cut.
void take_sender(datagram_operation& op) noexcept;

// What flags a send takes so that it raises no signal.
#ifdef MSG_NOSIGNAL
inline constexpr int no_signal = MSG_NOSIGNAL;
#else
inline constexpr int no_signal = 0;
#endif

}  // namespace eddy::inline v1::detail
