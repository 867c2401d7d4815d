#include <eddy/net/resolver.hpp>

#include "../runtime/selector/system.hpp"
#include "cares_lookup.hpp"
#include "lookup.hpp"
#include "url_text.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// A name as a message shows it: quoted only where it must be.
std::string shown(std::string_view host) {
  for (const char c : host) {
    if (c <= ' ' || c > '~') return url_syntax::quoted(host);
  }
  return host.empty() ? "\"\"" : std::string(host);
}

}  // namespace

void throw_not_resolved(std::string_view host, std::string_view why) {
  throw resolve_error("cannot resolve " + shown(host) + ": " + std::string(why));
}

void check_name(std::string_view host) {
  if (host.empty()) throw_not_resolved(host, "the name is empty");
  for (const char c : host) {
    if (c > ' ' && c <= '~') continue;
    throw_not_resolved(host, "the name has a byte that is not printable ASCII");
  }
  if (host.size() <= max_host_length) return;
  throw resolve_error("cannot resolve " + url_syntax::quoted(host) + ": the name has " +
                      std::to_string(host.size()) + " bytes, the limit is " +
                      std::to_string(max_host_length));
}

std::vector<endpoint> with_port(const std::vector<endpoint>& addresses, std::uint16_t port) {
  std::vector<endpoint> out;
  out.reserve(addresses.size());
  for (const endpoint& at : addresses) {
    const auto& b = at.bytes();
    out.push_back(at.is_ipv6() ? endpoint::v6(b, port, at.scope())
                               : endpoint::v4({b[0], b[1], b[2], b[3]}, port));
  }
  return out;
}

#if EDDY_HAVE_CARES

bool asks_cares() noexcept { return system::has_real_network(); }

task<lookup_answer> look_up(std::string host, std::int64_t patience_ns) {
  if (asks_cares() && !is_for_getaddrinfo(host)) {
    cares_settings s;
    s.patience_ns = patience_ns;
    return look_up_by_cares(std::move(host), s);
  }
  return look_up_on_lane(std::move(host));
}

#else

bool asks_cares() noexcept { return false; }

task<lookup_answer> look_up(std::string host, std::int64_t) {
  return look_up_on_lane(std::move(host));
}

#endif

}  // namespace detail

task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port) {
  if (endpoint::is_address(host)) co_return std::vector<endpoint>(1, endpoint::parse(host, port));
  detail::check_name(host);
  task<detail::lookup_answer> asking =
      detail::look_up(std::move(host), detail::late_answer_patience_ns);
  const detail::lookup_answer answer = co_await std::move(asking);
  co_return detail::with_port(answer.addresses, port);
}

}  // namespace eddy::inline v1
