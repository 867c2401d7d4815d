// connect(2) as an operation.
#pragma once

#include <eddy/runtime/operation.hpp>

namespace eddy::inline v1::detail {

class connect_operation final : public awaited_operation<connect_operation> {
 public:
  connect_operation(int socket, const socket_address& to) noexcept
      : awaited_operation(op_code::connect), to_(to) {
    data = to_.bytes;
    size = to_.size;
    fd = socket;
  }
  // 0 or a negative errno value.
  int await_resume() { return finish(); }

 private:
  socket_address to_;
};

}  // namespace eddy::inline v1::detail
