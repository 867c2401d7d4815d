// Scripted failures of the calls that a selector makes. The test programs are linked with
// -Wl,--wrap=CALL for each of them; wrapped_*.cpp count the calls and fail those that the script
// names. Only what our own objects call is wrapped: not what libstdc++ or liburing call inside.
#pragma once

#include <cstdint>
#include <string_view>

namespace faults {

enum class call : unsigned {
  accept4, bind, close, connect, epoll_create1, epoll_ctl, epoll_pwait2, epoll_wait, eventfd, fcntl,
  fstat, fsync, getpeername, getsockname, getsockopt, listen, mmap, open, read, recv, recvmsg, send,
  sendmsg, setsockopt, shutdown, socket, write, writev,
  // liburing; an entry is one submission, whichever call takes it to the kernel.
  ring_setup, ring_register, ring_enter, ring_entry,
  count
};

std::string_view name_of(call c) noexcept;

// Instead of an errno value: the call does less than it was asked for.
inline constexpr int partial = -1;
// Of a submission that asks for many completions: one, and no F_MORE.
inline constexpr int single = -2;

// Of the submissions of an opcode, those that let the kernel pick a buffer.
inline constexpr int with_provided = 0x100;

// Which calls of one kind fail, and how: number `first` (from 1), and then each `every`-th after
// it, or no other if that is 0.
struct rule {
  call where = call::count;
  unsigned first = 1;
  unsigned every = 0;
  int error = 0;
  int opcode = -1;  // ring_entry: of these only; or'ed with with_provided, if need be
};

// From here on calls are counted and fail by the rule; one script at a time.
void play(const rule& r) noexcept;
void stop() noexcept;
// Calls since play().
unsigned calls(call c) noexcept;
// Of the kind and opcode that the rule names.
unsigned matched() noexcept;
unsigned injected() noexcept;

// An older kernel than this one, for io_uring: what it does not have.
struct old_kernel {
  bool no_setup_flags = false;  // before 5.19: single issuer, deferred and cooperative task work
  bool no_buffer_ring = false;  // before 5.19
  bool no_multishot_accept = false;
  bool no_multishot_receive = false;  // before 6.0
  unsigned features_missing = 0;      // of io_uring_params
};
void pretend(const old_kernel& what) noexcept;
const old_kernel& pretended() noexcept;

// For wrapped_*.cpp: 0, or how this call is to fail. Any thread.
int due(call c, int opcode = -1) noexcept;

// A descriptor is about to be told EAGAIN although it may be ready: what the system would do next
// is to say that it is. False if nobody waits for the edges of this descriptor, so that EAGAIN
// would be a lie.
bool ready_after_all(int fd) noexcept;
void forget_edges(int fd) noexcept;

}  // namespace faults
