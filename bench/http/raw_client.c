// The floor for the HTTP client: keep-alive GETs on bare system calls, one thread, no framework.
//   raw_client -c CONNECTIONS -n REQUESTS http://ADDRESS:PORT/PATH
// Says what examples/http_load says: "100000 requests in 1.234 s, 81037 requests/s, 0.512 s CPU, 0
// errors". It understands as much of HTTP as these requests need: a status line with 200, a
// Content-Length, a body of that size. Every response is checked for all three.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  buffer_bytes = 16 * 1024,
  request_bytes = 8 * 1024,
  events_at_once = 512,
  most_connections = 100000,
};

struct connection {
  int fd;
  size_t have;       // bytes of a head in `head`
  size_t body_left;  // of the body, once the head is complete
  char* head;        // of a response that did not come as a whole
};

struct load {
  int epoll;
  long to_send;
  long answered;
  long errors;
  struct sockaddr_in server;
  size_t request_size;
  char request[request_bytes];
  char buffer[buffer_bytes];
};

static void fail(const char* what) {
  fprintf(stderr, "raw_client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void refuse(const char* why) {
  fprintf(stderr, "raw_client: %s\n", why);
  exit(2);
}

// The position behind the empty line, or 0.
static size_t head_end(const char* bytes, size_t size) {
  const char* end = memmem(bytes, size, "\r\n\r\n", 4);
  return end ? (size_t)(end - bytes) + 4 : 0;
}

// The size of the body, or -1 for a response that is not a 200 with a length.
static long body_size(const char* head, size_t size) {
  static const char field[] = "\r\ncontent-length:";
  if (size < 15 || memcmp(head, "HTTP/1.1 200 ", 13) != 0) return -1;
  for (const char* at = head; (at = memchr(at, '\r', size - (size_t)(at - head))) != NULL; ++at) {
    if ((size_t)(head + size - at) < sizeof field) return -1;
    if (strncasecmp(at, field, sizeof field - 1) == 0) {
      return strtol(at + sizeof field - 1, NULL, 10);
    }
  }
  return -1;
}

static void send_next(struct load* l, struct connection* c) {
  if (l->to_send == 0) return;
  --l->to_send;
  const ssize_t n = send(c->fd, l->request, l->request_size, MSG_NOSIGNAL);
  if (n != (ssize_t)l->request_size) fail("send");
}

static void open_connection(struct load* l, struct connection* c) {
  const int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket");
  if (connect(c->fd, (struct sockaddr*)&l->server, sizeof l->server) != 0) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
  if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl");
}

static void finish_response(struct load* l, struct connection* c) {
  ++l->answered;
  send_next(l, c);
}

// A connection of which nothing more can be expected.
static void give_up(struct load* l, struct connection* c) {
  ++l->errors;
  ++l->answered;
  close(c->fd);
  c->have = c->body_left = 0;
  open_connection(l, c);
  send_next(l, c);
}

static void take_head(struct load* l, struct connection* c, const char* bytes, size_t size) {
  const size_t head = head_end(bytes, size);
  if (head == 0) {
    if (size == buffer_bytes) {
      give_up(l, c);
      return;
    }
    if (c->head == NULL) c->head = malloc(buffer_bytes);
    if (c->head == NULL) fail("malloc");
    memmove(c->head, bytes, size);
    c->have = size;
    return;
  }
  const long body = body_size(bytes, head);
  const size_t came = size - head;
  c->have = 0;
  if (body < 0 || came > (size_t)body) {
    give_up(l, c);
    return;
  }
  c->body_left = (size_t)body - came;
  if (c->body_left == 0) finish_response(l, c);
}

static void serve(struct load* l, struct connection* c) {
  char* const into = c->have > 0 ? c->head + c->have : l->buffer;
  const ssize_t n = recv(c->fd, into, buffer_bytes - c->have, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    give_up(l, c);
    return;
  }
  if (c->body_left == 0) {
    take_head(l, c, c->have > 0 ? c->head : l->buffer, c->have + (size_t)n);
    return;
  }
  if ((size_t)n > c->body_left) {
    give_up(l, c);
    return;
  }
  c->body_left -= (size_t)n;
  if (c->body_left == 0) finish_response(l, c);
}

static double seconds(struct timespec t) { return (double)t.tv_sec + (double)t.tv_nsec / 1e9; }

static double clock_seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return seconds(t);
}

static void parse_url(struct load* l, const char* url) {
  char host[64];
  char path[4096] = "/";
  unsigned port = 80;
  if (sscanf(url, "http://%63[^:/]:%u%4095s", host, &port, path) < 2) {
    refuse("the URL must be http://ADDRESS:PORT/PATH");
  }
  l->server.sin_family = AF_INET;
  l->server.sin_port = htons((unsigned short)port);
  if (inet_pton(AF_INET, host, &l->server.sin_addr) != 1) {
    refuse("the host must be an IPv4 address");
  }
  // The fields that the session sends, too.
  const int size = snprintf(l->request, sizeof l->request,
                            "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: raw_client\r\n"
                            "Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
                            path, host, port);
  l->request_size = (size_t)size;
}

static long positive(const char* text, long most) {
  char* end;
  const long value = strtol(text, &end, 10);
  if (*end != '\0' || value < 1 || value > most) refuse("-c and -n take a number from 1 on");
  return value;
}

int main(int argc, char** argv) {
  static struct load l;
  long connections = 0;
  for (int option; (option = getopt(argc, argv, "c:n:")) != -1;) {
    if (option == 'c') connections = positive(optarg, most_connections);
    if (option == 'n') l.to_send = positive(optarg, 1L << 40);
    if (option == '?') return 2;
  }
  if (connections == 0 || l.to_send == 0 || optind + 1 != argc) {
    refuse("usage: raw_client -c CONNECTIONS -n REQUESTS http://ADDRESS:PORT/PATH");
  }
  parse_url(&l, argv[optind]);
  const long total = l.to_send;
  l.epoll = epoll_create1(EPOLL_CLOEXEC);
  struct connection* all = calloc((size_t)connections, sizeof *all);
  if (l.epoll < 0 || all == NULL) fail("epoll_create1");

  const double began = clock_seconds(CLOCK_MONOTONIC);
  const double cpu_began = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (long i = 0; i < connections; ++i) {
    open_connection(&l, &all[i]);
    send_next(&l, &all[i]);
  }
  static struct epoll_event events[events_at_once];
  while (l.answered < total) {
    const int count = epoll_wait(l.epoll, events, events_at_once, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) serve(&l, events[i].data.ptr);
  }
  const double took = clock_seconds(CLOCK_MONOTONIC) - began;
  const double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
  printf("%ld requests in %.3f s, %.0f requests/s, %.3f s CPU, %ld errors\n", total, took,
         (double)total / took, cpu, l.errors);
  return l.errors > 0;
}
