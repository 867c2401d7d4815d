// Blocking libcurl on a thread for each connection: how a program without a loop does it.
//   threads_client -c THREADS -n REQUESTS [-l] http://ADDRESS:PORT/PATH
// Says what raw_client says. A thread has one easy handle, which keeps its connection, and takes
// requests from a common count until that is used up.
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { stack_bytes = 256 * 1024 };

struct client {
  struct load load;
  atomic_long left;
  atomic_long expected;  // bytes of a body, as the first one had; -1: not known yet
};

struct worker {
  struct client* client;
  pthread_t thread;
  long body;
  long errors;
  struct histogram latencies;
};

static size_t take(char* data, size_t size, size_t count, void* to) {
  (void)data;
  ((struct worker*)to)->body += (long)(size * count);
  return size * count;
}

static void get(struct worker* w, CURL* handle) {
  struct client* k = w->client;
  const uint64_t asked_ns = load_stamp(&k->load);
  long status = 0;
  long unknown = -1;
  w->body = 0;
  const CURLcode result = curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  atomic_compare_exchange_strong(&k->expected, &unknown, w->body);
  if (result != CURLE_OK || status != 200 || w->body != atomic_load(&k->expected)) ++w->errors;
  if (k->load.latency) histogram_add(&w->latencies, load_now_ns() - asked_ns);
}

static void* work(void* argument) {
  struct worker* w = argument;
  CURL* handle = curl_easy_init();
  if (handle == NULL) load_fail("curl_easy_init");
  curl_easy_setopt(handle, CURLOPT_URL, w->client->load.url);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br, zstd");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, w);
  while (atomic_fetch_sub(&w->client->left, 1) > 0) get(w, handle);
  curl_easy_cleanup(handle);
  return NULL;
}

static void collect(struct load* l, const struct worker* w) {
  l->errors += w->errors;
  l->latencies.count += w->latencies.count;
  for (int i = 0; i < histogram_cells; ++i) l->latencies.cells[i] += w->latencies.cells[i];
}

int main(int argc, char** argv) {
  static struct client k;
  load_arguments(&k.load, argc, argv);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  atomic_init(&k.left, k.load.requests);
  atomic_init(&k.expected, -1);
  struct worker* all = calloc((size_t)k.load.connections, sizeof *all);
  if (all == NULL) load_fail("calloc");
  pthread_attr_t how;
  pthread_attr_init(&how);
  pthread_attr_setstacksize(&how, stack_bytes);
  load_begin(&k.load);
  for (long i = 0; i < k.load.connections; ++i) {
    all[i].client = &k;
    if (pthread_create(&all[i].thread, &how, work, &all[i]) != 0) load_fail("pthread_create");
  }
  for (long i = 0; i < k.load.connections; ++i) {
    pthread_join(all[i].thread, NULL);
    collect(&k.load, &all[i]);
  }
  return load_end(&k.load);
}
