#include "dialer.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "auth_scheme.hpp"
#include "proxy_talk.hpp"
#include "status.hpp"

namespace eddy::inline v1::http {

namespace {

// Says who we are to the proxy of one route, as often as it asks anew.
class proxy_login {
 public:
  proxy_login(const route& to, digest_state* known, std::string (*fresh_cnonce)())
      : to_(to), space_(to.proxy().str()), authority_(to.authority()), known_(known) {
    if (!known_) known_ = &own_;
    if (fresh_cnonce) cnonce_ = fresh_cnonce();
  }
  proxy_login(const proxy_login&) = delete;
  proxy_login& operator=(const proxy_login&) = delete;
  // Of the first request; empty: none.
  std::string first() {
    return first_credentials(to_.proxy().credentials(), context(), *known_).value_or("");
  }
  // Whether another request may bring more luck; then `out` is what it says.
  bool answer(const response_head& reply, std::string& out) {
    if (cnonce_.empty()) return false;
    const std::optional<std::string> next =
        answer_challenge(to_.proxy().credentials(), context(), reply.status, reply.fields,
                         answered_++, *known_);
    if (next) out = *next;
    return next.has_value();
  }

 private:
  auth_context context() const {
    return {auth_role::proxy, space_, "CONNECT", authority_, cnonce_};
  }

  const route& to_;
  std::string space_;
  std::string authority_;
  std::string cnonce_;
  digest_state own_;
  digest_state* known_;
  unsigned answered_ = 0;
};

}  // namespace

dialer::dialer(const dialer_settings& s)
    : settings_(s), names_(s.dns_ttl_ns, detail::dns_cache_names, s.look_up) {}

task<transport> dialer::dial(route to, dial_watch& watch) {
  transport link;
  switch (to.kind()) {
    case route_kind::direct:
      link = co_await reach_host(to.host(), to.port(), to.authority(), watch);
      break;
    case route_kind::unix_socket:
      link = co_await reach_socket(to, watch);
      break;
    case route_kind::forward:
      link = co_await reach_proxy(to, watch);
      break;
    case route_kind::tunnel:
      link = co_await dial_tunnel(to, watch);
      break;
    case route_kind::socks:
      link = co_await dial_socks(to, watch);
      break;
  }
  if (to.is_secure()) {
    const time_point until = watch.enter(dial_phase::securing);
    link = co_await secure(std::move(link), to.host(), to.pool_key(), until);
  }
  watch.enter(dial_phase::open);
  co_return std::move(link);
}

task<transport> dialer::dial_tunnel(const route& to, dial_watch& watch) {
  proxy_login login(to, known_, fresh_cnonce_);
  std::string credentials = login.first();
  for (;;) {
    transport link = co_await reach_proxy(to, watch);
    const time_point until = watch.enter(dial_phase::asking_proxy);
    task<response_head> asking = ask_for_tunnel(link, to, credentials, settings_.bounds);
    const response_head reply = co_await with_deadline(until, std::move(asking));
    if (is_success(reply.status)) co_return std::move(link);
    if (!login.answer(reply, credentials)) throw_tunnel_refused(to, reply);
  }
}

// The origin's name first: without it there is nothing to ask a proxy for.
task<transport> dialer::dial_socks(const route& to, dial_watch& watch) {
  std::vector<endpoint> addresses;
  if (to.proxy().which() == http::proxy::kind::socks5) {
    detail::dns_found found = co_await addresses_of(to.host(), to.port(), watch);
    addresses = std::move(found.addresses);
  }
  socks5_client asked = addresses.empty() ? socks5_client::to_host(to.host(), to.port())
                                          : socks5_client::to_address(addresses.front());
  const auth& who = to.proxy().credentials();
  if (who.which() == auth::kind::basic) asked.credentials(who.user(), who.password());
  transport link = co_await reach_proxy(to, watch);
  const time_point until = watch.enter(dial_phase::asking_proxy);
  co_await with_deadline(until, ask_socks(link, to, std::move(asked)));
  co_return std::move(link);
}

task<transport> dialer::reach_socket(const route& to, dial_watch& watch) {
  const time_point until = watch.enter(dial_phase::connecting);
  unix_stream stream = co_await with_deadline(until, unix_stream::connect(to.socket()));
  watch.enter(dial_phase::connected);
  co_return transport(std::move(stream));
}

task<transport> dialer::reach_proxy(const route& to, dial_watch& watch) {
  const http::proxy& through = to.proxy();
  transport link;
  try {
    link = co_await reach_host(through.host(), through.port(), name_of(through), watch);
  } catch (const resolve_error& e) {
    throw proxy_resolve_error(name_of(through) + ": " + e.what());
  }
  if (through.which() == http::proxy::kind::https) {
    const time_point until = watch.enter(dial_phase::securing_proxy);
    link = co_await secure(std::move(link), through.host(), name_of(through), until);
  }
  co_return std::move(link);
}

task<transport> dialer::reach_host(std::string host, std::uint16_t port, std::string name,
                                   dial_watch& watch) {
  detail::dns_found found = co_await addresses_of(std::string(host), port, watch);
  detail::more_addresses more;
  if (found.is_partial) {
    more = [this, host, port] { return names_.resolve_rest(host, port); };
  }
  const time_point until = watch.enter(dial_phase::connecting);
  task<tcp_stream> connecting = detail::connect_any(
      std::move(found.addresses), std::move(name), settings_.attempt_delay_ns, std::move(more));
  tcp_stream stream = co_await with_deadline(until, std::move(connecting));
  watch.enter(dial_phase::connected);
  co_return transport(std::move(stream));
}

task<detail::dns_found> dialer::addresses_of(std::string host, std::uint16_t port,
                                             dial_watch& watch) {
  if (endpoint::is_address(host)) {
    detail::dns_found known;
    known.addresses.push_back(endpoint::parse(host, port));
    co_return std::move(known);
  }
  const time_point until = watch.enter(dial_phase::resolving);
  task<detail::dns_found> asking = names_.resolve(std::move(host), port);
  detail::dns_found found = co_await with_deadline(until, std::move(asking));
  watch.enter(dial_phase::resolved);
  found.addresses = detail::interleave_families(found.addresses);
  co_return std::move(found);
}

#if EDDY_HAVE_OPENSSL

task<transport> dialer::secure(transport under, std::string host, std::string key,
                               time_point until) {
  if (!trust_) throw std::logic_error("a connection needs TLS before it is known whom to trust");
  tls_options options;
  options.alpn("http/1.1").resume(sessions_, key);
  task<transport> shaking = transport::secure(std::move(under), std::move(host), *trust_,
                                              std::move(options));
  transport out = co_await with_deadline(until, std::move(shaking));
  co_return std::move(out);
}

#else

task<transport> dialer::secure(transport, std::string, std::string, time_point) {
  throw error("https needs TLS, and this build of Eddy is without OpenSSL");
}

#endif

}  // namespace eddy::inline v1::http
