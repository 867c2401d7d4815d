// Between endpoint and what the kernel takes.
#pragma once

#include <eddy/net/address.hpp>

#include "../runtime/selector/system.hpp"

namespace eddy::inline v1::detail {

system::socket_address to_socket_address(const endpoint& from) noexcept;

// False for a family that is not IP; `out` is not touched then.
bool from_socket_address(const system::socket_address& from, endpoint& out) noexcept;

// AF_INET or AF_INET6.
int family_of(const endpoint& of) noexcept;

}  // namespace eddy::inline v1::detail
