// CONTRACT 2, readiness: what readiness.cpp asks of an operating system.
//
// `poller` is one concrete class, defined by the one file that the build links: epoll.cpp or
// kqueue.cpp. The engine's own descriptors are edge-triggered, with one registration for their
// life; foreign ones are level-triggered, and told of once for each time they are watched.
//
//  1. add(fd, token) reports both directions from then on: an event for what is ready already, and
//     one after each change from not ready to ready. A spurious event is allowed, a missing one is
//     not: after a call has said EAGAIN, the next readiness is reported.
//  2. Events carry the token of the registration, whose low half is the descriptor's number.
//     Closing a descriptor ends its registration; an event for it may still arrive, and the caller
//     tells by the token.
//  3. `ended` with readable: the peer has finished sending, or the socket is in error: reading does
//     not block any more, and data may still be there. `urgent`, where the system tells: out-of-
//     band data have come, at whose mark a read stops short though more has come.
//  4. wait returns the number of events written; 0 after a wake, a signal or the deadline. The
//     deadline is relative nanoseconds, not rounded to milliseconds; 0 polls, negative waits for
//     ever.
//  5. wake() may be called from any thread and from a signal handler.
//  6. watch(fd, token, ...) is for a descriptor of somebody else's: while a wanted direction is
//     ready, or as soon as it gets so, one event comes, and then nothing until the next watch(),
//     which replaces what the last one wanted. An event may carry less than what is ready, and one
//     of the two directions may stay armed after an event for the other: the engine watches again
//     for what it still wants. unwatch(fd) ends that; it does nothing for a descriptor that is not
//     watched or closed already.
//  7. descriptor() can be watched by a foreign loop: it polls as readable while wait() has
//     something to say.
#pragma once

#include <cstdint>
#include <span>

namespace eddy::inline v1::detail {

struct readiness_event {
  std::uint64_t token = 0;
  bool readable = false;
  bool writable = false;
  bool ended = false;
  bool urgent = false;
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

  // 0, or a negative errno value.
  int watch(int fd, std::uint64_t token, bool readable, bool writable) noexcept;
  void unwatch(int fd) noexcept;

  int descriptor() const noexcept { return queue_; }

 private:
  int queue_ = -1;
  int wake_ = -1;  // what wake() writes to, where that is a descriptor of its own
  [[maybe_unused]] int wake_source_ = -1;  // the other end, if there are two
  [[maybe_unused]] bool nanoseconds_ = true;
};

}  // namespace eddy::inline v1::detail
