#include "standard_output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <eddy/runtime/readiness.hpp>
#include <string>

#include "failure.hpp"

namespace fetch {

namespace {

// A pipe that is writable takes this much without blocking (pipe(7)); terminals and sockets are
// treated alike.
constexpr std::size_t piece_bytes = PIPE_BUF;

// Files and devices take everything at once, and cannot be waited for.
bool may_block() {
  struct stat found {};
  if (::fstat(STDOUT_FILENO, &found) != 0) return false;
  return S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode) || ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace

eddy::task<> print(std::string_view bytes) {
  if (bytes.empty()) co_return;
  const bool waits = may_block();
  while (!bytes.empty()) {
    if (waits) co_await eddy::wait_writable(STDOUT_FILENO);
    const std::size_t piece = waits ? std::min(bytes.size(), piece_bytes) : bytes.size();
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), piece);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw failure(exit_code::cannot_write,
                    std::string("cannot write to the standard output: ") + std::strerror(errno));
    }
  }
}

void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest number that is free.
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
  }
}

}  // namespace fetch
