#pragma once

#include <eddy/runtime/task.hpp>
#include <string_view>

namespace fetch {

// Writes to the standard output without blocking the loop, whatever reads it: a pipe that is full
// is waited for. Throws failure. Cancellation point.
eddy::task<> print(std::string_view bytes);

}  // namespace fetch
