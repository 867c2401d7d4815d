// SIGINT for run_options::cancel_on_interrupt. A signal handler can reach nothing but statics: this
// file holds the only mutable ones of the library, all constant-initialised.
#include <signal.h>

#include <atomic>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

namespace {

using wake_function = void (*)(void*);

constinit std::atomic<bool> watched = false;
constinit std::atomic<bool> seen = false;
constinit std::atomic<wake_function> wake_call = nullptr;
constinit std::atomic<void*> wake_context = nullptr;
constinit struct sigaction previous = {};

static_assert(std::atomic<wake_function>::is_always_lock_free);

extern "C" void eddy_on_interrupt(int) {
  seen.store(true);
  const wake_function wake = wake_call.load();
  if (wake) wake(wake_context.load());
}

}  // namespace

bool watch_interrupt(wake_function wake, void* context) noexcept {
  if (watched.exchange(true)) return false;
  seen.store(false);
  wake_context.store(context);
  wake_call.store(wake);
  struct sigaction action = {};
  action.sa_handler = eddy_on_interrupt;
  // The second SIGINT ends the process, if the first could not.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);  // a macro on macOS: no :: before it
  ::sigaction(SIGINT, &action, &previous);
  return true;
}

bool interrupt_seen() noexcept { return seen.load(); }

void unwatch_interrupt() noexcept {
  ::sigaction(SIGINT, &previous, nullptr);
  wake_call.store(nullptr);
  watched.store(false);
}

}  // namespace eddy::inline v1::detail::system
