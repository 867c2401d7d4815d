#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { most_connections = 100000, most_hosts = 1 << 23 };

void load_fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void refuse(const char* why) {
  fprintf(stderr, "%s\n", why);
  exit(2);
}

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t load_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static void parse_url(struct load* l) {
  char host[64];
  char path[4096] = "/";
  unsigned port = 80;
  if (sscanf(l->url, "http://%63[^:/]:%u%4095s", host, &port, path) < 2) {
    refuse("the URL must be http://ADDRESS:PORT/PATH");
  }
  l->server.sin_family = AF_INET;
  l->server.sin_port = htons((unsigned short)port);
  if (inet_pton(AF_INET, host, &l->server.sin_addr) != 1) {
    refuse("the host must be an IPv4 address");
  }
  // The fields that the session sends, too.
  const int size = snprintf(l->request, sizeof l->request,
                            "GET %s HTTP/1.1\r\nHost: %s:%u\r\n"
                            "Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
                            path, host, port);
  l->request_size = (size_t)size;
}

static long positive(const char* text, long most) {
  char* end;
  const long value = strtol(text, &end, 10);
  if (*end != '\0' || value < 1 || value > most) refuse("-c, -n and -a take a number from 1 on");
  return value;
}

static void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) load_fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) load_fail("setrlimit");
}

void load_arguments(struct load* l, int argc, char** argv) {
  l->hosts = 1;
  l->body = -1;
  for (int option; (option = getopt(argc, argv, "c:n:a:lo")) != -1;) {
    if (option == 'c') l->connections = positive(optarg, most_connections);
    if (option == 'n') l->requests = positive(optarg, 1L << 40);
    if (option == 'a') l->hosts = positive(optarg, most_hosts);
    if (option == 'l') l->latency = true;
    if (option == 'o') l->at_once = true;
    if (option == '?') exit(2);
  }
  if (l->connections == 0 || l->requests == 0 || optind + 1 != argc) {
    refuse("usage: -c CONNECTIONS -n REQUESTS [-a HOSTS] [-l] [-o] http://ADDRESS:PORT/PATH");
  }
  l->url = argv[optind];
  l->to_send = l->requests;
  parse_url(l);
  allow_descriptors();
}

struct sockaddr_in load_address(const struct load* l, long i) {
  struct sockaddr_in to = l->server;
  to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + (uint32_t)(i % l->hosts));
  return to;
}

void load_begin(struct load* l) {
  l->began_ns = load_now_ns();
  l->cpu_began_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int load_end(const struct load* l) {
  const double took = (double)(load_now_ns() - l->began_ns) / 1e9;
  const double cpu = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - l->cpu_began_ns) / 1e9;
  if (l->turns > 0) printf("%.1f responses a turn\n", (double)l->requests / (double)l->turns);
  if (l->latency) {
    printf("latency p50 %.1f us, p99 %.1f us\n", histogram_quantile(&l->latencies, 0.5) / 1e3,
           histogram_quantile(&l->latencies, 0.99) / 1e3);
  }
  printf("%ld requests in %.3f s, %.0f requests/s, %.3f s CPU, %ld errors\n", l->requests, took,
         (double)l->requests / took, cpu, l->errors);
  return l->errors > 0;
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

static enum answer_state take_head(struct load* l, struct answer* a, const char* bytes,
                                   size_t size) {
  const size_t head = head_end(bytes, size);
  if (head == 0) {
    if (size == response_bytes) return answer_wrong;
    if (a->head == NULL) a->head = malloc(response_bytes);
    if (a->head == NULL) load_fail("malloc");
    if (bytes != a->head) memcpy(a->head, bytes, size);
    a->have = size;
    return answer_more;
  }
  const long body = body_size(bytes, head);
  const size_t came = size - head;
  a->have = 0;
  if (l->body < 0) l->body = body;
  if (body < 0 || body != l->body || came > (size_t)body) return answer_wrong;
  a->body_left = (size_t)body - came;
  return a->body_left == 0 ? answer_whole : answer_more;
}

enum answer_state answer_take(struct load* l, struct answer* a, const char* bytes,
                              size_t size) {
  if (a->body_left > 0) {
    if (size > a->body_left) return answer_wrong;
    a->body_left -= size;
    return a->body_left == 0 ? answer_whole : answer_more;
  }
  if (a->have == 0) return take_head(l, a, bytes, size);
  if (size > response_bytes - a->have) return answer_wrong;
  memcpy(a->head + a->have, bytes, size);
  return take_head(l, a, a->head, a->have + size);
}
