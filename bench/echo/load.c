// Load for an echo server: N connections, each with K requests of B bytes in flight, one thread.
//   load HOST PORT --connections N [--bytes B] [--inflight K] [--warmup S] [--seconds S]
//        [--requests R] [--cpu-of PID] [--idle]
// Every echoed byte is compared; a wrong byte, an early end or a silence of `patience_s` is a
// failure and exit code 1. Prints one line of JSON: what was measured between warm-up and end,
// `cpu_ns` being the CPU time that process PID used in exactly that interval. --requests ends the
// interval early. With --idle each connection carries one request and is then silent; `open` is
// printed, and all close when a line or the end of stdin comes.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"

enum {
  most_connections = 100 * 1000,
  most_inflight = 1024,
  most_request_bytes = 1024 * 1024,
  most_seconds = 3600,
  patience_s = 10,
  // Connections that are opened at once: below the backlog of any server.
  wave = 64,
  events_at_once = 1024,
  io_bytes = 64 * 1024,
  pattern_bytes = 65521,  // prime: no request begins where the one before it did
  connections_per_source = 20 * 1000,
  descriptors_besides = 16,
};

struct connection {
  int fd;
  uint64_t sent;
  uint64_t received;
  uint64_t allowed;   // the end of the last request that may be sent
  uint64_t* asked_at; // of the last K requests, ns
};

struct options {
  struct sockaddr_in server;
  uint64_t connections;
  uint64_t bytes;
  uint64_t inflight;
  uint64_t requests;  // 0: no limit
  double warmup;
  double seconds;
  long cpu_of;
  bool idle;
};

struct load {
  struct options o;
  struct connection* connections;
  int epoll;
  bool stopping;
  uint64_t outstanding;
  uint64_t total;     // answered since the process began
  uint64_t measured;  // answered in the measured interval
  clockid_t server_clock;
  struct histogram latency;
  char pattern[pattern_bytes + io_bytes];
  char buffer[io_bytes];
};

static _Noreturn void fail(const char* what, int error) {
  fprintf(stderr, "load: %s", what);
  if (error != 0) fprintf(stderr, ": %s", strerror(error));
  fprintf(stderr, "\n");
  exit(1);
}

// What the machine does not let one process have, by its name.
static _Noreturn void fail_open(const char* what, int error, uint64_t open) {
  const char* limit = "";
  if (error == EADDRNOTAVAIL) {
    limit = "; the ports of a source address are used up (net.ipv4.ip_local_port_range, or "
            "connections in TIME_WAIT)";
  } else if (error == EMFILE) {
    limit = "; the limit of descriptors of a process (ulimit -n)";
  } else if (error == ENFILE) {
    limit = "; the limit of descriptors of the machine (fs.file-max)";
  } else if (error == ENOMEM || error == ENOBUFS) {
    limit = "; memory for sockets (net.ipv4.tcp_mem)";
  }
  fprintf(stderr, "load: %s with %llu connections open: %s%s\n", what, (unsigned long long)open,
          strerror(error), limit);
  exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) fail("clock_gettime", errno);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

// Bytes of connection c from `position` on: each connection has a stream of its own.
static const char* expected(const struct load* l, const struct connection* c, uint64_t position) {
  const uint64_t salt = (uint64_t)(c - l->connections) * 7919;
  return l->pattern + (salt + position) % pattern_bytes;
}

static void fill_pattern(struct load* l) {
  uint32_t x = 2463534242U;
  for (size_t i = 0; i < sizeof l->pattern; ++i) {
    if (i < pattern_bytes) {
      x ^= x << 13;
      x ^= x >> 17;
      x ^= x << 5;
      l->pattern[i] = (char)(x >> 8);
    } else {
      l->pattern[i] = l->pattern[i - pattern_bytes];
    }
  }
}

static void send_allowed(struct load* l, struct connection* c) {
  while (c->sent < c->allowed) {
    const uint64_t left = c->allowed - c->sent;
    const size_t now = left < io_bytes ? (size_t)left : io_bytes;
    const ssize_t n = send(c->fd, expected(l, c, c->sent), now, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) return;  // the edge of writability goes on
      fail("send", errno);
    }
    c->sent += (uint64_t)n;
  }
}

static void ask(struct load* l, struct connection* c, uint64_t requests, uint64_t now) {
  for (uint64_t i = 0; i < requests; ++i) {
    const uint64_t number = c->allowed / l->o.bytes;
    c->asked_at[number % l->o.inflight] = now;
    c->allowed += l->o.bytes;
  }
  l->outstanding += requests;
  send_allowed(l, c);
}

