// connect(2) as an operation.
#pragma once

#include "../runtime/descriptor_state.hpp"

namespace eddy::inline v1::detail {

class connect_operation final : public awaited<connect_operation> {
 public:
  connect_operation(const descriptor_ref& socket, const socket_address& to) noexcept
      : awaited(op_code::connect), socket_(socket), to_(to) {
    data = to_.bytes;
    size = to_.size;
    fd = socket.base()->fd;
  }
  void await_resume() {
    const int failed = finish();
    if (failed < 0) fail_descriptor(failed, "connect to", socket_);
  }

 private:
  descriptor_ref socket_;
  socket_address to_;
};

}  // namespace eddy::inline v1::detail
