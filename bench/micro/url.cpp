// URLs taken apart, and references resolved. An item is one of them.
#include <eddy/net/url.hpp>

#include <string>

#include "checks.hpp"
#include "measuring.hpp"
#include "urls.hpp"

namespace {

void parse_eddy(benchmark::State& state) {
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    for (const url_case& one : urls) {
      const eddy::url u = eddy::url::parse_http(one.written);
      good = good && u.host() == one.host && u.path() == one.path && u.query() == one.query;
    }
  }
  const auto items = iterations_of(state) * static_cast<std::int64_t>(urls.size());
  m.stop(items);
  state.SetItemsProcessed(items);
  check(state, good);
}
BENCHMARK(parse_eddy)->Name("url_parse/eddy");

// Cut where the delimiters stand, nothing checked, nothing normalised.
struct pieces {
  std::string_view host;
  std::string_view path;
  std::string_view query;
};

pieces cut(std::string_view text) {
  pieces out;
  const std::size_t host = text.find("://") + 3;
  const std::size_t path = std::min(text.find('/', host), text.size());
  out.host = text.substr(host, path - host);
  out.host = out.host.substr(0, out.host.find(':'));
  out.path = text.substr(path);
  out.path = out.path.substr(0, out.path.find('#'));
  const std::size_t query = out.path.find('?');
  if (query == std::string_view::npos) return out;
  out.query = out.path.substr(query + 1);
  out.path = out.path.substr(0, query);
  return out;
}

void parse_floor(benchmark::State& state) {
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    for (const url_case& one : urls) {
      std::string_view written = one.written;
      benchmark::DoNotOptimize(written);
      const std::string kept(written);  // as url keeps its text
      const pieces p = cut(kept);
      good = good && p.host.size() == one.host.size() && p.query.size() == one.query.size();
    }
  }
  const auto items = iterations_of(state) * static_cast<std::int64_t>(urls.size());
  m.stop(items);
  state.SetItemsProcessed(items);
  check(state, good);
}
BENCHMARK(parse_floor)->Name("url_parse/floor");

void resolve_eddy(benchmark::State& state) {
  const eddy::url base = eddy::url::parse_http(base_url);
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    for (const reference_case& one : references) {
      good = good && base.resolve(one.written).text() == one.resolved;
    }
  }
  const auto items = iterations_of(state) * static_cast<std::int64_t>(references.size());
  m.stop(items);
  state.SetItemsProcessed(items);
  check(state, good);
}
BENCHMARK(resolve_eddy)->Name("url_resolve/eddy");

}  // namespace
