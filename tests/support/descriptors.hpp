// How many descriptors this process has open: equal before and after, none has leaked.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace eddy_tests {

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  // The iteration's own descriptor is among them, each time.
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

}  // namespace eddy_tests
