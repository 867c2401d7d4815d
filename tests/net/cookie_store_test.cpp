// What a jar keeps, sends and drops: RFC 6265 §5.3, §5.4 and §6.1, RFC 6265bis §5.7.
#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "../../net/http/cookie_store.hpp"
#include "../runtime/drive.hpp"

namespace http = eddy::http;
using eddy::url;
using http::cookie;

namespace {

constexpr std::int64_t now = 1'700'000'000;

// A store at one moment, with texts for URLs.
class store_at_now {
 public:
  bool take(std::string_view from, std::string_view field, std::int64_t when = now) {
    return store.take(url::parse_http(from), field, when);
  }
  std::string field(std::string_view to, std::int64_t when = now) {
    return store.field_for(url::parse_http(to), when);
  }
  std::size_t size(std::int64_t when = now) const { return store.size(when); }

  http::cookie_store store;
};

std::string refusal(const cookie& c) {
  http::cookie_store store;
  return message_of<http::invalid_request>([&] { store.set(c, now); });
}

std::string numbered(std::string_view before, std::size_t n) {
  return std::string(before) + std::to_string(n);
}

}  // namespace

TEST_CASE("cookie store: the examples of RFC 6265 §3.1") {
  store_at_now jar;
  const std::string_view home = "https://www.example.com/";
  CHECK(jar.take(home, "SID=31d4d96e407aad42"));
  CHECK(jar.field("https://www.example.com/any/path") == "SID=31d4d96e407aad42");
  CHECK(jar.field("https://example.com/") == "");
  CHECK(jar.field("https://a.www.example.com/") == "");

  CHECK(jar.take(home, "SID=31d4d96e407aad42; Path=/; Domain=example.com"));
  CHECK(jar.field("https://example.com/") == "SID=31d4d96e407aad42");
  CHECK(jar.field("https://mail.example.com:8443/x") == "SID=31d4d96e407aad42");
  CHECK(jar.field("https://badexample.com/") == "");

  store_at_now other;
  CHECK(other.take(home, "SID=31d4d96e407aad42; Path=/; Secure; HttpOnly"));
  CHECK(other.take(home, "lang=en-US; Path=/; Domain=example.com"));
  CHECK(other.field(home) == "SID=31d4d96e407aad42; lang=en-US");
  CHECK(other.field("http://www.example.com/") == "lang=en-US");
  CHECK(other.take(home, "lang=en-US; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Domain=example.com"));
  CHECK(other.field(home) == "SID=31d4d96e407aad42; lang=en-US");
  CHECK(other.take(home, "lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Domain=example.com"));
  CHECK(other.field(home) == "SID=31d4d96e407aad42");
}

TEST_CASE("cookie store: an answer brings several; other fields are not cookies") {
  http::headers answer;
  answer.add("Set-Cookie", "a=1").add("set-COOKIE", "b=2; Path=/x").add("Cookie", "c=3");
  answer.add("Set-Cookie2", "d=4").add("Set-Cookie", "").add("Set-Cookie", "e=5, f=6");
  http::cookie_store store;
  store.store(url::parse_http("http://example.com/"), answer, now);
  CHECK(store.field_for(url::parse_http("http://example.com/x/y"), now) == "b=2; a=1; e=5, f=6");
}

TEST_CASE("cookie store: longer paths first, then older ones, and one replaced keeps its age") {
  store_at_now jar;
  const std::string_view page = "http://example.com/a/b/c";
  for (const char* field : {"1=r; Path=/", "2=a; Path=/a", "3=b; Path=/a/b", "4=r; Path=/",
                            "5=a; Path=/a", "6=page"}) {
    CHECK(jar.take(page, field));
  }
  CHECK(jar.field(page) == "3=b; 6=page; 2=a; 5=a; 1=r; 4=r");
  CHECK(jar.field("http://example.com/a/bc") == "2=a; 5=a; 1=r; 4=r");
  CHECK(jar.field("http://example.com/") == "1=r; 4=r");
  CHECK(jar.take(page, "1=new; Path=/"));
  CHECK(jar.take(page, "7=r; Path=/"));
  CHECK(jar.field("http://example.com/") == "1=new; 4=r; 7=r");
  CHECK(jar.store.all(now).front().name == "1");
  CHECK(jar.store.all(now).back().name == "7");
  CHECK(jar.size() == 7);
}

