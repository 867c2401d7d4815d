#include <doctest/doctest.h>

#include <functional>
#include <string>

#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/error.hpp>

#include "../../net/http/auth_scheme.hpp"
#include "../../net/http/base64.hpp"

using eddy::url;
using eddy::http::auth;
using eddy::http::auth_context;
using eddy::http::auth_for_hop;
using eddy::http::auth_of_user_info;
using eddy::http::auth_role;
using eddy::http::digest_state;
using eddy::http::first_credentials;

namespace {

std::string base64(std::string_view bytes) {
  std::string out;
  eddy::http::append_base64(out, bytes);
  return out;
}

std::optional<std::string> sent(const auth& who) {
  digest_state known;
  auth_context request;
  request.space = "https://example.com";
  request.method = "GET";
  request.target = "/";
  request.cnonce = "0123456789abcdef";
  return first_credentials(who, request, known);
}

std::string refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const eddy::http::invalid_request& problem) {
    return problem.what();
  }
  return {};
}

auth hop(const auth& requests, const auth& sessions, std::string_view first, std::string_view now) {
  return auth_for_hop(requests, sessions, url::parse_http(first), url::parse_http(now));
}

}  // namespace

TEST_CASE("base64 as RFC 4648 section 10 has it") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFF\xEF\xBE\xFB") == "/+++" + std::string("+w=="));
}

