// Set-Cookie, RFC 6265 §5.2 and RFC 6265bis §5.6.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "../../net/http/cookie_text.hpp"

using eddy::http::max_cookie_attribute_bytes;
using eddy::http::max_cookie_bytes;
using eddy::http::max_cookie_lifetime_s;
using eddy::http::parse_set_cookie;
using eddy::http::same_site;
using eddy::http::set_cookie;

namespace {

constexpr std::int64_t now = 1'700'000'000;
constexpr std::int64_t past = std::numeric_limits<std::int64_t>::min();

set_cookie parse(std::string_view text) {
  CAPTURE(text);
  const auto found = parse_set_cookie(text, now);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("cookie text: name and value are what is around the first equals sign") {
  struct row {
    std::string_view text;
    std::string_view name;
    std::string_view value;
  };
  constexpr row rows[] = {
      {"SID=31d4d96e407aad42", "SID", "31d4d96e407aad42"},
      {"SID=31d4d96e407aad42; Path=/; Secure; HttpOnly", "SID", "31d4d96e407aad42"},
      {"  a \t=\t b  ; x", "a", "b"},
      {"a=", "a", ""},
      {"a=;", "a", ""},
      {"a=b=c==", "a", "b=c=="},
      {"a=\"b c\"", "a", "\"b c\""},
      {"a=\"b; c\"", "a", "\"b"},
      {"a=b,c=d", "a", "b,c=d"},
      {"a b=c d", "a b", "c d"},
      {"a=\x80\xFF", "a", "\x80\xFF"},
      {"$Version=1", "$Version", "1"},
  };
  for (const row& r : rows) {
    const set_cookie found = parse(r.text);
    CHECK(found.name == r.name);
    CHECK(found.value == r.value);
  }
}

TEST_CASE("cookie text: what is ignored whole") {
  using namespace std::string_view_literals;
  constexpr std::string_view texts[] = {
      "", " ", ";", "=", "=b", " =b", "a", "a;b=c", "; a=b", "Secure",
      "a=\0b"sv, "a\0=b"sv, "a=b; Path=/\0"sv, "a=b\r\nSet-Cookie: c=d", "a=b\n", "a=\x01",
      "a=\x7F", "a=b; x\x1F", "a=b\tc", "a\tb=c", "a=b; Path=/\tx",
  };
  for (const std::string_view text : texts) {
    CAPTURE(text);
    CHECK_FALSE(parse_set_cookie(text, now));
  }
}

TEST_CASE("cookie text: the bounds of a cookie and of an attribute are exact") {
  const std::string most = "n=" + std::string(max_cookie_bytes - 1, 'v');
  CHECK(parse(most).value.size() == max_cookie_bytes - 1);
  CHECK_FALSE(parse_set_cookie(most + "v", now));
  CHECK_FALSE(parse_set_cookie("n" + most, now));
  CHECK(parse(most + std::string(5000, ' ')).value.size() == max_cookie_bytes - 1);

  const std::string path = "/" + std::string(max_cookie_attribute_bytes - 1, 'p');
  CHECK(parse("a=b; Path=" + path).path == path);
  CHECK(parse("a=b; Path=" + path + "p").path.empty());
  CHECK(parse("a=b; Path=/x; Path=" + path + "p").path == "/x");
  CHECK_FALSE(parse("a=b; Secure=" + path + "p").secure);
}

TEST_CASE("cookie text: attributes in any case, with any spaces, the last of a name counts") {
  const set_cookie all = parse(
      "a=b;DOMAIN = .Example.COM ;\tpAtH=/x ; SECURE=no; httponly ;SameSite=STRICT;Unknown=1;;=;");
  CHECK(all.domain == ".Example.COM");
  CHECK(all.path == "/x");
  CHECK(all.secure);
  CHECK(all.http_only);
  CHECK(all.same_site == same_site::strict);
  CHECK_FALSE(all.expires);

  CHECK(parse("a=b; Path=/x; Path=/y").path == "/y");
  CHECK(parse("a=b; Path=/x; Path=y").path.empty());
  CHECK(parse("a=b; Path=/x; Path").path.empty());
  CHECK(parse("a=b; Path=\"/x\"").path.empty());
  CHECK(parse("a=b; Domain=x; Domain=y").domain == "y");
  CHECK(parse("a=b; Domain=x; Domain=").domain.empty());
  CHECK(parse("a=b; SameSite=None").same_site == same_site::none);
  CHECK(parse("a=b; SameSite=lax").same_site == same_site::lax);
  CHECK(parse("a=b; SameSite=Lax; SameSite=x").same_site == same_site::unset);
  CHECK_FALSE(parse("a=b; Secured; HttpOnlyish").secure);
  CHECK_FALSE(parse("a=Secure").secure);
}

TEST_CASE("cookie text: Expires and Max-Age") {
  struct row {
    std::string_view attributes;
    std::optional<std::int64_t> expires;
  };
  const row rows[] = {
      {"", std::nullopt},
      {"Expires=Tue, 14 Nov 2023 22:13:21 GMT", now + 1},
      {"Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Expires=Fri, 31 Dec 9999 23:59:59 GMT", now + max_cookie_lifetime_s},
      {"Expires=never", std::nullopt},
      {"Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=never", 0},
      {"Max-Age=1", now + 1},
      {"Max-Age=001", now + 1},
      {"Max-Age=34560000", now + max_cookie_lifetime_s},
      {"Max-Age=34560001", now + max_cookie_lifetime_s},
      {"Max-Age=99999999999999999999999999999", now + max_cookie_lifetime_s},
      {"Max-Age=0", past},
      {"Max-Age=-0", past},
      {"Max-Age=-1", past},
      {"Max-Age=-99999999999999999999999999999", past},
      {"Max-Age=", std::nullopt},
      {"Max-Age=-", std::nullopt},
      {"Max-Age=+1", std::nullopt},
      {"Max-Age=1.5", std::nullopt},
      {"Max-Age=1 2", std::nullopt},
      {"Max-Age=0x10", std::nullopt},
      {"Max-Age=--1", std::nullopt},
      {"Max-Age=5; Max-Age=x", now + 5},
      {"Max-Age=5; Max-Age=6", now + 6},
      // Max-Age counts more, wherever it stands (§4.1.2.2).
      {"Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", now + 5},
      {"Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", now + 5},
      {"Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=x", 0},
  };
  for (const row& r : rows) {
    CAPTURE(r.attributes);
    CHECK(parse("a=b; " + std::string(r.attributes)).expires == r.expires);
  }
}