TEST_CASE("cookie store: one is known by name, domain, path, and whether it is for one host") {
  store_at_now jar;
  const std::string_view page = "http://example.com/";
  CHECK(jar.take(page, "a=1"));
  CHECK(jar.take(page, "a=2; Domain=example.com"));
  CHECK(jar.take(page, "a=3; Path=/x"));
  CHECK(jar.take(page, "A=4"));
  CHECK(jar.field("http://example.com/x") == "a=3; a=1; a=2; A=4");
  CHECK(jar.store.remove("a", "EXAMPLE.com", "/") == 2);
  CHECK(jar.store.remove("a", "example.com", "/") == 0);
  CHECK(jar.store.remove("A", "example.org", "/") == 0);
  CHECK(jar.store.remove("A", "not a host", "/") == 0);
  CHECK(jar.field("http://example.com/x") == "a=3; A=4");
}

TEST_CASE("cookie store: an expired cookie is not sent, not shown and not counted") {
  store_at_now jar;
  const std::string_view page = "http://example.com/";
  CHECK(jar.take(page, "a=1; Max-Age=10"));
  CHECK(jar.take(page, "b=2"));
  CHECK(jar.field(page, now + 9) == "a=1; b=2");
  CHECK(jar.field(page, now + 10) == "b=2");
  CHECK(jar.size(now + 9) == 2);
  CHECK(jar.size(now + 10) == 1);
  CHECK(jar.store.all(now + 10).size() == 1);
  CHECK(jar.store.cookies_for(url::parse_http(page), now + 10).size() == 1);
  // It can be set again.
  CHECK(jar.take(page, "a=3", now + 20));
  CHECK(jar.field(page, now + 20) == "a=3; b=2");
  CHECK(jar.take(page, "a=; Max-Age=0", now + 20));
  CHECK(jar.take(page, "never=there; Max-Age=0", now + 20));
  CHECK(jar.field(page, now + 20) == "b=2");
}

TEST_CASE("cookie store: Secure goes by TLS only, and comes so") {
  store_at_now jar;
  CHECK_FALSE(jar.take("http://example.com/", "a=1; Secure"));
  CHECK(jar.take("https://example.com/", "a=1; Secure"));
  CHECK(jar.field("http://example.com/") == "");
  CHECK(jar.field("https://example.com/") == "a=1");
  CHECK(jar.take("http://localhost:8080/", "b=2; Secure"));
  CHECK(jar.field("http://localhost/") == "b=2");
  CHECK(jar.take("http://[::1]/", "c=3; Secure"));
  CHECK(jar.field("http://[::1]/") == "c=3");
}

TEST_CASE("cookie store: without TLS nobody replaces, hides or removes a Secure one") {
  store_at_now jar;
  CHECK(jar.take("https://www.example.com/", "a=1; Secure; Domain=example.com; Path=/login"));
  CHECK(jar.take("https://www.example.com/", "h=1; Secure; Path=/"));
  for (const char* field : {"a=2; Domain=example.com; Path=/login", "a=2; Path=/login",
                            "a=2; Path=/login/x", "a=; Max-Age=0; Domain=example.com; Path=/login",
                            "h=2; Domain=example.com", "h=2; Path=/deeper", "h=; Max-Age=-1"}) {
    CAPTURE(field);
    CHECK_FALSE(jar.take("http://www.example.com/", field));
  }
  CHECK_FALSE(jar.take("http://example.com/", "a=2; Path=/login"));
  CHECK_FALSE(jar.take("http://sub.www.example.com/", "a=2; Path=/login"));
  // It hides nothing: a shorter path comes after, another host is another host.
  CHECK(jar.take("http://www.example.com/", "a=3; Path=/"));
  CHECK(jar.take("http://mail.example.com/", "h=4"));
  CHECK(jar.take("http://www.example.com/", "A=5; Path=/login"));
  CHECK(jar.field("https://www.example.com/login") == "a=1; A=5; h=1; a=3");
  // With TLS all of it can be done; and once it has expired there is nothing to guard.
  CHECK(jar.take("https://www.example.com/", "h=6; Path=/"));
  CHECK(jar.take("https://www.example.com/", "h=7; Max-Age=5; Secure; Path=/"));
  CHECK_FALSE(jar.take("http://www.example.com/", "h=8", now + 4));
  CHECK(jar.take("http://www.example.com/", "h=8", now + 5));
}

TEST_CASE("cookie store: __Secure- and __Host- are what they say") {
  store_at_now jar;
  const std::string_view page = "https://www.example.com/";
  CHECK_FALSE(jar.take(page, "__Secure-a=1"));
  CHECK_FALSE(jar.take(page, "__sECURE-a=1"));
  CHECK_FALSE(jar.take("http://www.example.com/", "__Secure-a=1; Secure"));
  CHECK(jar.take(page, "__Secure-a=1; Secure; Domain=example.com"));
  CHECK_FALSE(jar.take(page, "__Host-a=1; Path=/"));
  CHECK_FALSE(jar.take(page, "__Host-a=1; Secure"));
  CHECK_FALSE(jar.take(page, "__Host-a=1; Secure; Path=/x"));
  CHECK_FALSE(jar.take(page, "__Host-a=1; Secure; Path=/; Domain=www.example.com"));
  CHECK_FALSE(jar.take(page, "__HOST-a=1; Secure; Path=/; Domain=example.com"));
  CHECK(jar.take(page, "__Host-a=1; Secure; Path=/"));
  CHECK(jar.take(page, "__Host-b=1; Secure; Path=/; Domain="));
  CHECK(jar.take(page, "__Hosta=1"));
  CHECK(jar.field(page) == "__Secure-a=1; __Host-a=1; __Host-b=1; __Hosta=1");
}

