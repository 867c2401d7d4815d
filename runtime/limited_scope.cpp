#include <eddy/runtime/limited_scope.hpp>

namespace eddy::inline v1::detail {

// A shielded body runs without its limit if there is no memory for a timer: clean-up that takes
// long is better than none.
std::coroutine_handle<> limited_scope::start(std::coroutine_handle<> h,
                                             promise_base& promise) noexcept {
  if (reach_ == reach::open && refused()) return std::noop_coroutine();
  park();
  const bool armed = until_.arm(*where->loop, *this);
  if (reach_ == reach::shielded) {
    body_scope_.open_shielded(*this, *where, h, promise);
    return where->loop->transfer(h);
  }
  if (!armed) {
    out_of_memory = true;
    wake();
    return std::noop_coroutine();
  }
  body_scope_.open(*this, *where, h, promise);
  return where->loop->transfer(h);
}

void limited_scope::fire() noexcept {
  fired_ = true;
  body_scope_.cancel();
}

std::coroutine_handle<> limited_scope::child_ended(nested_scope&) noexcept {
  disarm(*where->loop, *this);
  return frame;
}

void limited_scope::finish() {
  leave();
  if (out_of_memory) throw_no_memory();
  if (!fired_ || !is_cancellation(*where->loop, body_scope_.body().error())) return;
  // An outer cancellation stays one; it did not end a shielded body.
  if (reach_ == reach::open && where->cancelled) return;
  throw_timed_out(until_);
}

}  // namespace eddy::inline v1::detail
