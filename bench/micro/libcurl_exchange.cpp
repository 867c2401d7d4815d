// libcurl's easy interface over the same connection in memory, one handle kept.
#include <curl/curl.h>

#include "checks.hpp"
#include "measuring.hpp"
#include "memory_network.hpp"

namespace {

std::size_t count_bytes(char*, std::size_t size, std::size_t count, void* total) {
  *static_cast<std::size_t*>(total) += size * count;
  return size * count;
}

bool get(CURL* curl) {
  long status = 0;
  return curl_easy_perform(curl) == CURLE_OK &&
         curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200;
}

void exchange_libcurl(benchmark::State& state) {
  memory_network network;
  std::size_t bytes = 0;
  CURL* const curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, network.url().c_str());
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &bytes);
  bool good = get(curl);  // connects
  measuring m(state);
  for (auto _ : state) good = good && get(curl);
  m.stop(iterations_of(state));
  const auto exchanges = iterations_of(state) + 1;
  check(state, good && network.answered() == exchanges &&
                   bytes == network.body_bytes * static_cast<std::size_t>(exchanges));
  curl_easy_cleanup(curl);
}
BENCHMARK(exchange_libcurl)->Name("exchange/libcurl");

}  // namespace
