// libcurl's multi interface as an event loop drives it: curl_multi_socket_action over epoll, one
// thread, one easy handle a connection, each used again and again.
//   multi_client -c CONNECTIONS -n REQUESTS [-l] http://ADDRESS:PORT/PATH
// Says what raw_client says. The socket interface is the one that libcurl recommends for many
// transfers at once. What a request needs is set once; between two of them the handle leaves the
// multi and joins it again, which is how libcurl wants a handle to be used once more.
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "load.h"

enum { events_at_once = 512, no_timer = -1 };

struct client {
  struct load load;
  CURLM* multi;
  int epoll;
  uint64_t due_ns;  // of libcurl's one timer; 0: none
};

struct transfer {
  CURL* handle;
  struct client* client;
  long body;
  uint64_t asked_ns;
};

static void check(CURLMcode code, const char* what) {
  if (code == CURLM_OK) return;
  fprintf(stderr, "multi_client: %s: %s\n", what, curl_multi_strerror(code));
  exit(1);
}

static size_t take(char* data, size_t size, size_t count, void* to) {
  (void)data;
  ((struct transfer*)to)->body += (long)(size * count);
  return size * count;
}

static int on_socket(CURL* easy, curl_socket_t fd, int what, void* who, void* known) {
  (void)easy;
  struct client* k = who;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(k->epoll, EPOLL_CTL_DEL, fd, NULL);
    curl_multi_assign(k->multi, fd, NULL);
    return 0;
  }
  struct epoll_event event = {.data = {.fd = fd}};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  const int how = known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(k->epoll, how, fd, &event) != 0) load_fail("epoll_ctl");
  if (known == NULL) curl_multi_assign(k->multi, fd, k);
  return 0;
}

static int on_timer(CURLM* multi, long timeout_ms, void* who) {
  (void)multi;
  struct client* k = who;
  k->due_ns = timeout_ms < 0 ? 0 : load_now_ns() + (uint64_t)timeout_ms * 1000000;
  return 0;
}

static void ask(struct client* k, struct transfer* t) {
  if (k->load.to_send == 0) return;
  --k->load.to_send;
  t->body = 0;
  t->asked_ns = load_stamp(&k->load);
  check(curl_multi_add_handle(k->multi, t->handle), "curl_multi_add_handle");
}

static void finish(struct client* k, struct transfer* t, CURLcode result) {
  long status = 0;
  curl_easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
  if (k->load.body < 0) k->load.body = t->body;
  if (result != CURLE_OK || status != 200 || t->body != k->load.body) ++k->load.errors;
  load_note(&k->load, t->asked_ns, load_stamp(&k->load));
  ++k->load.answered;
  check(curl_multi_remove_handle(k->multi, t->handle), "curl_multi_remove_handle");
  ask(k, t);
}

static void take_results(struct client* k) {
  int left;
  for (CURLMsg* message; (message = curl_multi_info_read(k->multi, &left)) != NULL;) {
    if (message->msg != CURLMSG_DONE) continue;
    struct transfer* t = NULL;
    const CURLcode result = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char**)(void*)&t);
    finish(k, t, result);
  }
}

static int wait_ms(const struct client* k) {
  if (k->due_ns == 0) return no_timer;
  const uint64_t now_ns = load_now_ns();
  return now_ns >= k->due_ns ? 0 : (int)((k->due_ns - now_ns + 999999) / 1000000);
}

static void turn(struct client* k) {
  static struct epoll_event events[events_at_once];
  int running;
  ++k->load.turns;
  const int count = epoll_wait(k->epoll, events, events_at_once, wait_ms(k));
  if (count < 0 && errno != EINTR) load_fail("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const uint32_t what = events[i].events;
    const int flags = (what & EPOLLIN ? CURL_CSELECT_IN : 0) |
                      (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                      (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    check(curl_multi_socket_action(k->multi, events[i].data.fd, flags, &running), "a socket");
  }
  if (k->due_ns != 0 && load_now_ns() >= k->due_ns) {
    k->due_ns = 0;
    check(curl_multi_socket_action(k->multi, CURL_SOCKET_TIMEOUT, 0, &running), "the timer");
  }
  take_results(k);
}

static void begin(struct client* k) {
  k->epoll = epoll_create1(EPOLL_CLOEXEC);
  k->multi = curl_multi_init();
  struct transfer* all = calloc((size_t)k->load.connections, sizeof *all);
  if (k->epoll < 0 || k->multi == NULL || all == NULL) load_fail("epoll_create1");
  curl_multi_setopt(k->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(k->multi, CURLMOPT_SOCKETDATA, k);
  curl_multi_setopt(k->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(k->multi, CURLMOPT_TIMERDATA, k);
  curl_multi_setopt(k->multi, CURLMOPT_MAXCONNECTS, k->load.connections);
  for (long i = 0; i < k->load.connections; ++i) {
    struct transfer* t = &all[i];
    t->client = k;
    t->handle = curl_easy_init();
    if (t->handle == NULL) load_fail("curl_easy_init");
    curl_easy_setopt(t->handle, CURLOPT_URL, k->load.url);
    curl_easy_setopt(t->handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->handle, CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br, zstd");
    curl_easy_setopt(t->handle, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(t->handle, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->handle, CURLOPT_PRIVATE, t);
    ask(k, t);
  }
}

int main(int argc, char** argv) {
  static struct client k;
  load_arguments(&k.load, argc, argv);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  load_begin(&k.load);
  begin(&k);
  while (k.load.answered < k.load.requests) turn(&k);
  return load_end(&k.load);
}
