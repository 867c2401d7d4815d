// kqueue(2) on Linux, for tests only, over epoll(7), eventfd(2) and pidfd_open(2): the calls of
// <sys/event.h> beside this file. It behaves like FreeBSD or like macOS where the two differ;
// kqueue_emulation_test.cpp is its specification.
//
// A program that links it wraps the calls that `wrapped_calls` of tests/meson.build names: close()
// drops registrations, and an error that the emulation has read by SO_ERROR is given to the first
// call that would have met it. What is closed without close(), as by dup2(), goes unnoticed until
// its number is registered again. Not there: EVFILT_TIMER, EVFILT_SIGNAL, EVFILT_VNODE.
#pragma once

namespace kqueue_emulation {

enum class mode { freebsd, macos };

// At first what the environment's EDDY_KQUEUE_MODE says, freebsd or macos; else FreeBSD.
mode current_mode() noexcept;
void set_mode(mode m) noexcept;

}  // namespace kqueue_emulation
