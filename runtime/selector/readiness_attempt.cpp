// One try of each operation.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "readiness_state.hpp"

namespace eddy::inline v1::detail {

namespace {

// Also where poll(2) cannot tell.
bool is_readable(int fd) noexcept {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, 0) != 0;
}

bool is_again(std::int64_t n) noexcept { return n == -EAGAIN || n == -EWOULDBLOCK; }

}  // namespace

receive_buffers::~receive_buffers() { std::free(memory_); }

std::byte* receive_buffers::take(std::uint32_t& buffer) noexcept {
  if (!memory_) make();
  if (free_.empty()) {
    buffer = heap_buffer;
    return static_cast<std::byte*>(std::malloc(bytes_));
  }
  buffer = free_.back();
  free_.pop_back();
  return memory_ + buffer * bytes_;
}

void receive_buffers::give(std::byte* data, std::uint32_t buffer) noexcept {
  if (buffer == heap_buffer) {
    std::free(data);
  } else {
    free_.push_back(buffer);  // within its capacity
  }
}

void receive_buffers::make() noexcept {
  try {
    free_.reserve(count_);
  } catch (const std::bad_alloc&) {
    return;
  }
  memory_ = static_cast<std::byte*>(std::malloc(count_ * bytes_));
  if (!memory_) return;
  for (std::uint32_t i = count_; i-- > 0;) free_.push_back(i);
}

int engine::state::attempt_read(operation& op, record& r) noexcept {
  const std::int64_t n = read_from(op.fd, r.kind, op.data, op.size);
  if (is_again(n)) {
    r.readable = false;
    return must_wait;
  }
  // A short read has emptied a TCP stream: the next edge will tell. Unless the stream has ended: of
  // that there is no second edge. Elsewhere a read may stop with more behind it: at the end of a
  // message, a packet of a pipe, a line of a terminal, bytes that came with a descriptor; or at the
  // mark of urgent data.
  const bool is_short = n >= 0 && static_cast<std::size_t>(n) < op.size;
  if (is_short && !r.ended && !r.urgent && r.kind == descriptor_kind::tcp) r.readable = false;
  return static_cast<int>(n);
}

int engine::state::attempt_receive(operation& op, record& r) noexcept {
  std::uint32_t buffer = 0;
  std::byte* data = buffers.take(buffer);
  if (!data) return -ENOMEM;
  op.data = data;
  op.size = buffers.bytes();
  op.buffer = buffer;
  const int n = attempt_read(op, r);
  if (n <= 0) {
    op.data = nullptr;
    buffers.give(data, buffer);
  }
  return n;
}

int engine::state::attempt_receive_from(datagram_operation& op, record& r) noexcept {
  const std::int64_t n = receive_message(op.fd, describe(op));
  if (is_again(n)) {
    r.readable = false;
    return must_wait;
  }
  if (n >= 0) take_sender(op);
  return static_cast<int>(n);
}

int engine::state::attempt_accept(operation& op, record& r) noexcept {
  const int fd = accept_connection(op.fd, blocking_mode::never_waits);
  if (is_again(fd)) {
    r.readable = false;
    return must_wait;
  }
  if ((fd == -EMFILE || fd == -ENFILE) && !is_readable(op.fd)) {
    // The kernel takes a number before it looks for a connection, and there is none.
    r.readable = false;
    return must_wait;
  }
  if (fd < 0) return fd;
  const int failed = enroll(fd, r.kind);  // `r` may have moved
  if (!failed) return fd;
  ::close(fd);
  return failed;
}

int engine::state::attempt_write(operation& op, const record& r) noexcept {
  while (op.done < op.size) {
    const auto* from = static_cast<const std::byte*>(op.data) + op.done;
    const std::int64_t n = write_to(op.fd, r.kind, from, op.size - op.done);
    if (is_again(n)) return must_wait;
    if (n < 0) return static_cast<int>(n);
    op.done += static_cast<std::size_t>(n);
  }
  return 0;
}

int engine::state::attempt_pieces(pieces_operation& op, const record& r) noexcept {
  for (bool all = op.done >= op.size; !all;) {
    const std::int64_t n = send_message(op.fd, r.kind, describe(op));
    if (is_again(n)) return must_wait;
    if (n < 0) return static_cast<int>(n);
    all = advance(op, static_cast<std::size_t>(n));
  }
  return 0;
}

int engine::state::attempt_send_to(datagram_operation& op, const record& r) noexcept {
  const std::int64_t n = send_message(op.fd, r.kind, describe(op));
  return is_again(n) ? must_wait : static_cast<int>(n);
}

int start_connect(const operation& op) noexcept {
  const auto* to = static_cast<const sockaddr*>(op.data);
  if (::connect(op.fd, to, static_cast<socklen_t>(op.size)) == 0) return 0;
  // An interrupted connect goes on in the background, as one in progress does.
  if (errno == EINPROGRESS || errno == EINTR) return must_wait;
  return -errno;
}

// A writable event may be older than the connect: on Linux a socket that is not connected polls as
// writable and hung up.
int connected(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  if (error) return -error;
  sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) return 0;
  return errno == ENOTCONN ? must_wait : -errno;
}

int engine::state::attempt(operation& op, record& r) noexcept {
  using datagram = datagram_operation;
  switch (op.code) {
    case op_code::accept: return attempt_accept(op, r);
    case op_code::read: return attempt_read(op, r);
    case op_code::receive: return attempt_receive(op, r);
    case op_code::receive_from: return attempt_receive_from(static_cast<datagram&>(op), r);
    case op_code::write: return attempt_write(op, r);
    case op_code::write_pieces: return attempt_pieces(static_cast<pieces_operation&>(op), r);
    case op_code::send_to: return attempt_send_to(static_cast<datagram&>(op), r);
    case op_code::connect: return connected(op.fd);
    default: return -EINVAL;
  }
}

}  // namespace eddy::inline v1::detail
