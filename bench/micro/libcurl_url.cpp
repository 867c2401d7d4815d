// libcurl's URL interface. It hands out each component as a string of its own.
#include <curl/curl.h>

#include "checks.hpp"
#include "measuring.hpp"
#include "urls.hpp"

namespace {

bool has(CURLU* u, CURLUPart part, std::string_view wanted, bool may_lack = false) {
  char* text = nullptr;
  if (curl_url_get(u, part, &text, 0) != CURLUE_OK) return may_lack && wanted.empty();
  const bool same = wanted == text;
  curl_free(text);
  return same;
}

void parse_libcurl(benchmark::State& state) {
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    for (const url_case& one : urls) {
      CURLU* const u = curl_url();
      good = good && curl_url_set(u, CURLUPART_URL, one.written.data(), 0) == CURLUE_OK &&
             has(u, CURLUPART_HOST, one.host) && has(u, CURLUPART_PATH, one.path) &&
             has(u, CURLUPART_QUERY, one.query, true);
      curl_url_cleanup(u);
    }
  }
  const auto items = iterations_of(state) * static_cast<std::int64_t>(urls.size());
  m.stop(items);
  state.SetItemsProcessed(items);
  check(state, good);
}
BENCHMARK(parse_libcurl)->Name("url_parse/libcurl");

void resolve_libcurl(benchmark::State& state) {
  CURLU* const base = curl_url();
  bool good = curl_url_set(base, CURLUPART_URL, base_url.data(), 0) == CURLUE_OK;
  measuring m(state);
  for (auto _ : state) {
    for (const reference_case& one : references) {
      CURLU* const u = curl_url_dup(base);
      good = good && curl_url_set(u, CURLUPART_URL, one.written.data(), 0) == CURLUE_OK &&
             has(u, CURLUPART_URL, one.resolved);
      curl_url_cleanup(u);
    }
  }
  const auto items = iterations_of(state) * static_cast<std::int64_t>(references.size());
  m.stop(items);
  state.SetItemsProcessed(items);
  curl_url_cleanup(base);
  check(state, good);
}
BENCHMARK(resolve_libcurl)->Name("url_resolve/libcurl");

}  // namespace
