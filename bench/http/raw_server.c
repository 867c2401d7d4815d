// A server that answers every request with the same response, so fast that no client waits for it.
//   raw_server BYTES [--host ADDR] PORT
// Prints `listening on ADDR:PORT`; ends on SIGTERM. The head is of the size and kind of nginx's and
// BYTES bytes follow. One thread, edge-triggered epoll, one recv and one send for an exchange; a
// turn reads all that came and then answers. It does not sleep while requests come: waking a server
// that sleeps is charged to whoever sends to it, and costs a client that sends one by one more than
// one that sends in bursts. (After empty_turns turns in which nothing came, it does.) Requests have
// no body and are not looked at: an empty line ends one. With --host 0.0.0.0 it is many hosts:
// 127.0.0.1, 127.0.0.2, ...
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../echo/listen.h"

enum { events_at_once = 512, read_bytes = 64 * 1024, most_body_bytes = 1 << 20, head_room = 512 };
enum { empty_turns = 20000 };  // some 10 ms

struct connection {
  unsigned matched;  // bytes of "\r\n\r\n" at the end of what came
  unsigned owed;     // responses, in this turn
};

struct server {
  int epoll;
  int listener;
  int limit;
  struct connection* connections;  // by descriptor
  char* response;
  size_t response_size;
  int answering[events_at_once];
  int answering_now;
  char buffer[read_bytes];
};

// Counts the ends of requests.
static void scan(struct connection* c, const char* bytes, size_t size) {
  static const char end[] = "\r\n\r\n";
  const char* const stop = bytes + size;
  for (const char* at = bytes; at < stop; ++at) {
    if (c->matched == 0) {
      at = memchr(at, '\r', (size_t)(stop - at));
      if (at == NULL) return;
      c->matched = 1;
    } else if (*at == end[c->matched]) {
      if (++c->matched == 4) {
        c->matched = 0;
        ++c->owed;
      }
    } else {
      c->matched = *at == '\r';
    }
  }
}

static void receive(struct server* s, int fd) {
  struct connection* c = &s->connections[fd];
  for (;;) {
    const ssize_t n = recv(fd, s->buffer, sizeof s->buffer, 0);
    if (n > 0) scan(c, s->buffer, (size_t)n);
    if (n == (ssize_t)sizeof s->buffer) continue;
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
      close(fd);
      c->owed = 0;
    }
    break;
  }
  if (c->owed > 0) s->answering[s->answering_now++] = fd;
}

// A client that does not read is no business of this server: it is dropped.
static void answer(struct server* s, int fd) {
  struct connection* c = &s->connections[fd];
  for (; c->owed > 0; --c->owed) {
    const ssize_t n = send(fd, s->response, s->response_size, MSG_NOSIGNAL);
    if (n != (ssize_t)s->response_size) {
      shutdown(fd, SHUT_RDWR);
      c->owed = 0;
      return;
    }
  }
}

static void accept_all(struct server* s) {
  for (;;) {
    const int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED)) return;
    if (fd < 0 || fd >= s->limit) echo_fail("accept4", errno);
    s->connections[fd] = (struct connection){0};
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.fd = fd}};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0) echo_fail("epoll_ctl", errno);
  }
}

static void make_response(struct server* s, long body) {
  s->response = malloc((size_t)body + head_room);
  if (s->response == NULL) echo_fail("memory for the response", errno);
  const int head = snprintf(s->response, head_room,
                            "HTTP/1.1 200 OK\r\nServer: raw_server/1.0\r\n"
                            "Date: Mon, 03 Feb 2025 10:00:00 GMT\r\n"
                            "Content-Type: application/octet-stream\r\nContent-Length: %ld\r\n"
                            "Last-Modified: Mon, 03 Feb 2025 09:00:00 GMT\r\n"
                            "Connection: keep-alive\r\nETag: \"67a08310-400\"\r\n"
                            "Accept-Ranges: bytes\r\n\r\n",
                            body);
  memset(s->response + head, 'x', (size_t)body);
  s->response_size = (size_t)head + (size_t)body;
}

int main(int argc, char** argv) {
  static struct server s;
  static struct epoll_event events[events_at_once];
  const long body = argc > 1 ? strtol(argv[1], NULL, 10) : -1;
  if (body < 0 || body > most_body_bytes) {
    fprintf(stderr, "usage: raw_server BYTES [--host ADDR] PORT\n");
    return 2;
  }
  make_response(&s, body);
  s.limit = echo_descriptor_limit();
  s.connections = calloc((size_t)s.limit, sizeof(struct connection));
  s.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (s.connections == NULL || s.epoll < 0) echo_fail("epoll_create1", errno);
  s.listener = echo_listen(argc - 1, argv + 1, SOCK_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = s.listener}};
  if (epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.listener, &event) != 0) echo_fail("epoll_ctl", errno);
  for (int empty = empty_turns;;) {
    const int count = epoll_wait(s.epoll, events, events_at_once, empty < empty_turns ? 0 : -1);
    empty = count > 0 ? 0 : empty + 1;
    if (count < 0 && errno != EINTR) echo_fail("epoll_wait", errno);
    s.answering_now = 0;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == s.listener) {
        accept_all(&s);
      } else {
        receive(&s, events[i].data.fd);
      }
    }
    for (int i = 0; i < s.answering_now; ++i) answer(&s, s.answering[i]);
  }
}
