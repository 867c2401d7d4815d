// The waits of a stream that are one operation each, and what needs no wait.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "../runtime/loop_state.hpp"
#include "socket_address.hpp"
#include "socket_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* reading = "read from";
constexpr const char* writing = "write to";
constexpr const char* cancelled_write =
    "an earlier write was cancelled and may have sent a part of its bytes";

// What an unfinished read gave back; then what read_until left over, in the buffer in which it
// came.
lease lend_rest(const socket_ref& socket) {
  socket_state& s = socket_of(socket);
  if (!s.returned.empty()) {
    const std::size_t size = s.returned.size() - s.returned_begin;
    auto* copy = static_cast<std::byte*>(std::malloc(size));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, s.returned.data() + s.returned_begin, size);
    s.returned.clear();
    s.returned_begin = 0;
    return lease(*s.loop, copy, size, detail::malloc_buffer);
  }
  const received_block b = std::exchange(s.rest, received_block());
  if (b.begin > 0) std::memmove(b.data, b.data + b.begin, b.size());
  return lease(*s.loop, b.data, b.size(), b.buffer);
}

}  // namespace

bool read_awaiter::start() noexcept {
  if (refused()) return true;
  if (!socket_) {
    verdict_ = socket_verdict::empty;
    return false;
  }
  socket_state& s = socket_of(socket_);
  verdict_ = judge(socket_, s.reading && !inside_, s.read_fault);
  if (verdict_ != socket_verdict::submitted) return false;
  if (size == 0 || s.available() > 0) {
    verdict_ = socket_verdict::buffered;
    return complete_now();
  }
  fd = s.fd;
  holds_ = !inside_;
  s.reading = true;
  return submit();
}

std::size_t read_awaiter::await_resume() {
  if (holds_) socket_of(socket_).reading = false;
  const int got = finish();
  if (verdict_ == socket_verdict::submitted) {
    if (got < 0) fail_socket(got, reading, socket_);
    return static_cast<std::size_t>(got);
  }
  if (verdict_ == socket_verdict::buffered) return socket_of(socket_).take(data, size);
  refuse_use(verdict_, reading, socket_, socket_ ? socket_of(socket_).read_fault : nullptr);
}

bool receive_awaiter::start() noexcept {
  if (refused()) return true;
  if (!socket_) {
    verdict_ = socket_verdict::empty;
    return false;
  }
  socket_state& s = socket_of(socket_);
  verdict_ = judge(socket_, s.reading, s.read_fault);
  if (verdict_ != socket_verdict::submitted) return false;
  if (s.available() > 0) {
    verdict_ = socket_verdict::buffered;
    return complete_now();
  }
  fd = s.fd;
  holds_ = true;
  s.reading = true;
  return submit();
}

lease receive_awaiter::await_resume() {
  if (holds_) socket_of(socket_).reading = false;
  const int got = finish();
  if (verdict_ == socket_verdict::submitted) {
    if (got < 0) fail_socket(got, reading, socket_);
    if (got == 0) return lease();
    return lease(*where->loop, static_cast<std::byte*>(data), static_cast<std::size_t>(got),
                 buffer);
  }
  if (verdict_ == socket_verdict::buffered) return lend_rest(socket_);
  refuse_use(verdict_, reading, socket_, socket_ ? socket_of(socket_).read_fault : nullptr);
}

bool write_awaiter::start() noexcept {
  if (refused()) return true;
  if (!socket_) {
    verdict_ = socket_verdict::empty;
    return false;
  }
  socket_state& s = socket_of(socket_);
  verdict_ = judge(socket_, s.writing, s.write_fault);
  if (verdict_ != socket_verdict::submitted) return false;
  if (size == 0) {
    verdict_ = socket_verdict::buffered;
    return complete_now();
  }
  fd = s.fd;
  holds_ = true;
  s.writing = true;
  return submit();
}

void write_awaiter::await_resume() {
  if (holds_) {
    socket_state& s = socket_of(socket_);
    s.writing = false;
    if (sent_) {
      *sent_ += result >= 0 ? size : done;
    } else if (result == -ECANCELED) {
      s.write_fault = cancelled_write;
    }
  }
  const int written = finish();
  if (verdict_ == socket_verdict::submitted && written < 0) fail_socket(written, writing, socket_);
  if (verdict_ == socket_verdict::submitted || verdict_ == socket_verdict::buffered) return;
  refuse_use(verdict_, writing, socket_, socket_ ? socket_of(socket_).write_fault : nullptr);
}

bool close_awaiter::start() noexcept {
  const bool open = socket_ && socket_.base()->fd >= 0;
  if (where->cancelled) {
    if (open) socket_of(socket_).release();
    return refused();
  }
  if (!open) return complete_now();
  fd = socket_of(socket_).surrender();
  return submit();
}

void close_awaiter::await_resume() {
  const int closed = finish();
  if (closed < 0) fail_socket(closed, "close the connection to", socket_);
}

}  // namespace detail

namespace {

// The descriptor of an open stream, for what needs no wait.
int open_descriptor(const detail::socket_ref& socket, const char* what) {
  if (!socket) detail::refuse_use(detail::socket_verdict::empty, what, socket, nullptr);
  const int fd = socket.base()->fd;
  if (fd < 0) detail::refuse_use(detail::socket_verdict::closed, what, socket, nullptr);
  return fd;
}

}  // namespace

void tcp_stream::release() noexcept { detail::socket_of(socket_).release(); }

void tcp_stream::shutdown() {
  constexpr const char* what = "shut down the connection to";
  const int fd = open_descriptor(socket_, what);
  if (detail::socket_of(socket_).writing) {
    detail::refuse_use(detail::socket_verdict::busy, what, socket_, nullptr);
  }
  const int failed = detail::system::shutdown_sending(fd);
  // A peer that has reset the connection knows that nothing more will come.
  if (failed < 0 && failed != -ENOTCONN) detail::fail_socket(failed, what, socket_);
}

endpoint tcp_stream::local_address() const {
  constexpr const char* what = "local address of the connection to";
  const int fd = open_descriptor(socket_, what);
  detail::system::socket_address found;
  endpoint out;
  const int failed = detail::system::local_address(fd, found);
  if (failed < 0) detail::fail_socket(failed, what, socket_);
  detail::from_socket_address(found, out);
  return out;
}

endpoint tcp_stream::remote_address() const {
  if (!socket_) {
    detail::refuse_use(detail::socket_verdict::empty, "remote address of", socket_, nullptr);
  }
  return detail::socket_of(socket_).address;
}

void tcp_stream::set_no_delay(bool on) {
  constexpr const char* what = "set TCP_NODELAY on the connection to";
  const int failed = detail::system::set_no_delay(open_descriptor(socket_, what), on);
  if (failed < 0) detail::fail_socket(failed, what, socket_);
}

}  // namespace eddy::inline v1
