#include "files.hpp"

#include <cerrno>

#include "../system.hpp"

namespace eddy::inline v1::detail {
namespace simulation {

file_system::~file_system() {}
bool file_system::submit(operation& op) noexcept {
  op.result = -ENOSYS;
  return true;
}
void file_system::cancel(operation&) noexcept {}
int file_system::close(int) noexcept { return 0; }

}  // namespace simulation

namespace system {

// The engine performs files; these are not called.
int file_open(const char*, open_mode) noexcept { return -ENOSYS; }
std::int64_t file_read(int, void*, std::size_t) noexcept { return -ENOSYS; }
std::int64_t file_write(int, const void*, std::size_t) noexcept { return -ENOSYS; }
int file_sync(int) noexcept { return -ENOSYS; }
int file_close(int fd) noexcept { return simulation::here().files().close(fd); }

}  // namespace system
}  // namespace eddy::inline v1::detail
