#include <cassert>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/semaphore.hpp>
#include <stdexcept>
#include <string>

namespace eddy::inline v1 {
namespace detail {

permit_line::~permit_line() {
  assert(waiters_.empty() && "a semaphore or mutex was destroyed while tasks wait for it");
}

void permit_wait::on_cancel() noexcept {
  if (state == wait_state::waiting) {
    withdraw();
    drop();
    return;
  }
  drop();
  line_.release();
}

}  // namespace detail

void bounded_semaphore::release() {
  if (line_.forgotten() == 0) {
    throw std::logic_error("bounded_semaphore: release beyond its limit: " +
                           std::to_string(line_.free()) + " of " + std::to_string(limit_) +
                           " permits are free, the others release themselves");
  }
  line_.release_forgotten();
}

void mutex::unlock() {
  if (line_.forgotten() == 0) {
    throw std::logic_error(locked() ? "mutex: unlock of what a guard holds; release the guard"
                                    : "mutex: unlock of a mutex that nobody has locked");
  }
  line_.release_forgotten();
}

}  // namespace eddy::inline v1
