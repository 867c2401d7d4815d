#include "descriptor_state.hpp"

#include <cerrno>
#include <eddy/runtime/stream.hpp>

namespace eddy::inline v1::detail {

namespace {

[[noreturn]] void refuse_empty(const char* what) {
  throw std::logic_error(std::string(what) + " a socket that is empty or was moved from");
}

}  // namespace

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

bool descriptor_use::may_begin(bool is_busy_by_us) noexcept {
  if (!of_) {
    verdict_ = verdict::empty;
  } else if (!of_.is_open()) {
    verdict_ = verdict::closed;
  } else if (state().side(side_).busy && !is_busy_by_us) {
    verdict_ = verdict::busy;
  } else if (state().side(side_).fault) {
    verdict_ = verdict::unusable;
  }
  return verdict_ == verdict::usable;
}

int descriptor_use::begin() noexcept {
  holds_ = true;
  state().side(side_).busy = true;
  return of_.base()->fd;
}

void descriptor_use::end() noexcept {
  if (std::exchange(holds_, false)) state().side(side_).busy = false;
}

void descriptor_use::begin_or_throw(const char* what) {
  if (!may_begin()) check(what);
  begin();
}

void descriptor_use::check(const char* what) const {
  switch (verdict_) {
    case verdict::usable:
      return;
    case verdict::empty:
      refuse_empty(what);
    case verdict::closed:
      fail_descriptor(-EBADF, what, of_);
    case verdict::busy:
      refuse_busy(what, of_);
    case verdict::unusable:
      throw stream_error(described(what, of_) + ": " + state().side(side_).fault);
  }
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
