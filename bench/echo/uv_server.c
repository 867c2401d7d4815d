// A rival: libuv, in C, one thread.
//   uv_server [--host ADDR] PORT
// As its users would tune it: one buffer for all connections, since libuv fills it and hands it out
// in one go; an answer is tried at once, and only what the peer does not take is copied and queued.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { read_bytes = 64 * 1024, backlog = 4096 };

// Bytes that are still to be written, with the request that writes them.
struct remainder {
  uv_write_t request;
  char bytes[];
};

static char shared_buffer[read_bytes];

static _Noreturn void fail(const char* what, int error) {
  fprintf(stderr, "uv_server: %s: %s\n", what, uv_strerror(error));
  exit(1);
}

static void check(const char* what, int result) {
  if (result < 0) fail(what, result);
}

static void closed(uv_handle_t* handle) { free(handle); }

static void drop(uv_stream_t* peer) {
  if (!uv_is_closing((uv_handle_t*)peer)) uv_close((uv_handle_t*)peer, closed);
}

static void give_buffer(uv_handle_t* peer, size_t wanted, uv_buf_t* out) {
  (void)peer;
  (void)wanted;
  *out = uv_buf_init(shared_buffer, sizeof shared_buffer);
}

static void got(uv_stream_t* peer, ssize_t n, const uv_buf_t* buffer);

static void written(uv_write_t* request, int status) {
  uv_stream_t* peer = request->handle;
  free(request);
  if (status < 0) {
    drop(peer);
  } else if (!uv_is_closing((uv_handle_t*)peer) && uv_stream_get_write_queue_size(peer) == 0) {
    check("uv_read_start", uv_read_start(peer, give_buffer, got));
  }
}

static void write_later(uv_stream_t* peer, const char* from, size_t size) {
  struct remainder* rest = malloc(sizeof *rest + size);
  if (rest == NULL) {
    drop(peer);
    return;
  }
  memcpy(rest->bytes, from, size);
  const uv_buf_t piece = uv_buf_init(rest->bytes, (unsigned)size);
  uv_read_stop(peer);  // until the peer reads: what it sends then is not ours to keep
  if (uv_write(&rest->request, peer, &piece, 1, written) != 0) {
    free(rest);
    drop(peer);
  }
}

static void got(uv_stream_t* peer, ssize_t n, const uv_buf_t* buffer) {
  if (n == 0) return;
  if (n < 0) {
    drop(peer);
    return;
  }
  const uv_buf_t all = uv_buf_init(buffer->base, (unsigned)n);
  int sent = uv_try_write(peer, &all, 1);
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) {
    drop(peer);
  } else if (sent < n) {
    write_later(peer, buffer->base + sent, (size_t)(n - sent));
  }
}

static void accepted(uv_stream_t* listener, int status) {
  if (status < 0) {
    fprintf(stderr, "uv_server: accept: %s\n", uv_strerror(status));
    return;
  }
  uv_tcp_t* peer = malloc(sizeof *peer);
  if (peer == NULL) fail("memory for a connection", UV_ENOMEM);
  check("uv_tcp_init", uv_tcp_init(listener->loop, peer));
  if (uv_accept(listener, (uv_stream_t*)peer) != 0) {
    drop((uv_stream_t*)peer);
    return;
  }
  uv_tcp_nodelay(peer, 1);
  if (uv_read_start((uv_stream_t*)peer, give_buffer, got) != 0) drop((uv_stream_t*)peer);
}

static void stop(uv_signal_t* handle, int number) {
  (void)handle;
  (void)number;
  _exit(0);
}

static void say_where(const uv_tcp_t* listener, const char* host) {
  struct sockaddr_in at;
  int size = sizeof at;
  check("uv_tcp_getsockname", uv_tcp_getsockname(listener, (struct sockaddr*)&at, &size));
  printf("listening on %s:%d\n", host, ntohs(at.sin_port));
  fflush(stdout);
}

int main(int argc, char** argv) {
  const char* host = "127.0.0.1";
  const char* port = NULL;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--host") == 0 && i + 1 < argc) {
      host = argv[++i];
    } else {
      port = argv[i];
    }
  }
  if (port == NULL) {
    fprintf(stderr, "usage: %s [--host ADDR] PORT\n", argv[0]);
    return 2;
  }
  uv_loop_t* loop = uv_default_loop();
  struct sockaddr_in at;
  check("--host", uv_ip4_addr(host, atoi(port), &at));
  uv_tcp_t listener;
  check("uv_tcp_init", uv_tcp_init(loop, &listener));
  check("uv_tcp_bind", uv_tcp_bind(&listener, (const struct sockaddr*)&at, 0));
  check("uv_listen", uv_listen((uv_stream_t*)&listener, backlog, accepted));
  uv_signal_t on_term;
  uv_signal_t on_interrupt;
  check("uv_signal_init", uv_signal_init(loop, &on_term));
  check("uv_signal_init", uv_signal_init(loop, &on_interrupt));
  check("uv_signal_start", uv_signal_start(&on_term, stop, SIGTERM));
  check("uv_signal_start", uv_signal_start(&on_interrupt, stop, SIGINT));
  say_where(&listener, host);
  return uv_run(loop, UV_RUN_DEFAULT);
}
