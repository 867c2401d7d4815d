// The floor of HTTP clients on io_uring: keep-alive GETs on the bare ring, one thread.
//   uring_client -c CONNECTIONS -n REQUESTS [-l] [-o] http://ADDRESS:PORT/PATH
// Says what raw_client says. One multishot receive per connection, for its life, into a ring of
// provided buffers that are given back in one piece at the end of a turn; sends that report
// failures only; registered descriptors; all that a turn asks for goes to the kernel with the wait
// that ends the turn: one system call a turn, which waits for a third of what is in flight, as
// raw_client naps and for the same reason; with -o for the first. A connection that fails is an
// error of the run, and not opened again.
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "load.h"

enum {
  submissions = 4096,
  completions = 4 * submissions,
  buffer_count = 1024,  // a power of two
  buffer_bytes = 4096,
  patience_ns = 1000000,  // of the wait for a third
  few_in_flight = 3,
};

// The low bit of a user_data: a send's.
enum { of_send = 1 };

struct connection {
  int fd;
  struct answer answer;
  uint64_t asked_ns;
};

struct client {
  struct load load;
  struct io_uring ring;
  struct io_uring_buf_ring* offered;
  char* bytes;
  int given_back;  // buffers, in this turn
  struct connection* all;
  uint64_t now_ns;
};

static void wrong(const char* what, int error) {
  errno = error;
  load_fail(what);
}

static struct io_uring_sqe* submission(struct client* k) {
  struct io_uring_sqe* entry = io_uring_get_sqe(&k->ring);
  while (entry == NULL) {
    const int n = io_uring_submit(&k->ring);
    if (n < 0 && n != -EINTR) wrong("io_uring_submit", -n);
    entry = io_uring_get_sqe(&k->ring);
  }
  return entry;
}

static void start_receiving(struct client* k, long i) {
  struct io_uring_sqe* entry = submission(k);
  io_uring_prep_recv_multishot(entry, (int)i, NULL, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
  entry->buf_group = 0;
  entry->user_data = (uint64_t)i << 1;
}

static void ask(struct client* k, long i) {
  if (k->load.to_send == 0) return;
  --k->load.to_send;
  k->all[i].asked_ns = k->now_ns;
  struct io_uring_sqe* entry = submission(k);
  io_uring_prep_send(entry, (int)i, k->load.request, k->load.request_size,
                     MSG_WAITALL | MSG_NOSIGNAL);
  entry->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = (uint64_t)i << 1 | of_send;
}

static void give_back(struct client* k, unsigned buffer) {
  io_uring_buf_ring_add(k->offered, k->bytes + (size_t)buffer * buffer_bytes, buffer_bytes,
                        (unsigned short)buffer, buffer_count - 1, k->given_back++);
}

static void complete(struct client* k, const struct io_uring_cqe* cqe) {
  const long i = (long)(cqe->user_data >> 1);
  struct connection* c = &k->all[i];
  if ((cqe->user_data & of_send) != 0) wrong("send", -cqe->res);
  if (cqe->res == -ENOBUFS) {
    start_receiving(k, i);
    return;
  }
  if (cqe->res <= 0) wrong("receive", cqe->res < 0 ? -cqe->res : ECONNRESET);
  const unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
  const enum answer_state state =
      answer_take(
      &k->load, &c->answer, k->bytes + (size_t)buffer * buffer_bytes, (size_t)cqe->res);
  give_back(k, buffer);
  if ((cqe->flags & IORING_CQE_F_MORE) == 0) start_receiving(k, i);
  if (state == answer_more) return;
  if (state == answer_wrong) {
    ++k->load.errors;
    fprintf(stderr, "a response that is not the one expected\n");
    exit(load_end(&k->load));
  }
  load_note(&k->load, c->asked_ns, k->now_ns);
  ++k->load.answered;
  ask(k, i);
}

static void offer_buffers(struct client* k) {
  const size_t ring_bytes = buffer_count * sizeof(struct io_uring_buf);
  const size_t bytes = ring_bytes + (size_t)buffer_count * buffer_bytes;
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) load_fail("mmap");
  struct io_uring_buf_reg ring = {.ring_addr = (uintptr_t)memory, .ring_entries = buffer_count};
  const int refused = io_uring_register_buf_ring(&k->ring, &ring, 0);
  if (refused != 0) wrong("io_uring_register_buf_ring", -refused);
  k->offered = (struct io_uring_buf_ring*)(void*)memory;
  k->bytes = memory + ring_bytes;
  io_uring_buf_ring_init(k->offered);
  for (unsigned i = 0; i < buffer_count; ++i) give_back(k, i);
}

static void open_all(struct client* k) {
  const long count = k->load.connections;
  int* descriptors = calloc((size_t)count, sizeof *descriptors);
  k->all = calloc((size_t)count, sizeof *k->all);
  if (descriptors == NULL || k->all == NULL) load_fail("calloc");
  for (long i = 0; i < count; ++i) {
    const int on = 1;
    const struct sockaddr_in to = load_address(&k->load, i);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) load_fail("socket");
    if (connect(fd, (const struct sockaddr*)&to, sizeof to) != 0) load_fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    k->all[i].fd = descriptors[i] = fd;
  }
  const int refused = io_uring_register_files(&k->ring, descriptors, (unsigned)count);
  if (refused != 0) wrong("io_uring_register_files", -refused);
  free(descriptors);
  load_begin(&k->load);
  k->now_ns = load_stamp(&k->load);
  for (long i = 0; i < count; ++i) {
    start_receiving(k, i);
    ask(k, i);
  }
}

static void wait(struct client* k) {
  struct __kernel_timespec most = {.tv_sec = 0, .tv_nsec = patience_ns};
  struct io_uring_cqe* first;
  const unsigned many = (unsigned)k->load.connections / few_in_flight;
  int n;
  if (k->load.at_once || many < 2) {
    n = io_uring_submit_and_wait(&k->ring, 1);
  } else {
    n = io_uring_submit_and_wait_timeout(&k->ring, &first, many, &most, NULL);
  }
  if (n < 0 && n != -EINTR && n != -ETIME) wrong("the wait", -n);
}

static void turn(struct client* k) {
  io_uring_buf_ring_advance(k->offered, k->given_back);
  k->given_back = 0;
  ++k->load.turns;
  wait(k);
  k->now_ns = load_stamp(&k->load);
  struct io_uring_cqe* cqe;
  unsigned head;
  unsigned count = 0;
  io_uring_for_each_cqe(&k->ring, head, cqe) {
    complete(k, cqe);
    ++count;
  }
  io_uring_cq_advance(&k->ring, count);
}

int main(int argc, char** argv) {
  static struct client k;
  load_arguments(&k.load, argc, argv);
  struct io_uring_params how = {.cq_entries = completions,
                                .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                         IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE};
  const int refused = io_uring_queue_init_params(submissions, &k.ring, &how);
  if (refused != 0) wrong("io_uring_queue_init_params", -refused);
  io_uring_register_ring_fd(&k.ring);  // saves a look-up per call; nothing depends on it
  offer_buffers(&k);
  open_all(&k);
  while (k.load.answered < k.load.requests) turn(&k);
  return load_end(&k.load);
}
