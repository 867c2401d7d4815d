#include "../../net/http/route.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace eddy::http;
using eddy::unix_address;

namespace {

route by(const char* text, bool secure = true) {
  route r("example.com", secure ? 443 : 80, secure);
  r.through(proxy::parse(text));
  return r;
}

}  // namespace

TEST_CASE("route: what a proxy is for depends on the origin") {
  CHECK(by("http://p:3128", false).kind() == route_kind::forward);
  CHECK(by("http://p:3128").kind() == route_kind::tunnel);
  CHECK(by("https://p:3128", false).kind() == route_kind::forward);
  CHECK(by("https://p:3128").kind() == route_kind::tunnel);
  CHECK(by("socks5://p").kind() == route_kind::socks);
  CHECK(by("socks5h://p", false).kind() == route_kind::socks);
  route straight("example.com", 80, false);
  straight.through(proxy()).through(proxy::direct());
  CHECK(straight.kind() == route_kind::direct);
  route local("example.com", 80, false);
  local.by_socket(unix_address::path("/run/x")).through(proxy::parse("http://p:3128"));
  CHECK(local.kind() == route_kind::unix_socket);
  CHECK(!local.proxy().is_used());
}

TEST_CASE("route: where TLS is needed") {
  CHECK(by("http://p:3128").needs_tls());
  CHECK(by("https://p:3128", false).needs_tls());
  CHECK(!by("http://p:3128", false).needs_tls());
  CHECK(!by("socks5://p", false).needs_tls());
}

TEST_CASE("route: the authority of an IPv6 address has brackets") {
  CHECK(route("example.com", 443, true).authority() == "example.com:443");
  CHECK(route("::1", 80, false).authority() == "[::1]:80");
}

TEST_CASE("route: keys keep routes and credentials apart") {
  std::set<std::string> keys;
  std::size_t count = 0;
  const auto add = [&](const route& r) {
    keys.insert(r.pool_key());
    ++count;
  };
  add(route("example.com", 443, true));
  add(route("example.com", 443, false));
  add(route("example.com", 80, false));
  add(route("example.org", 443, true));
  add(by("http://p:3128"));
  add(by("http://p:3129"));
  add(by("http://q:3128"));
  add(by("https://p:3128"));
  add(by("socks5://p:3128"));
  add(by("socks5h://p:3128"));
  add(by("http://u:v@p:3128"));
  add(by("http://u:w@p:3128"));
  add(by("http://v:v@p:3128"));
  add(by("http://u%20p:3@p:3128"));
  add(by("http://u:p%203@p:3128"));
  add(by("http://p:3128", false));
  for (const char* path : {"/run/a", "/run/b"}) {
    route r("example.com", 443, true);
    add(r.by_socket(unix_address::path(path)));
  }
  CHECK(keys.size() == count);
  CHECK(route("example.com", 443, true).pool_key() == "https://example.com:443");
}

TEST_CASE("route: a forwarding proxy is one place for all http origins") {
  route a("a.example", 80, false);
  route b("b.example", 8080, false);
  a.through(proxy::parse("http://p:3128"));
  b.through(proxy::parse("http://p:3128"));
  CHECK(a.pool_key() == b.pool_key());
  CHECK(a.pool_key() != by("http://p:3128").pool_key());
}
