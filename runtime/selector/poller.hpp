// CONTRACT 2, readiness: what readiness.cpp asks of an operating system.
//
// `poller` is one concrete class, defined by the one file that the build links (epoll.cpp).
// Edge-triggered, one registration for a descriptor's life:
//
//  1. add(fd, token) reports both directions from then on: an event for what is ready already, and
//     one after each change from not ready to ready. A spurious event is allowed, a missing one is
//     not: after a call has said EAGAIN, the next readiness is reported.
//  2. Events carry the token of the registration. Closing a descriptor ends its registration;
//     an event for it may still arrive, and the caller tells by the token.
//  3. `ended` with readable: the peer has finished sending, or the socket is in error: reading does
//     not block any more, and data may still be there.
//  4. wait returns the number of events written; 0 after a wake, a signal or the deadline. The
//     deadline is relative nanoseconds, not rounded to milliseconds; 0 polls, negative waits for
//     ever.
//  5. wake() may be called from any thread and from a signal handler.
#pragma once

#include <cstdint>
#include <span>

namespace eddy::inline v1::detail {

struct readiness_event {
  std::uint64_t token = 0;
  bool readable = false;
  bool writable = false;
  bool ended = false;
};

class poller {
 public:
  poller();  // throws std::system_error
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;
  ~poller();

  static const char* name() noexcept;

  // 0, or a negative errno value.
  int add(int fd, std::uint64_t token) noexcept;
  std::size_t wait(std::span<readiness_event> out, std::int64_t timeout_ns) noexcept;
  void wake() noexcept;

 private:
  int queue_ = -1;
  int wake_ = -1;
  bool nanoseconds_ = true;
};

}  // namespace eddy::inline v1::detail
