// Bytes through descriptors: plain, in pieces, and as datagrams.
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "descriptors.hpp"

namespace eddy::inline v1::detail {

namespace {

static_assert(sizeof(msghdr) <= 64 && sizeof(iovec) <= 16);
static_assert(sizeof(socket_address::bytes) >= sizeof(sockaddr_storage));

// In the room: the header, then the pieces.
constexpr std::size_t pieces_at = 64;

template <class Call>
std::int64_t uninterrupted(Call call) noexcept {
  for (;;) {
    const auto n = call();
    if (n >= 0) return n;
    if (errno != EINTR) return -errno;
  }
}

// Pipes and files have no flag against signals. The signal is for this thread: it is held back for
// the time of the call, and taken if the call has raised it, which its error tells.
template <class Call>
std::int64_t without_signal(int number, int error, Call call) noexcept {
  sigset_t only;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&only);
  sigaddset(&only, number);
  sigemptyset(&pending);
  ::sigpending(&pending);
  const bool was_pending = sigismember(&pending, number) == 1;
  ::pthread_sigmask(SIG_BLOCK, &only, &before);
  const std::int64_t n = call();
  if (n == -error && !was_pending) {
    sigemptyset(&pending);
    ::sigpending(&pending);
    int taken = 0;
    if (sigismember(&pending, number) == 1) ::sigwait(&only, &taken);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return n;
}

template <class Call>
std::int64_t without_sigpipe(Call call) noexcept {
  return without_signal(SIGPIPE, EPIPE, [&] { return uninterrupted(call); });
}

iovec* pieces_of(message_operation& op) noexcept {
  return reinterpret_cast<iovec*>(op.room + pieces_at);
}

msghdr& fresh_header(message_operation& op, std::size_t pieces) noexcept {
  auto* header = ::new (static_cast<void*>(op.room)) msghdr();
  header->msg_iov = pieces_of(op);
  header->msg_iovlen = static_cast<decltype(header->msg_iovlen)>(pieces);
  return *header;
}

}  // namespace

std::int64_t read_from(int fd, descriptor_kind kind, void* data, std::size_t size) noexcept {
  return uninterrupted([&] {
    return kind == descriptor_kind::pipe ? ::read(fd, data, size) : ::recv(fd, data, size, 0);
  });
}

std::int64_t write_to(int fd, descriptor_kind kind, const void* data, std::size_t size) noexcept {
  if (kind == descriptor_kind::pipe) {
    return without_sigpipe([&] { return ::write(fd, data, size); });
  }
  return uninterrupted([&] { return ::send(fd, data, size, no_signal); });
}

std::int64_t write_file(int fd, const void* data, std::size_t size) noexcept {
  return without_signal(SIGXFSZ, EFBIG,
                        [&] { return without_sigpipe([&] { return ::write(fd, data, size); }); });
}

std::int64_t send_message(int fd, descriptor_kind kind, const msghdr& message) noexcept {
  if (kind == descriptor_kind::pipe) {
    return without_sigpipe(
        [&] { return ::writev(fd, message.msg_iov, static_cast<int>(message.msg_iovlen)); });
  }
  return uninterrupted([&] { return ::sendmsg(fd, &message, no_signal); });
}

std::int64_t receive_message(int fd, msghdr& message) noexcept {
  return uninterrupted([&] { return ::recvmsg(fd, &message, 0); });
}

msghdr& describe(pieces_operation& op) noexcept {
  iovec* out = pieces_of(op);
  std::size_t count = 0;
  std::size_t left = op.size - op.done;
  std::size_t skip = op.first_offset;
  for (std::size_t i = op.first_piece; left > 0 && count < pieces_at_once; ++i) {
    const std::string_view piece = op.pieces[i].substr(std::exchange(skip, 0));
    if (piece.empty()) continue;
    ::new (static_cast<void*>(&out[count++])) iovec{const_cast<char*>(piece.data()), piece.size()};
    left -= piece.size();
  }
  return fresh_header(op, count);
}

msghdr& describe(datagram_operation& op) noexcept {
  ::new (static_cast<void*>(pieces_of(op))) iovec{op.data, op.size};
  msghdr& header = fresh_header(op, 1);
  if (op.code == op_code::receive_from) {
    op.address.size = sizeof op.address.bytes;
  }
  if (op.address.size > 0) {
    header.msg_name = op.address.bytes;
    header.msg_namelen = op.address.size;
  }
  return header;
}

msghdr& described(message_operation& op) noexcept {
  return *std::launder(reinterpret_cast<msghdr*>(op.room));
}

bool advance(pieces_operation& op, std::size_t sent) noexcept {
  op.done += sent;
  op.first_offset += sent;
  while (op.done < op.size && op.first_offset >= op.pieces[op.first_piece].size()) {
    op.first_offset -= op.pieces[op.first_piece].size();
    ++op.first_piece;
  }
  return op.done >= op.size;
}

void take_sender(datagram_operation& op) noexcept {
  const msghdr& header = described(op);
  op.address.size = std::min<unsigned>(header.msg_namelen, sizeof op.address.bytes);
  op.truncated = (header.msg_flags & MSG_TRUNC) != 0;
}

}  // namespace eddy::inline v1::detail
