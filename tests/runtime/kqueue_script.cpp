#include "kqueue_script.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

namespace kqueue_script {

namespace {

script* current = nullptr;

int set_flags(int fd, int command, long value, int (*real)(int, int, ...)) {
  if (current && current->fcntl_error && current->fcntl_calls_before-- == 0) {
    errno = current->fcntl_error;
    return -1;
  }
  return real(fd, command, value);
}

}  // namespace

script::script() { current = this; }

script::~script() { current = nullptr; }

event happened(int fd, short filter, unsigned flags, std::uint32_t generation) {
  event e{};
  e.ident = static_cast<std::uintptr_t>(fd);
  e.filter = filter;
  e.flags = static_cast<unsigned short>(flags);
  e.udata = reinterpret_cast<void*>(static_cast<std::uintptr_t>(generation));
  return e;
}

event receipt(int fd, short filter, int error, unsigned flags) {
  event e = happened(fd, filter, flags | EV_ERROR);
  e.data = error;
  return e;
}

}  // namespace kqueue_script

using namespace kqueue_script;

extern "C" {

int __real_pipe(int* ends);
int __real_fcntl(int fd, int command, ...);
int __real_fcntl64(int fd, int command, ...);

// A descriptor that can leak.
int kqueue(void) {
  if (current->queue_error) {
    errno = current->queue_error;
    return -1;
  }
  return ::eventfd(0, 0);
}

int kevent(int, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout) {
  call asked;
  asked.changes.assign(changes, changes + change_count);
  asked.room = event_count;
  asked.waits_for_ever = !timeout;
  if (timeout) asked.timeout = *timeout;
  current->calls.push_back(asked);
  answer told;
  if (!current->answers.empty()) {
    told = current->answers.front();
    current->answers.pop_front();
  } else {
    for (const event& c : asked.changes) {
      if (!(c.flags & EV_RECEIPT)) continue;
      told.events.push_back(receipt(static_cast<int>(c.ident), c.filter, 0));
    }
  }
  if (told.error) {
    errno = told.error;
    return -1;
  }
  int written = 0;
  for (const event& e : told.events) {
    if (written < event_count) events[written++] = e;
  }
  return written;
}

int __wrap_pipe(int* ends) {
  if (!current || !current->pipe_error) return __real_pipe(ends);
  errno = current->pipe_error;
  return -1;
}

// A file offset of 64 bits gives the call its other name.
int __wrap_fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const long value = va_arg(rest, long);
  va_end(rest);
  return set_flags(fd, command, value, __real_fcntl);
}

int __wrap_fcntl64(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const long value = va_arg(rest, long);
  va_end(rest);
  return set_flags(fd, command, value, __real_fcntl64);
}

}  // extern "C"
