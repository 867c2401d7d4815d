// Where a cookie may come from and go to: hosts, domains, public suffixes, paths.
#include <doctest/doctest.h>

#include <eddy/net/url.hpp>
#include <string>
#include <string_view>

#include "../../net/http/cookie_rules.hpp"
#include "../../net/http/cookie_store.hpp"
#include "../../net/http/public_suffix.hpp"

namespace http = eddy::http;
using eddy::url;

namespace {

constexpr std::int64_t now = 1'700'000'000;

url at(std::string_view host) { return url::parse_http("https://" + std::string(host) + "/"); }

// What becomes of "a=b; Domain=…" from the host: "no", or the cookie's domain, with a dot in front
// if it is for names below it too.
std::string stored(std::string_view host, std::string_view attribute) {
  http::cookie_store store;
  if (!store.take(at(host), "a=b; Domain=" + std::string(attribute), now)) return "no";
  const http::cookie c = store.all(now).at(0);
  return c.host_only ? c.domain : "." + c.domain;
}

struct domain_row {
  std::string_view host;
  std::string_view attribute;
  std::string_view result;
};

void check(const domain_row& r) {
  CAPTURE(r.host);
  CAPTURE(r.attribute);
  CHECK(stored(r.host, r.attribute) == r.result);
}

}  // namespace

TEST_CASE("cookie domain: the host, or a domain above it, and no other") {
  constexpr domain_row rows[] = {
      {"www.example.com", "", "www.example.com"},
      {"www.example.com", "example.com", ".example.com"},
      {"www.example.com", ".example.com", ".example.com"},
      {"www.example.com", "EXAMPLE.com", ".example.com"},
      {"WWW.EXAMPLE.COM", "www.example.com", ".www.example.com"},
      {"example.com", "example.com", ".example.com"},
      {"example.com", "www.example.com", "no"},
      {"www.example.com", "mail.example.com", "no"},
      {"www.example.com", "other.com", "no"},
      {"www.example.com", "ample.com", "no"},
      {"badexample.com", "example.com", "no"},
      {"www.example.com", "com", "no"},
      {"www.example.com", ".com", "no"},
      {"www.example.com", ".", "www.example.com"},
      {"www.example.com", "..", "no"},
      {"www.example.com", "..example.com", "no"},
      {"www.example.com", "example.com.", "no"},
      {"www.example.com", "com.", "no"},
      {"www.example.com", "*.example.com", "no"},
      {"www.example.com", "https://example.com", "no"},
      {"www.example.com", "example.com:443", "no"},
      {"www.example.com", "example.com/", "no"},
      {"www.example.com", "\"example.com\"", "no"},
      {"www.example.com", "example com", "no"},
      {"www.example.com", "\xC3\xA9.com", "no"},
      {"www.example.com", "[", "no"},
      {"www.example.com", "[]", "no"},
      // A name that ends in a dot is another host, and has nothing below it.
      {"www.example.com.", "", "www.example.com."},
      {"www.example.com.", "www.example.com.", "www.example.com."},
      {"www.example.com.", "example.com.", "no"},
      {"www.example.com.", "com.", "no"},
      {"www.example.com.", "example.com", "no"},
  };
  for (const domain_row& r : rows) check(r);
}

TEST_CASE("cookie domain: addresses, and what may be read as one, are one host") {
  constexpr domain_row rows[] = {
      {"127.0.0.1", "", "127.0.0.1"},
      {"127.0.0.1", "127.0.0.1", "127.0.0.1"},
      {"127.0.0.1", ".127.0.0.1", "127.0.0.1"},
      {"127.0.0.1", "0.0.1", "no"},
      {"127.0.0.1", ".0.0.1", "no"},
      {"127.0.0.1", "1", "no"},
      {"127.1", "1", "no"},
      {"0x7f.0x1", "0x1", "no"},
      {"10.0.0.1", "127.0.0.1", "no"},
      {"[::1]", "", "::1"},
      {"[::1]", "::1", "::1"},
      {"[::1]", "[::1]", "::1"},
      {"[2001:db8::1]", "::1", "no"},
      {"[::ffff:1.2.3.4]", "3.4", "no"},
  };
  for (const domain_row& r : rows) check(r);
}

TEST_CASE("cookie domain: names of one label are suffixes, localhost among them") {
  constexpr domain_row rows[] = {
      {"localhost", "", "localhost"},
      {"localhost", "localhost", "localhost"},
      {"localhost", ".localhost", "localhost"},
      {"app.localhost", "localhost", "no"},
      {"intranet", "intranet", "intranet"},
      {"wiki.intranet", "intranet", "no"},
      {"a.wiki.intranet", "wiki.intranet", ".wiki.intranet"},
      {"com", "com", "com"},
  };
  for (const domain_row& r : rows) check(r);
}

