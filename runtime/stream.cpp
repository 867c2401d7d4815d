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

constexpr std::size_t most_lent = std::size_t{1} << 30;  // in one lease, which counts in 32 bits
constexpr const char* reading = "read from";
constexpr const char* writing = "write to";

void poison(const descriptor_ref& stream) noexcept {
  descriptor_of(stream).writes.fault = side_fault::cancelled_write;
}

}  // namespace

lease lend_rest(stream_state& s) {
  unread_bytes& kept = *s.unread;
  if (!kept.returned.empty()) {
    const std::size_t left = kept.returned.size() - kept.returned_begin;
    const std::size_t size = std::min(left, most_lent);
    auto* copy = static_cast<std::byte*>(std::malloc(size));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, kept.returned.data() + kept.returned_begin, size);
    kept.returned_begin += size;
    if (size == left) {
      kept.returned.clear();
      kept.returned_begin = 0;
    }
    s.tidy();
    return lease(*s.loop, copy, size, malloc_buffer);
  }
  const received_block b = std::exchange(kept.rest, received_block());
  s.tidy();
  if (b.begin > 0) std::memmove(b.data, b.data + b.begin, b.size());
  return lease(*s.loop, b.data, b.size(), b.buffer);
}

std::size_t stream_state::take(void* out, std::size_t most) noexcept {
  if (!unread) return 0;
  auto& [returned, returned_begin, rest] = *unread;
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
  tidy();
  return first + second;
}

unread_bytes& stream_state::keep() {
  if (!unread) unread.reset(new unread_bytes());
  return *unread;
}

void stream_state::tidy() noexcept {
  if (unread && unread->size() == 0 && !unread->rest.data) unread.reset();
}

void stream_state::drop_rest() noexcept {
  if (!unread) return;
  const received_block dropped = std::exchange(unread->rest, received_block());
  if (!dropped.data) return;
  if (has_loop()) {
    engine_of(*loop).recycle(dropped.data, dropped.buffer);
  } else {
    free_without_loop(dropped.data, dropped.buffer);
  }
}

bool is_quiet_here(const descriptor_ref& stream) noexcept {
  if (!stream.is_open()) return false;
  const stream_state& s = stream_of(stream);
  return s.available() == 0 && !engine_of(*s.loop).holds_input(s.fd);
}

bool is_quiet(const descriptor_ref& stream) noexcept {
  // The second look is for what went from the kernel to the engine between the first and the call.
  return is_quiet_here(stream) && system::peek(stream_of(stream).fd) == -EAGAIN &&
         is_quiet_here(stream);
}

bool read_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin(stream_, inside_)) return false;
  buffered_ = size == 0 || stream_of(stream_).available() > 0;
  if (buffered_) return complete_now();
  fd = inside_ ? stream_.base()->fd : use_.begin(stream_);
  return submit();
}

std::size_t read_awaiter::await_resume() {
  use_.end(stream_);
  const int got = finish();
  use_.check(stream_, reading);
  if (buffered_) return stream_of(stream_).take(data, size);
  if (got < 0) fail_descriptor(got, reading, stream_);
  return static_cast<std::size_t>(got);
}

bool receive_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin(stream_)) return false;
  buffered_ = stream_of(stream_).available() > 0;
  if (buffered_) return complete_now();
  fd = use_.begin(stream_);
  return submit();
}

lease receive_awaiter::await_resume() {
  use_.end(stream_);
  const int got = finish();
  use_.check(stream_, reading);
  if (buffered_) return lend_rest(stream_of(stream_));
  if (got < 0) fail_descriptor(got, reading, stream_);
  if (got == 0) return lease();
  return lease(*where->loop, static_cast<std::byte*>(data), static_cast<std::size_t>(got), buffer);
}

// The operation of a write_awaiter, which awaits it in the name of the coroutine.
class write_operation final : public operation {
 public:
  write_operation(const descriptor_ref& stream, const void* from, std::size_t bytes) noexcept
      : operation(op_code::write), stream_(stream) {
    data = const_cast<void*>(from);
    size = bytes;
  }
  ~write_operation() { use_.end(stream_); }

  static void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    try {
      return allocate_frame(bytes);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    free_frame(memory, bytes);
  }
  static void operator delete(void* memory, const std::nothrow_t&) noexcept {
    free_frame(memory, sizeof(write_operation));
  }

  bool start(std::coroutine_handle<> waiting, scope& in) noexcept {
    frame = waiting;
    where = &in;
    state = wait_state::idle;
    if (refused()) return true;
    if (!use_.may_begin(stream_)) return false;
    if (size == 0) return complete_now();
    fd = use_.begin(stream_);
    return submit();
  }

  void result_of(std::size_t* sent) {
    if (use_.holds() && sent) {
      *sent += result >= 0 ? size : done;
    } else if (use_.holds() && result == -ECANCELED) {
      poison(stream_);
    }
    use_.end(stream_);
    const int written = finish();
    use_.check(stream_, writing);
    if (written < 0) fail_descriptor(written, writing, stream_);
  }

 private:
  side_use use_{direction::writing};
  descriptor_ref stream_;
};

write_awaiter::write_awaiter(const descriptor_ref& stream, const void* from,
                             std::size_t bytes) noexcept
    : operation_(new (std::nothrow) write_operation(stream, from, bytes)) {}

bool write_awaiter::start(std::coroutine_handle<> frame, scope& where) noexcept {
  return operation_ && operation_->start(frame, where);
}

void write_awaiter::end() noexcept { delete std::exchange(operation_, nullptr); }

void write_awaiter::finish(std::size_t* sent) {
  if (!operation_) throw std::bad_alloc();
  operation_->result_of(sent);
  end();
}

bool write_pieces_awaiter::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin()) return false;
  if (size == 0) return complete_now();
  fd = use_.begin();
  return submit();
}

void write_pieces_awaiter::await_resume() {
  if (use_.holds() && result == -ECANCELED) poison(use_.ref());
  use_.end();
  const int written = finish();
  use_.check(writing);
  if (written < 0) fail_descriptor(written, writing, use_.ref());
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