static void got(struct load* l, struct connection* c, size_t length) {
  if (memcmp(l->buffer, expected(l, c, c->received), length) != 0 ||
      c->received + length > c->sent) {
    fail("the server answered with wrong bytes", 0);
  }
  const uint64_t first = c->received / l->o.bytes;
  c->received += length;
  const uint64_t answered = c->received / l->o.bytes - first;
  if (answered == 0) return;
  const uint64_t now = now_ns();
  for (uint64_t i = 0; i < answered; ++i) {
    histogram_add(&l->latency, now - c->asked_at[(first + i) % l->o.inflight]);
  }
  l->outstanding -= answered;
  l->total += answered;
  l->measured += answered;
  if (!l->stopping) ask(l, c, answered, now);
}

static void serve(struct load* l, struct connection* c) {
  for (;;) {
    const ssize_t n = recv(c->fd, l->buffer, io_bytes, 0);
    if (n == 0) fail("the server ended a connection", 0);
    if (n < 0) {
      if (errno != EAGAIN) fail("recv", errno);
      break;
    }
    got(l, c, (size_t)n);
    if (n < io_bytes) break;
  }
  send_allowed(l, c);
}

static void turn(struct load* l) {
  struct epoll_event events[events_at_once];
  const int count = epoll_wait(l->epoll, events, events_at_once, patience_s * 1000);
  if (count == 0) fail("the server is silent", 0);
  if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
  for (int i = 0; i < count; ++i) serve(l, events[i].data.ptr);
}

static void open_one(struct load* l, struct connection* c) {
  const uint64_t index = (uint64_t)(c - l->connections);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail_open("socket", errno, index);
  const int on = 1;
  const struct timeval patience = {.tv_sec = patience_s};
  if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
    fail("setsockopt", errno);
  }
  if (l->o.connections > connections_per_source &&
      ntohl(l->o.server.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
    // One source address has too few ports; all of 127/8 is ours.
    const uint32_t address = INADDR_LOOPBACK + 1 + (uint32_t)(index / connections_per_source);
    const struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    if (setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(c->fd, (const struct sockaddr*)&source, sizeof source) != 0) {
      fail_open("bind", errno, index);
    }
  }
  if (connect(c->fd, (const struct sockaddr*)&l->o.server, sizeof l->o.server) != 0) {
    fail_open("connect", errno, index);
  }
}

// One request and its answer, blocking: the server has accepted, and knows the connection.
static void first_answer(struct load* l, struct connection* c) {
  while (c->received < l->o.bytes) {
    const ssize_t n = recv(c->fd, l->buffer, io_bytes, 0);
    if (n <= 0) fail("the first answer did not come", n < 0 ? errno : 0);
    got(l, c, (size_t)n);
  }
  if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) fail("fcntl", errno);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = c}};
  if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl", errno);
}

static void open_all(struct load* l) {
  l->stopping = true;  // an answer asks for no more
  const uint64_t now = now_ns();
  for (uint64_t begin = 0; begin < l->o.connections; begin += wave) {
    const uint64_t left = l->o.connections - begin;
    const uint64_t end = begin + (left < wave ? left : wave);
    for (uint64_t i = begin; i < end; ++i) {
      open_one(l, &l->connections[i]);
      ask(l, &l->connections[i], 1, now);
    }
    for (uint64_t i = begin; i < end; ++i) first_answer(l, &l->connections[i]);
  }
  l->stopping = false;
}

// Ends as a good client does: all answers, then our end, then the server's.
static void close_all(struct load* l) {
  l->stopping = true;
  while (l->outstanding > 0) turn(l);
  for (uint64_t i = 0; i < l->o.connections; ++i) {
    if (shutdown(l->connections[i].fd, SHUT_WR) != 0) fail("shutdown", errno);
  }
  for (uint64_t i = 0; i < l->o.connections; ++i) {
    struct connection* c = &l->connections[i];
    if (fcntl(c->fd, F_SETFL, 0) != 0) fail("fcntl", errno);
    const ssize_t n = recv(c->fd, l->buffer, io_bytes, 0);
    if (n > 0) fail("the server sent more than it was asked for", 0);
    if (n < 0) fail("the server did not end a connection that we ended", errno);
    close(c->fd);
  }
}

static uint64_t server_cpu(const struct load* l) {
  return l->o.cpu_of != 0 ? clock_ns(l->server_clock) : 0;
}

