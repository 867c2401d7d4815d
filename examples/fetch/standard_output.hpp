#pragma once

#include <eddy/runtime/task.hpp>
#include <string_view>

namespace fetch {

// Writes to the standard output without blocking the loop, whatever reads it: a pipe that is full
// is waited for. Throws failure. Cancellation point.
eddy::task<> print(std::string_view bytes);

// To be called before anything is opened: a standard descriptor that the caller has closed would
// become a connection's, and bodies would be written there. Writing to it fails from now on.
void occupy_standard_descriptors();

}  // namespace fetch
