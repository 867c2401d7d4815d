// The floor for io_uring: an echo server on the bare ring, one thread, no framework.
//   raw_uring [--host ADDR] [--buffer BYTES] PORT
// One multishot accept; one multishot receive per connection, into a ring of provided buffers; each
// buffer is sent from where it was received and given back when it has been sent. Everything that
// a turn asks for goes to the kernel with the wait that ends the turn: one system call a turn.
#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "listen.h"

enum {
  submissions = 4096,
  completions = 4 * submissions,
  buffer_count = 1024,  // a power of two
  standard_buffer_bytes = 2048,
  // One connection may hold so many buffers that its peer has not read; then receiving pauses.
  // (So buffer_count / most_held peers that never read stop this server: it is a floor.)
  most_held = 64,
  no_buffer = 0xffff,
  no_connection = -1,
};

enum request { request_accept, request_receive, request_send, request_cancel, request_close };

struct connection {
  uint16_t first;  // received and not yet sent, in order; the first is being sent
  uint16_t last;
  uint16_t held;
  bool receiving;  // the multishot receive is in the kernel
  bool sending;
  bool ended;       // nothing more will be received
  int next_hungry;  // of those that wait for a buffer
};

struct server {
  struct io_uring ring;
  struct io_uring_buf_ring* offered;
  char* bytes;
  unsigned buffer_bytes;  // a request should fit: it is sent as the pieces it came in
  uint16_t next[buffer_count];
  uint16_t length[buffer_count];
  int given_back;  // buffers, in this turn
  int free_buffers;
  int hungry;
  int listener;
  int limit;
  struct connection* connections;  // by descriptor
};

static struct io_uring_sqe* submission(struct server* s) {
  struct io_uring_sqe* entry = io_uring_get_sqe(&s->ring);
  while (entry == NULL) {
    const int n = io_uring_submit(&s->ring);
    if (n < 0 && n != -EINTR) echo_fail("io_uring_submit", -n);
    entry = io_uring_get_sqe(&s->ring);
  }
  return entry;
}

static uint64_t name_of(enum request what, int fd) { return (uint64_t)what << 32 | (uint32_t)fd; }

static void start_accepting(struct server* s) {
  struct io_uring_sqe* entry = submission(s);
  io_uring_prep_multishot_accept(entry, s->listener, NULL, NULL, SOCK_CLOEXEC);
  entry->user_data = name_of(request_accept, s->listener);
}

