// Linked in place of io_uring_best.cpp: the io_uring engine as on Linux 5.15.
#include "../../runtime/selector/io_uring_plain.hpp"

namespace eddy::inline v1::detail {

bool io_uring_plain() noexcept { return true; }

}  // namespace eddy::inline v1::detail
