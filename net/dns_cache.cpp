#include "dns_cache.hpp"

#include <algorithm>

#include "../runtime/loop_state.hpp"
#include "percent.hpp"

namespace eddy::inline v1::detail {

namespace {

std::int64_t clock_ns() { return now_ns(require_loop("look a name up")); }

// The second answer of a name is kept apart from its first one, by what no name has in it.
constexpr char rest_mark = ' ';

std::string rest_key(const std::string& host) { return rest_mark + host; }

std::string lower(std::string host) {
  std::transform(host.begin(), host.end(), host.begin(), url_syntax::to_lower);
  return host;
}

}  // namespace

dns_cache::dns_cache(std::int64_t most_ttl_ns, std::size_t names, ask how)
    : look_up_(std::move(how)),
      most_ttl_ns_(most_ttl_ns),
      answers_([this](std::string key) { return load(std::move(key)); }, names) {}

// Time runs from the answer on: what it took to get it is the name server's.
task<dns_cache::answer> dns_cache::load(std::string key) {
  const bool is_rest = key.front() == rest_mark;
  if (is_rest) key.erase(0, 1);
  task<lookup_answer> asking =
      look_up_(std::move(key), is_rest ? late_answer_patience_ns : resolution_delay_ns);
  lookup_answer found = co_await std::move(asking);
  std::int64_t ttl_ns = most_ttl_ns_;
  if (found.time_to_live_ns != no_time_to_live) ttl_ns = std::min(ttl_ns, found.time_to_live_ns);
  auto fresh = std::make_shared<held>();
  fresh->addresses = std::move(found.addresses);
  fresh->expires_ns = deadline_after(clock_ns(), ttl_ns);
  fresh->is_partial = found.is_partial;
  co_return answer(std::move(fresh));
}

dns_cache::answer dns_cache::find(const std::string& key) {
  const std::optional<answer> found = answers_.try_get(key);
  if (!found) return nullptr;
  if ((*found)->expires_ns > clock_ns()) return *found;
  answers_.invalidate(key);
  return nullptr;
}

task<dns_found> dns_cache::resolve(std::string host, std::uint16_t port) {
  dns_found out;
  if (endpoint::is_address(host)) {
    out.addresses.push_back(endpoint::parse(host, port));
    co_return std::move(out);
  }
  check_name(host);
  host = lower(std::move(host));
  answer found = find(host);
  if (found && found->is_partial) {
    const answer whole = find(rest_key(host));
    if (whole) found = whole;
  }
  if (found) {
    ++hits_;
  } else {
    found = co_await answers_.get(std::move(host));
  }
  out.addresses = with_port(found->addresses, port);
  out.is_partial = found->is_partial;
  co_return std::move(out);
}

task<std::vector<endpoint>> dns_cache::resolve_rest(std::string host, std::uint16_t port) {
  std::string key = rest_key(lower(std::move(host)));
  answer found = find(key);
  if (!found) found = co_await answers_.get(std::move(key));
  co_return with_port(found->addresses, port);
}

dns_cache_statistics dns_cache::statistics() const noexcept {
  const cache_statistics all = answers_.statistics();
  return {all.size, hits_, all.joins, all.misses};
}

}  // namespace eddy::inline v1::detail
