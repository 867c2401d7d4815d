#include <cassert>
#include <eddy/sync/permits.hpp>

namespace eddy::inline v1::detail {

permit_line::~permit_line() {
  assert(waiters_.empty() && "a semaphore or mutex was destroyed while tasks wait for it");
}

void acquire_awaiter::on_cancel() noexcept {
  if (state == wait_state::waiting) {
    line_.leave(*this);
    drop();
    return;
  }
  drop();
  line_.release();
}

}  // namespace eddy::inline v1::detail