TEST_CASE("cookie store: a site's cookies are limited; the expired, then the not Secure go first") {
  store_at_now jar;
  const std::string_view page = "https://www.example.com/";
  CHECK(jar.take(page, "secure=1; Secure"));
  CHECK(jar.take(page, "short=1; Max-Age=1"));
  CHECK(jar.take(page, "old=1"));
  for (std::size_t i = 3; i < http::max_cookies_per_site; ++i) {
    // From everywhere in the site.
    CHECK(jar.take(numbered("https://h", i) + ".example.com/", "n=1"));
  }
  CHECK(jar.size() == http::max_cookies_per_site);
  CHECK(jar.take(page, "more=1", now + 1));
  CHECK(jar.size(now + 1) == http::max_cookies_per_site);
  // Being sent makes one young: that of h3 stays.
  CHECK(jar.field("https://h3.example.com/") == "n=1");
  CHECK(jar.take("https://h3.example.com/", "more=1", now + 1));  // in place of old=1
  CHECK(jar.field(page) == "secure=1; more=1");
  CHECK(jar.take(page, "even_more=1"));  // in place of that of h4
  CHECK(jar.field("https://h4.example.com/") == "");
  CHECK(jar.field("https://h5.example.com/") == "n=1");
  CHECK(jar.field("https://h3.example.com/") == "n=1; more=1");
  CHECK(jar.size() == http::max_cookies_per_site);
  // Another site is not concerned.
  CHECK(jar.take("https://example.org/", "x=1"));
  CHECK(jar.size() == http::max_cookies_per_site + 1);
  // When all are Secure, one that is not finds no place.
  store_at_now full;
  for (std::size_t i = 0; i < http::max_cookies_per_site; ++i) {
    CHECK(full.take(page, numbered("n", i) + "=1; Secure"));
  }
  full.take("http://www.example.com/", "x=1");
  CHECK(full.field("http://www.example.com/") == "");
  CHECK(full.take(page, "x=1; Secure"));
  CHECK(full.size() == http::max_cookies_per_site);
  CHECK_FALSE(contains(full.field(page), "n0=1"));
}

TEST_CASE("cookie store: all cookies are limited; the expired, then the longest unused go") {
  store_at_now jar;
  CHECK(jar.take("http://first.example/", "a=1"));
  CHECK(jar.take("http://second.example/", "a=1"));
  CHECK(jar.take("http://short.example/", "a=1; Max-Age=1"));
  for (std::size_t i = 3; i < http::max_cookies; ++i) {
    jar.take(numbered("http://h", i) + ".example/", "n=1");
  }
  CHECK(jar.size() == http::max_cookies);
  CHECK(jar.take("http://more.example/", "a=1", now + 1));
  CHECK(jar.size(now + 1) == http::max_cookies);
  CHECK(jar.field("http://first.example/") == "a=1");
  CHECK(jar.take("http://more2.example/", "a=1", now + 1));
  CHECK(jar.field("http://second.example/") == "");
  CHECK(jar.field("http://first.example/") == "a=1");
  CHECK(jar.size(now + 1) == http::max_cookies);
}

TEST_CASE("cookie store: the field is limited; what does not fit is not sent") {
  store_at_now jar;
  const std::string_view page = "http://example.com/";
  const std::string large(4000, 'v');
  CHECK(jar.take(page, "a=" + large));
  CHECK(jar.take(page, "b=" + large));
  CHECK(jar.take(page, "c=" + large));
  CHECK(jar.take(page, "d=1"));
  CHECK(jar.field(page) == "a=" + large + "; b=" + large + "; d=1");
  // To the byte: 8,190 with "Cookie: ".
  const std::size_t left = http::max_cookie_field_bytes - 8 - jar.field(page).size();
  CHECK(jar.take(page, "e=" + std::string(left - 3, 'v')));  // "; e=" is one more
  CHECK_FALSE(contains(jar.field(page), "e="));
  CHECK(jar.take(page, "e=" + std::string(left - 4, 'v')));
  CHECK(jar.field(page).size() == http::max_cookie_field_bytes - 8);
}