static void start_receiving(struct server* s, int fd) {
  struct io_uring_sqe* entry = submission(s);
  io_uring_prep_recv_multishot(entry, fd, NULL, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = 0;
  entry->user_data = name_of(request_receive, fd);
  s->connections[fd].receiving = true;
}

static void send_first(struct server* s, int fd, struct connection* c) {
  const uint16_t buffer = c->first;
  struct io_uring_sqe* entry = submission(s);
  io_uring_prep_send(entry, fd, s->bytes + (size_t)buffer * s->buffer_bytes, s->length[buffer],
                     MSG_WAITALL | MSG_NOSIGNAL);
  entry->user_data = name_of(request_send, fd);
  c->sending = true;
}

static void pause_receiving(struct server* s, int fd) {
  struct io_uring_sqe* entry = submission(s);
  io_uring_prep_cancel64(entry, name_of(request_receive, fd), 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = name_of(request_cancel, fd);
}

static void give_back(struct server* s, uint16_t buffer) {
  io_uring_buf_ring_add(s->offered, s->bytes + (size_t)buffer * s->buffer_bytes, s->buffer_bytes,
                        buffer, buffer_count - 1, s->given_back);
  ++s->given_back;
  ++s->free_buffers;
}

static uint16_t take_first(struct server* s, struct connection* c) {
  const uint16_t buffer = c->first;
  c->first = s->next[buffer];
  --c->held;
  return buffer;
}

// A connection that holds nothing and receives nothing: goes on, or ends.
static void go_on(struct server* s, int fd, struct connection* c) {
  if (c->ended) {
    struct io_uring_sqe* entry = submission(s);
    io_uring_prep_close(entry, fd);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    entry->user_data = name_of(request_close, fd);
    return;
  }
  c->next_hungry = s->hungry;
  s->hungry = fd;
}

static void accepted(struct server* s, int result, uint32_t flags) {
  if (result >= 0) {
    struct connection* c = &s->connections[result];
    *c = (struct connection){.first = no_buffer, .last = no_buffer, .next_hungry = no_connection};
    start_receiving(s, result);
  } else if (result != -ECONNABORTED && result != -EINTR) {
    echo_fail("accept", -result);
  }
  if ((flags & IORING_CQE_F_MORE) == 0) start_accepting(s);
}

static void received(struct server* s, int fd, int result, uint32_t flags) {
  struct connection* c = &s->connections[fd];
  if ((flags & IORING_CQE_F_MORE) == 0) c->receiving = false;
  if (result > 0) {
    const uint16_t buffer = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
    --s->free_buffers;
    s->length[buffer] = (uint16_t)result;
    if (c->held++ == 0) {
      c->first = buffer;
    } else {
      s->next[c->last] = buffer;
    }
    c->last = buffer;
    if (!c->sending) send_first(s, fd, c);
    if (c->held == most_held && c->receiving) pause_receiving(s, fd);
  } else if (result != -ENOBUFS && result != -ECANCELED && result != -EINTR) {
    c->ended = true;
  }
  if (!c->receiving && c->held == 0) go_on(s, fd, c);
}

static void sent(struct server* s, int fd, int result) {
  struct connection* c = &s->connections[fd];
  const bool whole = result == s->length[c->first];
  c->sending = false;
  give_back(s, take_first(s, c));
  if (!whole) {
    while (c->held > 0) give_back(s, take_first(s, c));
    shutdown(fd, SHUT_RDWR);  // ends the receive, if there is one
    c->ended = c->ended || !c->receiving;
  }
  if (c->held > 0) {
    send_first(s, fd, c);
  } else if (!c->receiving) {
    go_on(s, fd, c);
  }
}

static void complete(struct server* s, const struct io_uring_cqe* cqe) {
  const int fd = (int)(uint32_t)cqe->user_data;
  switch ((enum request)(cqe->user_data >> 32)) {
    case request_accept: accepted(s, cqe->res, cqe->flags); break;
    case request_receive: received(s, fd, cqe->res, cqe->flags); break;
    case request_send: sent(s, fd, cqe->res); break;
    case request_cancel: break;  // the receive had ended by itself
    case request_close: echo_fail("close", -cqe->res);
  }
}

// Before the wait: the kernel gets the buffers back, and who found none tries again.
static void end_turn(struct server* s) {
  io_uring_buf_ring_advance(s->offered, s->given_back);
  s->given_back = 0;
  for (int i = 0; i < s->free_buffers && s->hungry != no_connection; ++i) {
    const int fd = s->hungry;
    s->hungry = s->connections[fd].next_hungry;
    start_receiving(s, fd);
  }
}

static void offer_buffers(struct server* s) {
  const size_t ring_bytes = buffer_count * sizeof(struct io_uring_buf);
  const size_t bytes = ring_bytes + (size_t)buffer_count * s->buffer_bytes;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) echo_fail("mmap", errno);
  struct io_uring_buf_reg ring = {.ring_addr = (uintptr_t)memory, .ring_entries = buffer_count};
  const int wrong = io_uring_register_buf_ring(&s->ring, &ring, 0);
  if (wrong != 0) echo_fail("io_uring_register_buf_ring", -wrong);
  s->offered = (struct io_uring_buf_ring*)(void*)memory;
  s->bytes = memory + ring_bytes;
  io_uring_buf_ring_init(s->offered);
  for (int i = 0; i < buffer_count; ++i) give_back(s, (uint16_t)i);
}

int main(int argc, char** argv) {
  static struct server s;
  s.limit = echo_descriptor_limit();
  s.hungry = no_connection;
  s.connections = calloc((size_t)s.limit, sizeof(struct connection));
  if (s.connections == NULL) echo_fail("memory for the connections", errno);
  struct io_uring_params how = {.cq_entries = completions,
                                .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                         IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE};
  const int wrong = io_uring_queue_init_params(submissions, &s.ring, &how);
  if (wrong != 0) echo_fail("io_uring_queue_init_params", -wrong);
  io_uring_register_ring_fd(&s.ring);  // saves a look-up per call; nothing depends on it
  s.buffer_bytes = echo_buffer_bytes(argc, argv, standard_buffer_bytes);
  offer_buffers(&s);
  s.listener = echo_listen(argc, argv, 0);
  start_accepting(&s);
  for (;;) {
    end_turn(&s);
    const int n = io_uring_submit_and_wait(&s.ring, 1);
    if (n < 0 && n != -EINTR) echo_fail("io_uring_submit_and_wait", -n);
    struct io_uring_cqe* cqe;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&s.ring, head, cqe) {
      complete(&s, cqe);
      ++count;
    }
    io_uring_cq_advance(&s.ring, count);
  }
}