static void measure(struct load* l) {
  uint64_t begin = now_ns();
  for (uint64_t i = 0; i < l->o.connections; ++i) {
    ask(l, &l->connections[i], l->o.inflight, now_ns());
  }
  const uint64_t warm = begin + (uint64_t)(l->o.warmup * 1e9);
  while (now_ns() < warm) turn(l);
  histogram_clear(&l->latency);
  l->measured = 0;
  begin = now_ns();
  const uint64_t cpu = server_cpu(l);
  const uint64_t end = begin + (uint64_t)(l->o.seconds * 1e9);
  uint64_t now = begin;
  while (now < end && (l->o.requests == 0 || l->measured < l->o.requests)) {
    turn(l);
    now = now_ns();
  }
  const uint64_t cpu_used = server_cpu(l) - cpu;
  const uint64_t measured = l->measured;
  const struct histogram latency = l->latency;
  close_all(l);
  printf("{\"requests\": %llu, \"seconds\": %.6f, \"cpu_ns\": %llu, \"total_requests\": %llu, "
         "\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f}\n",
         (unsigned long long)measured, (double)(now - begin) / 1e9, (unsigned long long)cpu_used,
         (unsigned long long)l->total, histogram_quantile(&latency, 0.5) / 1e3,
         histogram_quantile(&latency, 0.99) / 1e3, histogram_quantile(&latency, 0.999) / 1e3);
}

static void be_idle(struct load* l) {
  printf("open\n");
  fflush(stdout);
  char order;
  while (read(STDIN_FILENO, &order, 1) < 0 && errno == EINTR) continue;
  close_all(l);
  printf("{\"total_requests\": %llu}\n", (unsigned long long)l->total);
}

static double number(const char* option, const char* text, double least, double most) {
  char* end = NULL;
  errno = 0;
  const double value = strtod(text, &end);
  if (errno != 0 || end == text || *end != '\0' || !(value >= least && value <= most)) {
    fprintf(stderr, "load: %s %s: a number from %g to %g\n", option, text, least, most);
    exit(2);
  }
  return value;
}

static _Noreturn void usage(void) {
  fprintf(stderr,
          "usage: load HOST PORT --connections N [--bytes B] [--inflight K] [--warmup S]\n"
          "            [--seconds S] [--requests R] [--cpu-of PID] [--idle]\n");
  exit(2);
}

static struct options options_of(int argc, char** argv) {
  struct options o = {.server.sin_family = AF_INET, .bytes = 64, .inflight = 1, .seconds = 1};
  if (argc < 3 || inet_pton(AF_INET, argv[1], &o.server.sin_addr) != 1) usage();
  o.server.sin_port = htons((uint16_t)number("PORT", argv[2], 1, 65535));
  for (int i = 3; i < argc; ++i) {
    const char* name = argv[i];
    if (strcmp(name, "--idle") == 0) {
      o.idle = true;
      continue;
    }
    if (++i == argc) usage();
    if (strcmp(name, "--connections") == 0) {
      o.connections = (uint64_t)number(name, argv[i], 1, most_connections);
    } else if (strcmp(name, "--bytes") == 0) {
      o.bytes = (uint64_t)number(name, argv[i], 1, most_request_bytes);
    } else if (strcmp(name, "--inflight") == 0) {
      o.inflight = (uint64_t)number(name, argv[i], 1, most_inflight);
    } else if (strcmp(name, "--requests") == 0) {
      o.requests = (uint64_t)number(name, argv[i], 1, 1e12);
    } else if (strcmp(name, "--warmup") == 0) {
      o.warmup = number(name, argv[i], 0, most_seconds);
    } else if (strcmp(name, "--seconds") == 0) {
      o.seconds = number(name, argv[i], 0, most_seconds);
    } else if (strcmp(name, "--cpu-of") == 0) {
      o.cpu_of = (long)number(name, argv[i], 1, 1 << 30);
    } else {
      usage();
    }
  }
  if (o.connections == 0) usage();
  return o;
}

static void take_descriptors(uint64_t connections) {
  const uint64_t wanted = connections + descriptors_besides;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit", errno);
  if (limit.rlim_cur >= wanted) return;
  if (wanted <= limit.rlim_max) {
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit", errno);
    return;
  }
  fprintf(stderr,
          "load: %llu connections need %llu descriptors, and this process may have %llu (ulimit "
          "-Hn)\n",
          (unsigned long long)connections, (unsigned long long)wanted,
          (unsigned long long)limit.rlim_max);
  exit(1);
}

int main(int argc, char** argv) {
  static struct load l;
  l.o = options_of(argc, argv);
  take_descriptors(l.o.connections);
  const int wrong =
      l.o.cpu_of != 0 ? clock_getcpuclockid((pid_t)l.o.cpu_of, &l.server_clock) : 0;
  if (wrong != 0) fail("--cpu-of", wrong);
  fill_pattern(&l);
  l.connections = calloc(l.o.connections, sizeof(struct connection));
  uint64_t* asked_at = calloc(l.o.connections * l.o.inflight, sizeof(uint64_t));
  l.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (l.connections == NULL || asked_at == NULL || l.epoll < 0) fail("start", errno);
  for (uint64_t i = 0; i < l.o.connections; ++i) {
    l.connections[i].asked_at = asked_at + i * l.o.inflight;
  }
  open_all(&l);
  if (l.o.idle) {
    be_idle(&l);
  } else {
    measure(&l);
  }
  return 0;
}