TEST_CASE("cookie store: thousands of cookies in one answer are no more than the limits") {
  http::headers answer;
  for (std::size_t i = 0; i < 5000; ++i) {
    answer.add("Set-Cookie", numbered("n", i) + "=" + std::string(200, 'x') +
                                 "; Domain=example.com; Path=/" + std::to_string(i % 7));
  }
  http::cookie_store store;
  store.store(url::parse_http("http://www.example.com/"), answer, now);
  CHECK(store.size(now) == http::max_cookies_per_site);
  CHECK(store.field_for(url::parse_http("http://example.com/1"), now).size() <
        http::max_cookie_field_bytes);
}

TEST_CASE("cookie store: what the program sets is checked, and says what is wrong") {
  const auto with = [](auto change) {
    cookie c("a", "b", "example.com");
    change(c);
    return refusal(c);
  };
  CHECK(with([](cookie&) {}) == "no exception");
  CHECK(with([](cookie& c) { c.name = ""; }) ==
        R"(cookie "" for "example.com": it has no name)");
  CHECK(with([](cookie& c) { c.name = "a=b"; }) ==
        R"(cookie "a=b" for "example.com": its name has an equals sign)");
  CHECK(contains(with([](cookie& c) { c.name = "a;b"; }), "its name has a semicolon"));
  CHECK(contains(with([](cookie& c) { c.value = "x\r\ny"; }), "its value has a control byte"));
  CHECK(contains(with([](cookie& c) { c.value = "x\ty"; }), "its value has a control byte"));
  CHECK(contains(with([](cookie& c) { c.value = " x"; }), "its value begins or ends with white"));
  CHECK(contains(with([](cookie& c) { c.value = std::string(4096, 'x'); }),
                 "its name and value have 4097 bytes, the limit is 4096"));
  CHECK(contains(with([](cookie& c) { c.path = ""; }), "its path does not begin with a slash"));
  CHECK(contains(with([](cookie& c) { c.path = "/a;b"; }), "its path has a semicolon"));
  CHECK(contains(with([](cookie& c) { c.path = std::string(1025, '/'); }),
                 "its path has 1025 bytes, the limit is 1024"));
  CHECK(contains(with([](cookie& c) { c.domain = ".example.com"; }),
                 R"(its domain ".example.com" is no host name and no address)"));
  CHECK(contains(with([](cookie& c) { c.domain = ""; }), "is no host name"));
  CHECK(contains(with([](cookie& c) { c.name = "__Host-a"; }), "__Host- asks for Secure"));
  CHECK(contains(with([](cookie& c) { c.name = "__secure-a"; }), "__Secure- asks for Secure"));
  const auto below = [&](std::string_view domain) {
    return with([&](cookie& c) {
      c.domain = domain;
      c.host_only = false;
    });
  };
  CHECK(below("example.com") == "no exception");
  CHECK(contains(below("com"), R"(its domain "com" is a public suffix)"));
  CHECK(contains(below("localhost"), "is a public suffix"));
  CHECK(contains(below("127.0.0.1"), "is an address"));
  CHECK(contains(below("::1"), "is an address"));
  CHECK(contains(below("example.com."), "ends in a dot"));
}

TEST_CASE("cookie store: what the program sets is sent, replaced and removed like any") {
  http::cookie_store store;
  cookie c("a", "1", "Example.COM");
  c.host_only = false;
  store.set(c, now);
  CHECK(store.all(now).at(0).domain == "example.com");
  CHECK(store.field_for(url::parse_http("http://www.example.com/x"), now) == "a=1");
  c.value = "";
  c.expires = now + 1;
  store.set(c, now);
  CHECK(store.field_for(url::parse_http("http://www.example.com/x"), now) == "a=");
  store.set(cookie("s", "1", "example.org"), now);
  store.clear_session();
  CHECK(store.size(now) == 1);
  c.expires = now;
  store.set(c, now);
  CHECK(store.size(now) == 0);
  CHECK(store.empty());
  store.set(cookie("s", "1", "[::1]"), now);
  CHECK(store.field_for(url::parse_http("http://[::1]/"), now) == "s=1");
  store.clear();
  CHECK(store.field_for(url::parse_http("http://[::1]/"), now) == "");
  CHECK(store.empty());
}

TEST_CASE("cookie store: only http and https have cookies") {
  http::cookie_store store;
  CHECK_FALSE(store.take(url::parse("ftp://example.com/"), "a=1", now));
  CHECK_FALSE(store.take(url(), "a=1", now));
  CHECK(store.take(url::parse("http://example.com/"), "a=1", now));
  CHECK(store.field_for(url::parse("ftp://example.com/"), now) == "");
  CHECK(store.cookies_for(url(), now).empty());
}
