#include "io_uring_plain.hpp"

namespace eddy::inline v1::detail {

bool io_uring_plain() noexcept { return false; }

}  // namespace eddy::inline v1::detail
