// How a file is opened, for whoever makes the call.
#pragma once

#include <fcntl.h>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

inline constexpr int new_file_mode = 0666;  // less the umask

inline int open_flags(open_mode mode) noexcept {
  switch (mode) {
    case open_mode::read: return O_CLOEXEC | O_RDONLY;
    case open_mode::write: return O_CLOEXEC | O_WRONLY | O_CREAT | O_TRUNC;
    case open_mode::append: return O_CLOEXEC | O_WRONLY | O_CREAT | O_APPEND;
  }
  return O_CLOEXEC | O_RDONLY;
}

}  // namespace eddy::inline v1::detail::system
