#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <eddy/net/http/proxy.hpp>

#include "../../net/http/environment.hpp"
#include "../../net/http/proxy_settings.hpp"

using eddy::url;
using eddy::http::auth;
using eddy::http::invalid_proxy;
using eddy::http::no_proxy_list;
using eddy::http::proxy;
using eddy::http::proxy_settings;

namespace {

std::string parsed(std::string_view text) {
  try {
    const proxy p = proxy::parse(text);
    std::string out = p.str();
    if (p.credentials().is_set()) {
      out += " " + p.credentials().user() + "|" + p.credentials().password();
    }
    return out;
  } catch (const invalid_proxy& problem) {
    return problem.what();
  }
}

std::string chosen(std::vector<const char*> environment, std::string_view to) {
  environment.push_back(nullptr);
  const auto settings = proxy_settings::from_environment(environment.data());
  try {
    return settings.choose(url::parse_http(to)).str();
  } catch (const invalid_proxy& problem) {
    return problem.what();
  }
}

bool is_listed(std::string_view list, std::string_view to) {
  return no_proxy_list(list).contains(url::parse_http(to));
}

}  // namespace

TEST_CASE("proxy: schemes and default ports are curl's") {
  CHECK(parsed("http://proxy.example:3128") == "http://proxy.example:3128");
  CHECK(parsed("proxy.example:3128") == "http://proxy.example:3128");
  CHECK(parsed("proxy") == "http://proxy:1080");
  CHECK(parsed("http://proxy") == "http://proxy:1080");
  CHECK(parsed("http://proxy:80") == "http://proxy:80");
  CHECK(parsed("https://proxy") == "https://proxy:443");
  CHECK(parsed("https://proxy:443/") == "https://proxy:443");
  CHECK(parsed("SOCKS5://Proxy.Example") == "socks5://proxy.example:1080");
  CHECK(parsed("socks5h://127.0.0.1:9050/") == "socks5h://127.0.0.1:9050");
  CHECK(parsed(" http://proxy:1\n") == "http://proxy:1");
  CHECK(parsed("[::1]:8080") == "http://[::1]:8080");
  CHECK(parsed("socks5://[2001:DB8::0:1]") == "socks5://[2001:db8::1]:1080");
  const proxy six = proxy::parse("https://[::1]");
  CHECK(six.host() == "::1");
  CHECK(six.port() == 443);
  CHECK(six.which() == proxy::kind::https);
}

TEST_CASE("proxy: credentials") {
  CHECK(parsed("http://user:pw@proxy:1") == "http://proxy:1 user|pw");
  CHECK(parsed("user:pw@proxy:1") == "http://proxy:1 user|pw");
  CHECK(parsed("http://user@proxy:1") == "http://proxy:1 user|");
  CHECK(parsed("http://a%40b:c%3A%2F@proxy:1") == "http://proxy:1 a@b|c:/");
  CHECK(parsed("http://@proxy:1") == "http://proxy:1");
  CHECK(proxy::parse("http://u:p@proxy").credentials() == auth::basic("u", "p"));
  CHECK(parsed("socks5://a%3Ab:c@proxy:1") == "socks5://proxy:1 a:b|c");
  CHECK(parsed("socks5://" + std::string(255, 'u') + ":" + std::string(255, 'p') + "@proxy:1") ==
        "socks5://proxy:1 " + std::string(255, 'u') + "|" + std::string(255, 'p'));
}

