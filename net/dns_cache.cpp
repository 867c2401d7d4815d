#include "dns_cache.hpp"

#include <algorithm>

#include "../runtime/loop_state.hpp"
#include "percent.hpp"

namespace eddy::inline v1::detail {

namespace {

std::int64_t clock_ns() { return now_ns(require_loop("look a name up")); }

}  // namespace

dns_cache::dns_cache(std::int64_t most_ttl_ns, std::size_t names, ask how)
    : look_up_(std::move(how)),
      most_ttl_ns_(most_ttl_ns),
      answers_([this](std::string host) { return load(std::move(host)); }, names) {}

// Time runs from the answer on: what it took to get it is the name server's.
task<dns_cache::answer> dns_cache::load(std::string host) {
  lookup_answer found = co_await look_up_(std::move(host));
  std::int64_t ttl_ns = most_ttl_ns_;
  if (found.time_to_live_ns != no_time_to_live) ttl_ns = std::min(ttl_ns, found.time_to_live_ns);
  auto fresh = std::make_shared<held>();
  fresh->addresses = std::move(found.addresses);
  fresh->expires_ns = deadline_after(clock_ns(), ttl_ns);
  co_return answer(std::move(fresh));
}

dns_cache::answer dns_cache::find(const std::string& host) {
  const std::optional<answer> found = answers_.try_get(host);
  if (!found) return nullptr;
  if ((*found)->expires_ns > clock_ns()) return *found;
  answers_.invalidate(host);
  return nullptr;
}

task<std::vector<endpoint>> dns_cache::resolve(std::string host, std::uint16_t port) {
  if (endpoint::is_address(host)) co_return std::vector<endpoint>(1, endpoint::parse(host, port));
  check_name(host);
  std::transform(host.begin(), host.end(), host.begin(), url_syntax::to_lower);
  answer found = find(host);
  if (found) {
    ++hits_;
  } else {
    found = co_await answers_.get(std::move(host));
  }
  co_return with_port(found->addresses, port);
}

dns_cache_statistics dns_cache::statistics() const noexcept {
  const cache_statistics all = answers_.statistics();
  return {all.size, hits_, all.joins, all.misses};
}

}  // namespace eddy::inline v1::detail
