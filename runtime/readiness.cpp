#include <cerrno>
#include <eddy/runtime/readiness.hpp>
#include <stdexcept>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1 {
namespace detail {

void readiness_awaiter::await_resume() {
  const int failed = finish();
  if (failed == 0) return;
  const std::string what =
      std::string("wait until descriptor ") + std::to_string(fd) +
      (code == op_code::wait_readable ? " is readable" : " is writable");
  if (failed == -EBUSY) {
    throw std::logic_error(what + ": another coroutine waits for that, or a stream owns it");
  }
  throw_os_error(failed, what.c_str(), nullptr);
}

}  // namespace detail

void forget(int fd) { detail::engine_of(detail::require_loop("forget")).forget(fd); }

}  // namespace eddy::inline v1
