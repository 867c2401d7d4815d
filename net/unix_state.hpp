// The state behind a unix_stream.
#pragma once

#include <eddy/net/unix.hpp>

#include "../runtime/selector/system.hpp"
#include "../runtime/stream_state.hpp"

namespace eddy::inline v1::detail {

// Which end of a connection we are.
enum class unix_role : std::uint8_t { client, server, end_of_pair };

struct unix_state final : stream_state {
  unix_state(const descriptor_type& t, int descriptor, loop_core& home, const unix_address& server,
             unix_role our_role)
      : stream_state(t, descriptor, home), address(server), role(our_role) {}

  std::string name() const {
    switch (role) {
      case unix_role::client: return address.to_string();
      case unix_role::server: return "a client of " + address.to_string();
      case unix_role::end_of_pair: return "the other end of a socket pair";
    }
    return {};
  }

  unix_address address;  // the listener's
  unix_role role;
};

inline socket_address to_socket_address(const unix_address& from) noexcept {
  return system::unix_socket_address(from.name(), from.is_abstract());
}

}  // namespace eddy::inline v1::detail
