#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

// getentropy(3) is the one call that all systems have. It fails only where the kernel lacks it.
int fill_random(void* out, std::size_t size) noexcept {
  return ::getentropy(out, size) == 0 ? 0 : -errno;
}

}  // namespace eddy::inline v1::detail::system
