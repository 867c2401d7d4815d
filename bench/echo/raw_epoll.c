// The floor for epoll: an echo server on the bare system calls, one thread, no framework.
//   raw_epoll [--host ADDR] PORT
// A connection is registered once, edge-triggered, for its life. An event reads until a short
// count, and writes at once what each read gave. A connection that owes nothing has no memory here.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

enum {
  events_at_once = 512,
  read_bytes = 16 * 1024,
  // Full reads of one connection before the others have their turn.
  reads_at_once = 16,
};

// What a write left over, while the peer does not read.
struct remainder {
  size_t begin;
  size_t end;
  char bytes[];
};

struct server {
  int epoll;
  int listener;
  int limit;
  struct remainder** owed;  // by descriptor
  char buffer[read_bytes];
};

static const uint32_t everything = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

static void drop(struct server* s, int fd) {
  free(s->owed[fd]);
  s->owed[fd] = NULL;
  close(fd);
}

// Writes what is owed. False: the peer is still not reading, or the connection is gone.
static bool settle(struct server* s, int fd) {
  struct remainder* owed = s->owed[fd];
  const ssize_t n = send(fd, owed->bytes + owed->begin, owed->end - owed->begin, MSG_NOSIGNAL);
  if (n < 0) {
    if (errno != EAGAIN) drop(s, fd);
    return false;
  }
  owed->begin += (size_t)n;
  if (owed->begin < owed->end) return false;
  free(owed);
  s->owed[fd] = NULL;
  return true;
}

// False: reading this connection must stop, because it is gone or its peer does not read.
static bool answer(struct server* s, int fd, size_t length) {
  ssize_t n = send(fd, s->buffer, length, MSG_NOSIGNAL);
  if (n == (ssize_t)length) return true;
  if (n < 0) {
    if (errno != EAGAIN) {
      drop(s, fd);
      return false;
    }
    n = 0;
  }
  const size_t rest = length - (size_t)n;
  struct remainder* owed = malloc(sizeof *owed + rest);
  if (owed == NULL) {
    drop(s, fd);
    return false;
  }
  owed->begin = 0;
  owed->end = rest;
  memcpy(owed->bytes, s->buffer + n, rest);
  s->owed[fd] = owed;
  return false;
}

static void serve(struct server* s, int fd, uint32_t events) {
  if (s->owed[fd] != NULL && !settle(s, fd)) return;
  // After a short read the next bytes make a new edge; an end that is known already does not.
  const bool to_the_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  for (int i = 0; i < reads_at_once; ++i) {
    const ssize_t n = recv(fd, s->buffer, read_bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      drop(s, fd);
      return;
    }
    if (!answer(s, fd, (size_t)n)) return;
    if (n < read_bytes && !to_the_end) return;
  }
  // There may be more, and no edge would tell of it.
  struct epoll_event again = {.events = everything, .data = {.fd = fd}};
  if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &again) != 0) echo_fail("epoll_ctl", errno);
}

static void accept_all(struct server* s) {
  for (;;) {
    const int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == ECONNABORTED) continue;
      echo_fail("accept4", errno);
    }
    struct epoll_event event = {.events = everything, .data = {.fd = fd}};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0) echo_fail("epoll_ctl", errno);
  }
}

int main(int argc, char** argv) {
  static struct server s;
  static struct epoll_event events[events_at_once];
  s.limit = echo_descriptor_limit();
  s.owed = calloc((size_t)s.limit, sizeof(struct remainder*));
  s.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (s.owed == NULL || s.epoll < 0) echo_fail("epoll_create1", errno);
  s.listener = echo_listen(argc, argv, SOCK_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.fd = s.listener}};
  if (epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.listener, &event) != 0) echo_fail("epoll_ctl", errno);
  for (;;) {
    const int count = epoll_wait(s.epoll, events, events_at_once, -1);
    if (count < 0 && errno != EINTR) echo_fail("epoll_wait", errno);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == s.listener) {
        accept_all(&s);
      } else {
        serve(&s, fd, events[i].events);
      }
    }
  }
}
