// The loop of this thread, for what is called often.
#pragma once

#include <eddy/runtime/core.hpp>

#include "fast_thread_local.hpp"

namespace eddy::inline v1::detail {

struct thread_loops {
  loop_core* current = nullptr;
  std::uint32_t made = 0;

  bool runs(const loop_core* loop, std::uint32_t serial) const noexcept {
    return current == loop && current->serial == serial;
  }
};

// Used only behind calls that are not inlined into a coroutine; see frame_pool.cpp.
EDDY_FAST_THREAD_LOCAL extern constinit thread_local thread_loops loops_of_this_thread;

}  // namespace eddy::inline v1::detail
