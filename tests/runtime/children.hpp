// Commands of the shell for tests of processes, and whether zombies are left.
#pragma once

#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <eddy/runtime/command.hpp>
#include <string>
#include <thread>
#include <utility>

inline eddy::command shell(std::string script) {
  return eddy::command("/bin/sh").arg("-c").arg(std::move(script));
}

// Whether this process has no child at all any more, running or zombie. Those that were killed are
// reaped by another thread, so this waits for it a while.
inline bool no_child_is_left() {
  constexpr auto limit = std::chrono::seconds(10);
  const auto until = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < until) {
    siginfo_t info = {};
    // Looks, and leaves it for its owner.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return true;
    std::this_thread::yield();
  }
  return false;
}
