#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { backlog = 4096, most_descriptors = 1 << 20, most_buffer_bytes = 1 << 20 };

_Noreturn void echo_fail(const char* what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

static void stop(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void end_on_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = stop;
  if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) {
    echo_fail("sigaction", errno);
  }
}

static struct addrinfo* address_of(int argc, char** argv) {
  const char* host = "127.0.0.1";
  const char* port = NULL;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--host") == 0 && i + 1 < argc) {
      host = argv[++i];
    } else if (strcmp(argv[i], "--buffer") == 0 && i + 1 < argc) {
      ++i;  // echo_buffer_bytes
    } else if (port == NULL && argv[i][0] != '-') {
      port = argv[i];
    } else {
      port = NULL;
      break;
    }
  }
  if (port == NULL) {
    fprintf(stderr, "usage: %s [--host ADDR] [--buffer BYTES] PORT\n", argv[0]);
    exit(2);
  }
  struct addrinfo hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  struct addrinfo* found = NULL;
  const int wrong = getaddrinfo(host, port, &hints, &found);
  if (wrong != 0) {
    fprintf(stderr, "%s port %s: %s\n", host, port, gai_strerror(wrong));
    exit(2);
  }
  return found;
}

unsigned echo_buffer_bytes(int argc, char** argv, unsigned standard) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], "--buffer") != 0) continue;
    const long bytes = atol(argv[i + 1]);
    if (bytes >= 1 && bytes <= most_buffer_bytes) return (unsigned)bytes;
    fprintf(stderr, "--buffer %s: from 1 to %d\n", argv[i + 1], most_buffer_bytes);
    exit(2);
  }
  return standard;
}

static void say_where(int listener) {
  struct sockaddr_storage bound;
  socklen_t length = sizeof bound;
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getsockname(listener, (struct sockaddr*)&bound, &length) != 0) {
    echo_fail("getsockname", errno);
  }
  if (getnameinfo((struct sockaddr*)&bound, length, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    fprintf(stderr, "getnameinfo failed\n");
    exit(1);
  }
  const bool v6 = bound.ss_family == AF_INET6;
  printf("listening on %s%s%s:%s\n", v6 ? "[" : "", host, v6 ? "]" : "", port);
  fflush(stdout);
}

int echo_listen(int argc, char** argv, int type) {
  struct addrinfo* where = address_of(argc, argv);
  const int on = 1;
  const int listener = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    echo_fail("socket", errno);
  }
  // Linux: an accepted socket inherits this, so no system call sets it per connection.
  if (setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    echo_fail("TCP_NODELAY", errno);
  }
  if (bind(listener, where->ai_addr, where->ai_addrlen) != 0 || listen(listener, backlog) != 0) {
    echo_fail("bind and listen", errno);
  }
  freeaddrinfo(where);
  end_on_signals();
  say_where(listener);
  return listener;
}

int echo_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    echo_fail("getrlimit", errno);
  }
  limit.rlim_cur = limit.rlim_max < most_descriptors ? limit.rlim_max : most_descriptors;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    echo_fail("setrlimit", errno);
  }
  return (int)limit.rlim_cur;
}
