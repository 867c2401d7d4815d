// What the clients of this folder have in common: their arguments, the request, the check of a
// response, the clocks, and the lines that they end with.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../echo/histogram.h"

enum { response_bytes = 16 * 1024, request_bytes = 8 * 1024 };

struct load {
  // Of the command line: -c CONNECTIONS -n REQUESTS [-a HOSTS] [-l] [-o] http://ADDRESS:PORT/PATH
  long connections;
  long requests;
  long hosts;    // at ADDRESS and those behind it; connection i goes to host i % HOSTS
  bool latency;  // asked for with -l: reading a clock twice a request is not free
  bool at_once;  // -o: never sleeps while there may be something to do
  const char* url;
  struct sockaddr_in server;
  size_t request_size;
  char request[request_bytes];

  long body;  // bytes of every body, as the first one had; -1: not known yet
  long to_send;
  long answered;
  long errors;
  long turns;  // waits for the kernel; 0: not counted
  uint64_t began_ns;
  uint64_t cpu_began_ns;
  struct histogram latencies;
};

// Ends the process with 2 where the command is wrong, and raises the limit of descriptors.
void load_arguments(struct load* l, int argc, char** argv);
void load_begin(struct load* l);
// Prints the figures; the exit code.
int load_end(const struct load* l);

// What failed, by errno, and the end with 1.
_Noreturn void load_fail(const char* what);

uint64_t load_now_ns(void);
static inline uint64_t load_stamp(const struct load* l) { return l->latency ? load_now_ns() : 0; }
static inline void load_note(struct load* l, uint64_t asked_ns, uint64_t now_ns) {
  if (l->latency) histogram_add(&l->latencies, now_ns - asked_ns);
}

// Where connection number `i` goes.
struct sockaddr_in load_address(const struct load* l, long i);

// One response as it comes: a status line with 200, a Content-Length, a body of that size, which is
// that of all others. No more of HTTP is understood.
struct answer {
  size_t have;       // bytes of a head in `head`
  size_t body_left;  // of the body, once the head is complete
  char* head;        // of a response that did not come as a whole; response_bytes of memory
};

enum answer_state { answer_more, answer_whole, answer_wrong };

enum answer_state answer_take(struct load* l, struct answer* a, const char* bytes,
                              size_t size);