TEST_CASE("proxy: what is wrong is named, and no secret is") {
  CHECK(parsed("") == "a proxy cannot be empty; proxy::direct() is none");
  CHECK(parsed(" ") == "a proxy cannot be empty; proxy::direct() is none");
  CHECK(parsed("ftp://secret@proxy") ==
        "proxy \"ftp://***@proxy\": its scheme is not http, https, socks5 or socks5h");
  CHECK(parsed("socks4://proxy") ==
        "proxy \"socks4://proxy\": its scheme is not http, https, socks5 or socks5h");
  CHECK(parsed("http://secret:secret@proxy:0") ==
        "proxy \"http://***@proxy:0\": port \"0\" is not in 1..65535 at offset 17");
  CHECK(parsed("proxy:65536") ==
        "proxy \"proxy:65536\": port \"65536\" is not in 1..65535 at offset 6");
  CHECK(parsed("http://secret@proxy/path") ==
        "proxy \"http://***@proxy/path\": something follows host and port");
  CHECK(parsed("http://proxy?q") == "proxy \"http://proxy?q\": something follows host and port");
  CHECK(parsed("http://u:sec/ret@proxy") ==
        "proxy \"http://***@proxy\": the user info has one of @/?# (write %40, %2F, %3F, %23)");
  CHECK(parsed("http://u:sec@ret@proxy") ==
        "proxy \"http://***@proxy\": the user info has one of @/?# (write %40, %2F, %3F, %23)");
  CHECK(parsed("http://secret%0D%0A:p@proxy") ==
        "proxy \"http://proxy:1080\": its user name holds a control byte");
  CHECK(parsed("http://sec%3Aret:p@proxy") == "proxy \"http://proxy:1080\": its user name has a "
                                               "':', at which proxies end it (RFC 7617 §2)");
  CHECK(parsed("socks5://:secret@proxy") ==
        "proxy \"socks5://proxy:1080\": its user name is empty");
  CHECK(parsed("socks5h://u:" + std::string(256, 'x') + "@proxy") ==
        "proxy \"socks5h://proxy:1080\": its password has 256 bytes, over the limit of 255");
  for (const char* bad : {"http://", "http://:80", "http://a b", "http://a\nb", "http://[::1",
                          "http://a\\b", "http://a:b:c", "://proxy", "http://u@"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS((void)proxy::parse(bad), invalid_proxy);
  }
  CHECK_THROWS_AS((void)proxy::parse(std::string(70'000, 'a')), invalid_proxy);
}

TEST_CASE("proxy: credentials given apart") {
  const proxy p = proxy::parse("http://u:p@proxy:1").auth(auth::basic("v", "q"));
  CHECK(p.credentials() == auth::basic("v", "q"));
  CHECK(proxy::parse("http://u:p@proxy:1").auth(auth()).credentials() == auth());
#if EDDY_HAVE_OPENSSL
  CHECK(proxy::parse("https://proxy:1").auth(auth::digest("v", "q")).credentials().which() ==
        auth::kind::digest);
  CHECK_THROWS_AS((void)proxy::parse("socks5://proxy:1").auth(auth::digest("v", "q")),
                  invalid_proxy);
#endif
  proxy kept = proxy::parse("http://u:p@proxy:1");
  CHECK_THROWS_WITH_AS(kept.auth(auth::bearer("t")),
                       "proxy \"http://proxy:1\": a proxy takes auth::basic and auth::digest only",
                       invalid_proxy);
  CHECK(kept.credentials() == auth::basic("u", "p"));
  CHECK_THROWS_AS((void)proxy::direct().auth(auth::basic("u", "p")), invalid_proxy);
}

TEST_CASE("proxy: unset and direct") {
  CHECK_FALSE(proxy().is_set());
  CHECK_FALSE(proxy().is_used());
  CHECK(proxy::direct().is_set());
  CHECK_FALSE(proxy::direct().is_used());
  CHECK(proxy::parse("p").is_used());
  CHECK_FALSE(proxy::parse("p").is_socks());
  CHECK(proxy::parse("socks5h://p").is_socks());
  CHECK(proxy::direct().str() == "direct");
}

TEST_CASE("proxy settings: from the environment") {
  CHECK(chosen({}, "http://a/") == "direct");
  CHECK(chosen({"http_proxy=p:1", "https_proxy=q:2"}, "http://a/") == "http://p:1");
  CHECK(chosen({"http_proxy=p:1", "https_proxy=q:2"}, "https://a/") == "http://q:2");
  CHECK(chosen({"HTTPS_PROXY=q:2"}, "https://a/") == "http://q:2");
  CHECK(chosen({"HTTPS_PROXY=q:2"}, "http://a/") == "direct");
  CHECK(chosen({"HTTPS_PROXY=no:2", "https_proxy=yes:2"}, "https://a/") == "http://yes:2");
  CHECK(chosen({"all_proxy=socks5://s"}, "http://a/") == "socks5://s:1080");
  CHECK(chosen({"ALL_PROXY=s:1"}, "https://a/") == "http://s:1");
  CHECK(chosen({"ALL_PROXY=s:1", "http_proxy=p:1"}, "http://a/") == "http://p:1");
  // A CGI program gets HTTP_PROXY from whoever sends a field called Proxy (CVE-2016-5385).
  CHECK(chosen({"HTTP_PROXY=evil:1"}, "http://a/") == "direct");
  CHECK(chosen({"HTTP_PROXY=evil:1", "ALL_PROXY=s:1"}, "http://a/") == "http://s:1");
  // Empty: none, also where another variable says more.
  CHECK(chosen({"http_proxy=", "all_proxy=s:1"}, "http://a/") == "direct");
  CHECK(chosen({"https_proxy= ", "HTTPS_PROXY=s:1"}, "https://a/") == "direct");
  CHECK(chosen({"http_proxy", "xhttp_proxy=p:1", "http_proxy2=p:1"}, "http://a/") == "direct");
  CHECK(proxy_settings::from_environment(nullptr).choose(url::parse_http("http://a/")) == proxy());
}

TEST_CASE("proxy settings: a bad value is an error where it is chosen") {
  CHECK(chosen({"http_proxy=ftp://x", "https_proxy=q:2"}, "https://a/") == "http://q:2");
  CHECK(chosen({"http_proxy=ftp://x"}, "http://a/") ==
        "http_proxy in the environment: proxy \"ftp://x\": its scheme is not http, https, socks5 "
        "or socks5h");
  CHECK(chosen({"ALL_PROXY=u:secret@p:0"}, "http://a/") ==
        "ALL_PROXY in the environment: proxy \"***@p:0\": port \"0\" is not in 1..65535 at offset "
        "6");
  CHECK(chosen({"http_proxy=ftp://x", "no_proxy=a"}, "http://a/") == "direct");
}

TEST_CASE("proxy settings: one for all") {
  const auto to = [](std::string_view text) { return url::parse_http(text); };
  const proxy_settings fixed(proxy::parse("p:1"), no_proxy_list("b"));
  CHECK(fixed.choose(to("http://a/")).str() == "http://p:1");
  CHECK(fixed.choose(to("https://a/")).str() == "http://p:1");
  CHECK(fixed.choose(to("https://b/")) == proxy());
  CHECK(proxy_settings().choose(to("http://a/")) == proxy());
  CHECK(proxy_settings(proxy::direct()).choose(to("http://a/")).str() == "direct");
}

TEST_CASE("no_proxy: names match at a label's boundary") {
  CHECK(is_listed("example.com", "http://example.com/"));
  CHECK(is_listed("example.com", "http://www.example.com/"));
  CHECK_FALSE(is_listed("example.com", "http://badexample.com/"));
  CHECK_FALSE(is_listed("example.com", "http://example.com.org/"));
  CHECK_FALSE(is_listed("www.example.com", "http://example.com/"));
  CHECK(is_listed(".example.com", "http://example.com/"));
  CHECK(is_listed("*.example.com", "http://a.b.example.com/"));
  CHECK_FALSE(is_listed(".example.com", "http://badexample.com/"));
  CHECK(is_listed("EXAMPLE.com.", "http://Example.COM/"));
  CHECK(is_listed("example.com", "http://example.com./"));
  CHECK(is_listed("com", "http://example.com/"));
  CHECK(is_listed("localhost", "http://localhost:8080/"));
}

TEST_CASE("no_proxy: lists") {
  CHECK(is_listed("a,b,c", "http://b/"));
  CHECK(is_listed(" a , b\tc ,,", "http://c/"));
  CHECK(is_listed("a b", "http://a/"));
  CHECK_FALSE(is_listed("", "http://a/"));
  CHECK_FALSE(is_listed(" , ", "http://a/"));
  CHECK(is_listed("*", "http://a/"));
  CHECK(is_listed("x, *", "https://[::1]/"));
  CHECK_FALSE(is_listed("a*", "http://a/"));
  CHECK_FALSE(is_listed("*.", "http://a/"));
  CHECK_FALSE(is_listed(".", "http://a./"));
  CHECK_FALSE(is_listed("u@a", "http://a/"));
  CHECK_FALSE(is_listed("http://a", "http://a/"));
}

TEST_CASE("no_proxy: ports") {
  CHECK(is_listed("a:8080", "http://a:8080/"));
  CHECK_FALSE(is_listed("a:8080", "http://a/"));
  CHECK(is_listed("a:80", "http://a/"));
  CHECK(is_listed("a:443", "https://x.a/"));
  CHECK(is_listed("127.0.0.1:80", "http://127.0.0.1/"));
  CHECK_FALSE(is_listed("127.0.0.1:81", "http://127.0.0.1/"));
  CHECK(is_listed("[::1]:81", "http://[::1]:81/"));
  CHECK_FALSE(is_listed("[::1]:81", "http://[::1]/"));
  CHECK_FALSE(is_listed("a:", "http://a/"));
  CHECK_FALSE(is_listed("a:b", "http://a/"));
  CHECK_FALSE(is_listed("a:0", "http://a/"));
  CHECK_FALSE(is_listed("a:65616", "http://a/"));
}

TEST_CASE("no_proxy: addresses") {
  CHECK(is_listed("192.0.2.7", "http://192.0.2.7/"));
  CHECK_FALSE(is_listed("192.0.2.7", "http://192.0.2.70/"));
  CHECK_FALSE(is_listed("2.7", "http://192.0.2.7/"));
  CHECK(is_listed("2001:DB8:0::1", "http://[2001:db8::1]/"));
  CHECK(is_listed("[2001:db8::1]", "http://[2001:db8::1]/"));
  CHECK_FALSE(is_listed("::1", "http://[::2]/"));
  CHECK_FALSE(is_listed("[::1", "http://[::1]/"));
  CHECK_FALSE(is_listed("[::1]x", "http://[::1]/"));
  CHECK_FALSE(is_listed("127.0.0.1", "http://localhost/"));
}

TEST_CASE("no_proxy: networks") {
  CHECK(is_listed("10.0.0.0/8", "http://10.255.1.2/"));
  CHECK_FALSE(is_listed("10.0.0.0/8", "http://11.0.0.1/"));
  CHECK(is_listed("192.168.4.0/22", "http://192.168.7.255/"));
  CHECK_FALSE(is_listed("192.168.4.0/22", "http://192.168.8.0/"));
  CHECK(is_listed("192.0.2.7/32", "http://192.0.2.7/"));
  CHECK_FALSE(is_listed("192.0.2.7/32", "http://192.0.2.6/"));
  CHECK(is_listed("0.0.0.0/0", "http://8.8.8.8/"));
  CHECK_FALSE(is_listed("0.0.0.0/0", "http://[::1]/"));
  CHECK(is_listed("fc00::/7", "http://[fd12::1]/"));
  CHECK_FALSE(is_listed("fc00::/7", "http://[fe80::1]/"));
  CHECK(is_listed("10.0.0.0/8:8080", "http://10.1.1.1:8080/"));
  for (const char* bad : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/x"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_listed(bad, "http://10.0.0.0/"));
  }
}

TEST_CASE("environment: variables, and where netrc files are") {
  const char* block[] = {"HOME=/h/me", "homer=x", "EMPTY=", "EQUALS==a=b", "HOME=/other", nullptr};
  CHECK(eddy::http::variable_in(block, "HOME") == "/h/me");
  CHECK(eddy::http::variable_in(block, "HOM") == std::nullopt);
  CHECK(eddy::http::variable_in(block, "home") == std::nullopt);
  CHECK(eddy::http::variable_in(block, "EMPTY") == "");
  CHECK(eddy::http::variable_in(block, "EQUALS") == "=a=b");
  CHECK(eddy::http::variable_in(nullptr, "HOME") == std::nullopt);
  CHECK(eddy::http::usual_netrc_path(block) == "/h/me/.netrc");
  const char* named[] = {"HOME=/h", "NETRC=logins", nullptr};
  CHECK(eddy::http::usual_netrc_path(named) == "logins");
  const char* nowhere[] = {"HOME=", "NETRC=", nullptr};
  CHECK(eddy::http::usual_netrc_path(nowhere) == "");
  CHECK(eddy::http::usual_netrc_path(nullptr) == "");
}
