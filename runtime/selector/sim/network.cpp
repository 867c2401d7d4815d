#include "network.hpp"

#include <cerrno>

namespace eddy::inline v1::detail::simulation {

network::~network() {}
void network::engine_begins(const engine_options&) noexcept {}
void network::engine_ends() noexcept {}
bool network::submit(operation& op) noexcept {
  op.result = -ENOSYS;
  return true;
}
void network::cancel(operation&) noexcept {}
int network::open_socket(int, int) noexcept { return -EAFNOSUPPORT; }
int network::attach(int) noexcept { return -EPERM; }
void network::release(int) noexcept {}
void network::recycle(std::byte*, std::uint32_t) noexcept {}
void network::forget(int) noexcept {}
bool network::holds_input(int) const noexcept { return false; }

}  // namespace eddy::inline v1::detail::simulation
