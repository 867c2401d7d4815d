#include "limited_stream.hpp"

#include <cerrno>

namespace eddy::inline v1::detail {

namespace {

constexpr const char* reading = "read from";
constexpr const char* writing = "write to";

}  // namespace

bool limited_operation::submit() noexcept {
  if (!operation::submit()) return false;
  if (state == wait_state::waiting && !until_.arm(*where->loop, *this)) {
    out_of_memory = true;
    engine_of(*where->loop).cancel(*this);
  }
  return true;
}

void limited_operation::fire() noexcept {
  if (state != wait_state::waiting) return;
  limit_came = true;
  engine_of(*where->loop).cancel(*this);
}

int limited_operation::finish() {
  disarm(*where->loop, *this);
  const int got = operation::finish();
  if (got != -ECANCELED) return got;
  if (out_of_memory) throw_no_memory();
  if (limit_came) throw_timed_out(until_);
  return got;
}

bool limited_receive::start() noexcept {
  took_all_ = false;
  if (refused()) return true;
  if (!use_.may_begin(stream_)) return false;
  buffered_ = stream_of(stream_).available() > 0;
  if (buffered_) return complete_now();
  fd = use_.begin(stream_);
  return submit();
}

lease limited_receive::await_resume() {
  use_.end(stream_);
  const int got = finish();
  use_.check(stream_, reading);
  if (buffered_) return lend_rest(stream_of(stream_));
  if (got < 0) fail_descriptor(got, reading, stream_);
  if (got == 0) return lease();
  const auto came = static_cast<std::size_t>(got);
  took_all_ = came < size;
  return lease(*where->loop, static_cast<std::byte*>(data), came, buffer);
}

bool limited_write::start() noexcept {
  if (refused()) return true;
  if (!use_.may_begin(stream_)) return false;
  if (size == 0) return complete_now();
  fd = use_.begin(stream_);
  return submit();
}

void limited_write::await_resume() {
  if (use_.holds()) sent_ += result >= 0 ? size : done;
  use_.end(stream_);
  const int written = finish();
  use_.check(stream_, writing);
  if (written < 0) fail_descriptor(written, writing, stream_);
}

}  // namespace eddy::inline v1::detail
