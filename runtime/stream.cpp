// The waits of a stream that are one operation each, and what needs no wait.
#include <eddy/runtime/stream.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "selector/system.hpp"
#include "stream_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* reading = "read from";
constexpr const char* writing = "write to";
constexpr const char* cancelled_write =
    "an earlier write was cancelled and may have sent a part of its bytes";

// What an unfinished read gave back; then what read_until left over, in the buffer in which it
// came.
lease lend_rest(stream_state& s) {
  if (!s.returned.empty()) {
    const std::size_t size = s.returned.size() - s.returned_begin;
    auto* copy = static_cast<std::byte*>(std::malloc(size));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, s.returned.data() + s.returned_begin, size);
    s.returned.clear();
    s.returned_begin = 0;
    return lease(*s.loop, copy, size, malloc_buffer);
  }
  const received_block b = std::exchange(s.rest, received_block());
  if (b.begin > 0) std::memmove(b.data, b.data + b.begin, b.size());
  return lease(*s.loop, b.data, b.size(), b.buffer);
}

// What a write that has ended leaves behind; throws if it failed.
void end_write(descriptor_use& use, int result) {
  use.check(writing);
  if (result < 0) fail_descriptor(result, writing, use.ref());
}

void poison(descriptor_use& use) noexcept { use.state().writes.fault = cancelled_write; }

}  // namespace

std::size_t stream_state::take(void* out, std::size_t most) noexcept {
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

// Without its loop there is no engine that could take anything back.
void stream_state::drop_rest() noexcept {
  const received_block dropped = std::exchange(rest, received_block());
  if (dropped.data && has_loop()) {
    engine_of(*loop).recycle(dropped.data, dropped.buffer);
  }
}

bool is_quiet(const descriptor_ref& stream) noexcept {
  if (!stream.is_open()) return false;
  const stream_state& s = stream_of(stream);
  if (s.available() > 0 || engine_of(*s.loop).holds_input(s.fd)) return false;
  return system::peek(s.fd) == -EAGAIN;
}

bool read_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin(inside_)) return false;
  buffered_ = size == 0 || stream_of(use_.ref()).available() > 0;
  if (buffered_) return complete_now();
  fd = inside_ ? use_.ref().base()->fd : use_.begin();
  return submit();
}

std::size_t read_awaiter::await_resume() {
  use_.end();
  const int got = finish();
  use_.check(reading);
  if (buffered_) return stream_of(use_.ref()).take(data, size);
  if (got < 0) fail_descriptor(got, reading, use_.ref());
  return static_cast<std::size_t>(got);
}

bool receive_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin()) return false;
  buffered_ = stream_of(use_.ref()).available() > 0;
  if (buffered_) return complete_now();
  fd = use_.begin();
  return submit();
}

lease receive_awaiter::await_resume() {
  use_.end();
  const int got = finish();
  use_.check(reading);
  if (buffered_) return lend_rest(stream_of(use_.ref()));
  if (got < 0) fail_descriptor(got, reading, use_.ref());
  if (got == 0) return lease();
  return lease(*where->loop, static_cast<std::byte*>(data), static_cast<std::size_t>(got), buffer);
}

bool write_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin()) return false;
  if (size == 0) return complete_now();
  fd = use_.begin();
  return submit();
}

void write_awaiter::await_resume() {
  if (use_.holds() && sent_) {
    *sent_ += result >= 0 ? size : done;
  } else if (use_.holds() && result == -ECANCELED) {
    poison(use_);
  }
  use_.end();
  end_write(use_, finish());
}

bool write_pieces_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin()) return false;
  if (size == 0) return complete_now();
  fd = use_.begin();
  return submit();
}

void write_pieces_awaiter::await_resume() {
  if (use_.holds() && result == -ECANCELED) poison(use_);
  use_.end();
  end_write(use_, finish());
}

}  // namespace detail

void byte_stream::shutdown() {
  constexpr const char* what = "shut down the connection to";
  const int fd = detail::open_descriptor(what, descriptor());
  if (detail::descriptor_of(descriptor()).writes.busy) detail::refuse_busy(what, descriptor());
  const int failed = detail::system::shutdown_sending(fd);
  if (failed == -ENOTSOCK) return detail::descriptor_of(descriptor()).release();
  // A peer that has reset the connection knows that nothing more will come.
  if (failed < 0 && failed != -ENOTCONN) detail::fail_descriptor(failed, what, descriptor());
}

}  // namespace eddy::inline v1
