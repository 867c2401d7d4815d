// There are no child processes in the simulated world.
#include <signal.h>

#include <cerrno>

#include "../system.hpp"

namespace eddy::inline v1::detail::system {

const int kill_signal = SIGKILL;
const int terminate_signal = SIGTERM;

int spawn_child(const child_plan&, int&) noexcept { return -ENOSYS; }
int reap_child(int, child_end&) noexcept { return -ECHILD; }
void await_child(int) noexcept {}
int watch_child(int) noexcept { return -ENOSYS; }
int signal_child(int, int, int) noexcept { return -ESRCH; }
int make_pipe(int&, int&) noexcept { return -ENOSYS; }
int open_null() noexcept { return -ENOSYS; }
int open_directory(const char*) noexcept { return -ENOSYS; }

const char* const* environment() noexcept {
  static constexpr const char* nothing[] = {nullptr};
  return nothing;
}

}  // namespace eddy::inline v1::detail::system