#if EDDY_HAVE_PSL
TEST_CASE("cookie domain: public suffixes of several labels") {
  constexpr domain_row rows[] = {
      {"www.example.co.uk", "co.uk", "no"},
      {"www.example.co.uk", ".CO.UK", "no"},
      {"www.example.co.uk", "uk", "no"},
      {"www.example.co.uk", "example.co.uk", ".example.co.uk"},
      {"co.uk", "co.uk", "co.uk"},
      {"co.uk", ".co.uk", "co.uk"},
      // Those of a company's customers, too.
      {"me.github.io", "github.io", "no"},
      {"me.github.io", "me.github.io", ".me.github.io"},
      {"github.io", "github.io", "github.io"},
      // *.ck, but www.ck
      {"a.b.ck", "b.ck", "no"},
      {"a.b.c.ck", "b.c.ck", ".b.c.ck"},
      {"a.www.ck", "www.ck", ".www.ck"},
      // Punycode: 公司.cn
      {"a.xn--55qx5d.cn", "xn--55qx5d.cn", "no"},
      {"b.a.xn--55qx5d.cn", "a.xn--55qx5d.cn", ".a.xn--55qx5d.cn"},
  };
  for (const domain_row& r : rows) check(r);
}

TEST_CASE("cookie domain: what somebody registered") {
  CHECK(http::registrable_domain("a.b.example.co.uk") == "example.co.uk");
  CHECK(http::registrable_domain("example.co.uk") == "example.co.uk");
  CHECK(http::registrable_domain("co.uk") == "co.uk");
  CHECK(http::registrable_domain("a.me.github.io") == "me.github.io");
}
#endif

TEST_CASE("cookie domain: a domain, its own host and the names below match") {
  CHECK(http::domain_matches("example.com", "example.com"));
  CHECK(http::domain_matches("a.b.example.com", "example.com"));
  CHECK_FALSE(http::domain_matches("badexample.com", "example.com"));
  CHECK_FALSE(http::domain_matches("example.com", "a.example.com"));
  CHECK_FALSE(http::domain_matches("example.com.evil.org", "example.com"));
  CHECK_FALSE(http::domain_matches("1.2.3.4", "3.4"));
  CHECK_FALSE(http::domain_matches("example.com", ""));
  CHECK_FALSE(http::domain_matches("", "example.com"));
}

TEST_CASE("cookie path: §5.1.4") {
  struct row {
    std::string_view asked;
    std::string_view of_cookie;
    bool matches;
  };
  constexpr row rows[] = {
      {"/", "/", true},          {"/a", "/", true},         {"/a", "/a", true},
      {"/a/", "/a", true},       {"/a/b", "/a", true},      {"/a/b", "/a/", true},
      {"/ab", "/a", false},      {"/a", "/a/", false},      {"/", "/a", false},
      {"/A", "/a", false},       {"/a/b/c", "/a/b", true},  {"/a/bc", "/a/b", false},
      {"/a%2Fb", "/a", false},   {"/a%2Fb", "/a%2Fb", true}, {"/x/a", "/a", false},
  };
  for (const row& r : rows) {
    CAPTURE(r.asked);
    CAPTURE(r.of_cookie);
    CHECK(http::path_matches(r.asked, r.of_cookie) == r.matches);
  }
  CHECK(http::default_path("/") == "/");
  CHECK(http::default_path("/a") == "/");
  CHECK(http::default_path("/a/") == "/a");
  CHECK(http::default_path("/a/b") == "/a");
  CHECK(http::default_path("/a/b/c?") == "/a/b");
  CHECK(http::default_path("") == "/");
  CHECK(http::default_path("x/y") == "/");
}

TEST_CASE("cookie: what is secure: TLS, and this machine by a name that nobody else can answer") {
  for (const std::string_view page :
       {"https://example.com/", "http://localhost/", "http://LOCALHOST:8080/", "http://127.0.0.1/",
        "http://127.255.0.9:81/", "http://[::1]/", "http://[0:0::1]/"}) {
    CAPTURE(page);
    CHECK(http::is_secure(url::parse_http(page)));
  }
  for (const std::string_view page :
       {"http://example.com/", "http://localhost.example.com/", "http://a.localhost/",
        "http://localhost./", "http://127.0.0.1.example.com/", "http://127.1/",
        "http://127.0.0.01/", "http://128.0.0.1/", "http://12.127.0.0.1/", "http://0.0.0.0/",
        "http://[::2]/", "http://[::ffff:127.0.0.1]/"}) {
    CAPTURE(page);
    CHECK_FALSE(http::is_secure(url::parse_http(page)));
  }
}

TEST_CASE("cookie domain: as somebody wrote it, and as a URL has it") {
  CHECK(http::canonical_domain("Example.COM") == "example.com");
  CHECK(http::canonical_domain("[::1]") == "::1");
  CHECK(http::canonical_domain("0:0::1") == "::1");
  CHECK(http::canonical_domain("127.0.0.1") == "127.0.0.1");
#if EDDY_HAVE_IDN2
  CHECK(http::canonical_domain("bücher.example") == "xn--bcher-kva.example");
#endif
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "."sv, ".example.com"sv, "a b"sv, "a/b"sv, "a@b"sv, "a:80"sv, "a\\b"sv, "a?b"sv,
        "a#b"sv, "a%2eb"sv, "a\nb"sv, "a\0b"sv, "[a]"sv, "a..b"sv, "[::1"sv, "[]"sv}) {
    CAPTURE(text);
    CHECK_FALSE(http::canonical_domain(text));
  }
}
