// The floor of HTTP clients on epoll: keep-alive GETs on bare system calls, one thread.
//   raw_client -c CONNECTIONS -n REQUESTS [-a HOSTS] [-l] [-o] http://ADDRESS:PORT/PATH
// Says what examples/http_load says: "100000 requests in 1.234 s, 81037 requests/s, 0.512 s CPU, 0
// errors". What makes it cheap:
// - one recv and one send for an exchange, and nothing else: no look at a connection before it is
//   used again, no clock, no allocation, no parsing beyond what the response's length takes;
// - a connection is registered once, edge-triggered: after a short read nothing is asked again, nor
//   does the kernel look at it again at the next wait, as it does where that is level-triggered;
// - a turn first reads all that came, and only then writes, so that a server on another core does
//   not answer into the turn that asks it;
// - it naps for nap_ns where few responses came. A client that is faster than its server is
//   otherwise woken for each response, and sleeping and waking cost more than the exchange: GETs of
//   nginx over 50 connections took 13 us of CPU each without naps and 5.5 with them. The server is
//   spared the waking too, and answered 1.4 times as many requests a second, each sooner. A library
//   cannot nap, whose next task may be urgent; with -o (at once) this client does not either.
// With more connections than are in flight (-a) a request's turn goes round among them: the
// connection that is answered hands over to one that is not busy.
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum {
  events_at_once = 512,
  most_in_flight = 50,
  nap_ns = 50000,     // of 20, 50, 100 and 200 us the first after which longer ones gave little
  few_in_flight = 3,  // a third of what is in flight is few
};

struct connection {
  int fd;
  struct answer answer;
  struct connection* next;  // that gets the next request: itself, if all are busy
  uint64_t asked_ns;
};

struct client {
  struct load load;
  int epoll;
  struct connection* all;
  long in_flight;
  size_t answered_now;
  struct connection* answered[events_at_once];
  char buffer[response_bytes];
};

static void open_connection(struct client* k, struct connection* c) {
  const int on = 1;
  const struct sockaddr_in to = load_address(&k->load, c - k->all);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0) load_fail("socket");
  if (connect(c->fd, (const struct sockaddr*)&to, sizeof to) != 0) load_fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = c}};
  if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) load_fail("epoll_ctl");
}

static void ask(struct load* l, struct connection* c, uint64_t now_ns) {
  if (l->to_send == 0) return;
  --l->to_send;
  c->asked_ns = now_ns;
  const ssize_t n = send(c->fd, l->request, l->request_size, MSG_NOSIGNAL);
  // What a closed connection makes of it is found out by reading.
  if (n != (ssize_t)l->request_size && errno != EPIPE && errno != ECONNRESET) load_fail("send");
}

// A connection of which nothing more can be expected.
static void give_up(struct client* k, struct connection* c) {
  ++k->load.errors;
  close(c->fd);
  c->answer.have = c->answer.body_left = 0;
  open_connection(k, c);
}

// Reads what came. True: the request is over, well or badly.
static bool receive(struct client* k, struct connection* c) {
  for (;;) {
    const ssize_t n = recv(c->fd, k->buffer, sizeof k->buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
    const enum answer_state state =
        n > 0 ? answer_take(&k->load, &c->answer, k->buffer, (size_t)n) : answer_wrong;
    if (state == answer_whole) return true;
    if (state == answer_wrong) {
      give_up(k, c);
      return true;
    }
    if (n < (ssize_t)sizeof k->buffer) return false;
  }
}

static void turn(struct client* k, const struct epoll_event* events, int count) {
  ++k->load.turns;
  k->answered_now = 0;
  for (int i = 0; i < count; ++i) {
    struct connection* c = events[i].data.ptr;
    if (receive(k, c)) k->answered[k->answered_now++] = c;
  }
  const uint64_t now_ns = load_stamp(&k->load);
  for (size_t i = 0; i < k->answered_now; ++i) {
    struct connection* c = k->answered[i];
    load_note(&k->load, c->asked_ns, now_ns);
    ++k->load.answered;
    ask(&k->load, c->next, now_ns);
  }
}

static void nap(const struct client* k) {
  const struct timespec how_long = {.tv_sec = 0, .tv_nsec = nap_ns};
  if ((long)k->answered_now * few_in_flight < k->in_flight) nanosleep(&how_long, NULL);
}

// Rings of connections, one for each request in flight.
static void open_all(struct client* k) {
  const long count = k->load.connections;
  const long in_flight = k->load.hosts > 1 && count > most_in_flight ? most_in_flight : count;
  k->in_flight = in_flight;
  for (long i = 0; i < count; ++i) {
    k->all[i].next = &k->all[i + in_flight < count ? i + in_flight : i % in_flight];
    open_connection(k, &k->all[i]);
  }
  load_begin(&k->load);
  const uint64_t now_ns = load_stamp(&k->load);
  for (long i = 0; i < in_flight; ++i) ask(&k->load, &k->all[i], now_ns);
}

int main(int argc, char** argv) {
  static struct client k;
  static struct epoll_event events[events_at_once];
  load_arguments(&k.load, argc, argv);
  k.epoll = epoll_create1(EPOLL_CLOEXEC);
  k.all = calloc((size_t)k.load.connections, sizeof *k.all);
  if (k.epoll < 0 || k.all == NULL) load_fail("epoll_create1");
  open_all(&k);
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // naps are not prolonged
  while (k.load.answered < k.load.requests) {
    if (!k.load.at_once) nap(&k);
    const int count = epoll_wait(k.epoll, events, events_at_once, -1);
    if (count < 0 && errno != EINTR) load_fail("epoll_wait");
    turn(&k, events, count);
  }
  return load_end(&k.load);
}
