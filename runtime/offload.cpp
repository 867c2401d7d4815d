#include <eddy/runtime/offload.hpp>

#include "loop_state.hpp"

namespace eddy::inline v1::detail {

bool offload_base::start() noexcept {
  if (refused()) return true;
  loop_state& loop = state_of(*where->loop);
  try {
    home_ = loop.handle;
    park();
    loop.offloads.submit(*this);
    return true;
  } catch (...) {
    error_ = std::current_exception();
    return complete_now();
  }
}

void offload_base::on_cancel() noexcept {
  if (state == wait_state::waiting && state_of(*where->loop).offloads.withdraw(*this)) drop();
}

void offload_base::run() noexcept {
  try {
    call();
  } catch (...) {
    error_ = std::current_exception();
  }
  // Once the mail is sent the coroutine may go on and destroy this.
  const loop_handle home = std::move(home_);
  home.send(*this);
}

void offload_base::finish() {
  leave();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace eddy::inline v1::detail
