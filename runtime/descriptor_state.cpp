#include "descriptor_state.hpp"

#include <cerrno>
#include <eddy/runtime/stream.hpp>

namespace eddy::inline v1::detail {

namespace {

[[noreturn]] void refuse_empty(const char* what) {
  throw std::logic_error(std::string(what) + " a socket that is empty or was moved from");
}

}  // namespace

const char* text_of(side_fault fault) noexcept {
  switch (fault) {
    case side_fault::none: break;
    case side_fault::cannot_be_read: return "this end of the pipe is for writing";
    case side_fault::cannot_be_written: return "this end of the pipe is for reading";
    case side_fault::cancelled_write:
      return "an earlier write was cancelled and may have sent a part of its bytes";
    case side_fault::no_memory_to_give_back:
      return "no memory to keep the bytes of an unfinished read_exactly";
  }
  return "";
}

void destroy_descriptor(descriptor_base& base) noexcept {
  auto& state = static_cast<descriptor_state&>(base);
  state.release();
  state.type->destroy(state);
}

int descriptor_state::surrender() noexcept {
  if (fd < 0) return -1;
  type->surrendered(*this);
  return std::exchange(fd, -1);
}

// Without its loop there is no engine that could close anything.
void descriptor_state::release() noexcept {
  const int closing = surrender();
  if (closing >= 0 && has_loop()) engine_of(*loop).release(closing);
}

void owned_descriptor::release_open() noexcept { descriptor_of(ref_).release(); }

descriptor_state& descriptor_use::state() const noexcept { return descriptor_of(of_); }

bool side_use::may_begin(const descriptor_ref& of, bool is_busy_by_us) noexcept {
  if (!of) {
    verdict_ = verdict::empty;
  } else if (!of.is_open()) {
    verdict_ = verdict::closed;
  } else if (descriptor_of(of).side(side_).busy && !is_busy_by_us) {
    verdict_ = verdict::busy;
  } else if (descriptor_of(of).side(side_).fault != side_fault::none) {
    verdict_ = verdict::unusable;
  }
  return verdict_ == verdict::usable;
}

int side_use::begin(const descriptor_ref& of) noexcept {
  holds_ = true;
  descriptor_of(of).side(side_).busy = true;
  return of.base()->fd;
}

void side_use::give_up(const descriptor_ref& of) noexcept {
  holds_ = false;
  descriptor_of(of).side(side_).busy = false;
}

void side_use::refuse(const descriptor_ref& of, const char* what) const {
  switch (verdict_) {
    case verdict::usable:
      return;
    case verdict::empty:
      refuse_empty(what);
    case verdict::closed:
      fail_descriptor(-EBADF, what, of);
    case verdict::busy:
      refuse_busy(what, of);
    case verdict::unusable:
      throw stream_error(described(what, of) + ": " +
                         text_of(descriptor_of(of).side(side_).fault));
  }
}

void descriptor_use::begin_or_throw(const char* what) {
  if (!may_begin()) check(what);
  begin();
}

bool close_awaiter::start() noexcept {
  if (where->cancelled) {
    if (of_.is_open()) descriptor_of(of_).release();
    return refused();
  }
  if (!of_.is_open()) return complete_now();
  fd = descriptor_of(of_).surrender();
  return submit();
}

void close_awaiter::await_resume() {
  const int closed = finish();
  if (closed < 0) fail_descriptor(closed, "close the connection to", of_);
}

std::string described(const char* what, const descriptor_ref& descriptor) {
  const descriptor_state& s = descriptor_of(descriptor);
  return std::string(what) + " " + s.type->name(s);
}

void refuse_busy(const char* what, const descriptor_ref& descriptor) {
  throw std::logic_error(described(what, descriptor) + ": another coroutine is doing that already");
}

void fail_descriptor(int result, const char* what, const descriptor_ref& descriptor) {
  throw_os_error(result, described(what, descriptor).c_str(), nullptr);
}

descriptor_state& state_for(const char* what, const descriptor_ref& descriptor) {
  if (!descriptor) refuse_empty(what);
  return descriptor_of(descriptor);
}

int open_descriptor(const char* what, const descriptor_ref& descriptor) {
  const int fd = state_for(what, descriptor).fd;
  if (fd < 0) fail_descriptor(-EBADF, what, descriptor);
  return fd;
}

}  // namespace eddy::inline v1::detail