TEST_CASE("auth: Basic credentials as RFC 7617 has them") {
  CHECK(sent(auth::basic("Aladdin", "open sesame")) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(sent(auth::basic("test", "123\xC2\xA3")) == "Basic dGVzdDoxMjPCow==");
  CHECK(sent(auth::basic("", "")) == "Basic Og==");
  CHECK(sent(auth::basic("a", "b:c")) == "Basic YTpiOmM=");
}

TEST_CASE("auth: Bearer tokens are token68") {
  CHECK(sent(auth::bearer("mF_9.B5f-4.1JqM")) == "Bearer mF_9.B5f-4.1JqM");
  CHECK(sent(auth::bearer("a+/~==")) == "Bearer a+/~==");
  for (const char* bad : {"", "=", "a b", "a=b", "a\r\nX: y", "a,b", "\"a\"", "\xC3\xA4"}) {
    CAPTURE(bad);
    const std::string said = refusal([&] { (void)auth::bearer(bad); });
    CHECK_FALSE(said.empty());
    CHECK(said.find("X: y") == std::string::npos);
  }
}

TEST_CASE("auth: nothing else is sent without a challenge") {
  CHECK(sent(auth()) == std::nullopt);
  CHECK(sent(auth::none()) == std::nullopt);
  CHECK(sent(auth::netrc()) == std::nullopt);
  CHECK_FALSE(auth().is_set());
  CHECK(auth::none().is_set());
  CHECK(auth::netrc("a/b").path() == "a/b");
  CHECK(auth::netrc().path().empty());
  CHECK_FALSE(refusal([] { (void)auth::netrc(""); }).empty());
}

TEST_CASE("auth: what Basic cannot carry is refused without showing it") {
  const auto basic = [](std::string user, std::string password) {
    return refusal([&] { (void)auth::basic(user, password); });
  };
  CHECK(basic("sec:ret", "") ==
        "the user name of Basic authentication has a ':', at which servers end it (RFC 7617 §2)");
  CHECK(basic("secret\n", "") == "the user name of Basic authentication holds a control byte");
  CHECK(basic("secret\x7F", "") == "the user name of Basic authentication holds a control byte");
  CHECK(basic("u", std::string("sec\0ret", 7)) ==
        "the password of Basic authentication holds a control byte");
  CHECK(basic("u", std::string(4096, 'x')).empty());
  CHECK(basic("u", std::string(4097, 'x')) ==
        "the password of Basic authentication has 4097 bytes, over the limit of 4096");
}

TEST_CASE("auth: text is UTF-8") {
  const auto fits = [](std::string password) {
    return refusal([&] { (void)auth::basic("u", password); }).empty();
  };
  for (const char* good : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(fits(good));
  }
  for (const char* bad :
       {"\x80", "\xC1\xBF", "\xC2", "\xC2\x7F\x20", "\xC2\xC0", "\xE0\x9F\xBF", "\xE0\xA0",
        "\xED\xA0\x80", "\xE1\x80\xC0", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xF0\x90\x80", "\xFF"}) {
    CAPTURE(bad);
    CHECK_FALSE(fits(bad));
  }
}

TEST_CASE("auth: the user info of a URL is percent-decoded") {
  CHECK(auth_of_user_info("") == auth());
  CHECK(auth_of_user_info("user:pass") == auth::basic("user", "pass"));
  CHECK(auth_of_user_info("user") == auth::basic("user", ""));
  CHECK(auth_of_user_info(":pass") == auth::basic("", "pass"));
  CHECK(auth_of_user_info("a%40b:c%3Ad:e%25") == auth::basic("a@b", "c:d:e%"));
  CHECK(auth_of_user_info("%C3%BC:%2541") == auth::basic("\xC3\xBC", "%41"));
  CHECK(auth_of_user_info("100%:%4") == auth::basic("100%", "%4"));
  for (const char* bad : {"a%3Ab:secret", "a:secret%0D%0A", "a:secret%00", "a:secret%FF"}) {
    CAPTURE(bad);
    const std::string said = refusal([&] { (void)auth_of_user_info(bad); });
    CHECK_FALSE(said.empty());
    CHECK(said.find("secret") == std::string::npos);
  }
}

TEST_CASE("auth: whose credentials count") {
  const auth own = auth::bearer("own");
  const auth whole = auth::bearer("session");
  const auth unset;
  CHECK(hop(unset, unset, "http://a/", "http://a/") == unset);
  CHECK(hop(own, whole, "http://a/", "http://a/") == own);
  CHECK(hop(unset, whole, "http://a/", "http://a/") == whole);
  CHECK(hop(own, whole, "http://u:p@a/", "http://u:p@a/") == own);
  CHECK(hop(unset, whole, "http://u:p@a/", "http://u:p@a/") == auth::basic("u", "p"));
  // An absolute Location leaves the user info out; it is the same origin all the same.
  CHECK(hop(unset, whole, "http://u:p@a/", "http://a/b") == auth::basic("u", "p"));
  CHECK(hop(unset, whole, "http://u:p@a/", "http://v:q@a/b") == auth::basic("v", "q"));
}

TEST_CASE("auth: nothing goes to another origin") {
  const auth own = auth::basic("own", "secret");
  const auth whole = auth::bearer("session");
  const auth unset;
  for (const char* other : {"http://b/", "https://a/", "http://a:8080/", "http://x.a/"}) {
    CAPTURE(other);
    CHECK(hop(own, whole, "http://a/", other) == unset);
    CHECK(hop(unset, whole, "http://a/", other) == unset);
    CHECK(hop(unset, whole, "http://u:p@a/", other) == unset);
    CHECK(hop(unset, unset, "http://u:p@a/", other) == unset);
  }
  CHECK(hop(own, whole, "http://a/", "http://u:p@b/") == auth::basic("u", "p"));
  // And back at the first one, they count again.
  CHECK(hop(own, whole, "http://a/", "http://a/again") == own);
}

TEST_CASE("auth: none() and netrc() hold on every origin") {
  const auth none = auth::none();
  const auth file = auth::netrc("file");
  const auth unset;
  CHECK(hop(none, file, "http://u:p@a/", "http://u:p@a/") == none);
  CHECK(hop(unset, none, "http://u:p@a/", "http://u:p@a/") == none);
  CHECK(hop(none, file, "http://a/", "http://u:p@b/") == none);
  CHECK(hop(unset, file, "http://a/", "http://b/") == file);
  CHECK(hop(file, unset, "http://a/", "http://b/") == file);
  CHECK(hop(unset, file, "http://a/", "http://u:p@b/") == auth::basic("u", "p"));
}
