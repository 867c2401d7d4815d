// The state behind a tcp_stream.
#pragma once

#include <eddy/net/tcp.hpp>

#include "../runtime/stream_state.hpp"

namespace eddy::inline v1::detail {

struct tcp_state final : stream_state {
  tcp_state(const descriptor_type& t, int descriptor, loop_core& home, const endpoint& to) noexcept
      : stream_state(t, descriptor, home), peer(to) {}

  std::string name() const { return peer.to_string(); }

  endpoint peer;
};

}  // namespace eddy::inline v1::detail
