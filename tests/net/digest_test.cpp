#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/error.hpp>

#include "../../net/http/auth_scheme.hpp"
#include "../../net/http/digest.hpp"
#include "../../net/http/request_auth.hpp"

using eddy::http::answer_challenge;
using eddy::http::auth;
using eddy::http::auth_context;
using eddy::http::auth_role;
using eddy::http::challenge_list;
using eddy::http::digest_challenge;
using eddy::http::digest_request;
using eddy::http::digest_state;
using eddy::http::first_credentials;
using eddy::http::parse_challenges;
using eddy::http::strongest_digest;

#if EDDY_HAVE_OPENSSL

namespace {

digest_challenge asked(const std::string& field) {
  const auto found = strongest_digest(parse_challenges({field}));
  REQUIRE(found);
  return *found;
}

bool is_answerable(const std::string& field) {
  return strongest_digest(parse_challenges({field})).has_value();
}

// The value of a parameter of a field that we wrote, which must itself be a valid challenge.
std::string param(const std::optional<std::string>& field, std::string_view name) {
  REQUIRE(field);
  const challenge_list read = parse_challenges({*field});
  CHECK(read.problem == "");
  REQUIRE(read.challenges.size() == 1);
  CHECK(read.challenges[0].scheme == "Digest");
  return std::string(read.challenges[0].get(name).value_or("(absent)"));
}

const digest_request mufasa = {
    "Mufasa",
    "Circle of Life",
    "GET",
    "/dir/index.html",
    "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    1,
};
constexpr const char* rest_of_mufasa =
    "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

auth_context context(std::string_view space = "https://example.com") {
  auth_context request;
  request.space = space;
  request.method = "GET";
  request.target = "/";
  request.cnonce = "0123456789abcdef";
  return request;
}

eddy::http::headers fields(std::string_view name, std::string_view value) {
  eddy::http::headers out;
  out.add(name, value);
  return out;
}

const auth alice = auth::digest("alice", "secret");

std::optional<std::string> answer(std::string_view challenge, digest_state& known,
                                  unsigned answered = 0, int status = 401) {
  return answer_challenge(alice, context(), status, fields("WWW-Authenticate", challenge), answered,
                          known);
}

}  // namespace

TEST_CASE("digest: the examples of RFC 7616 section 3.9.1") {
  const std::string before =
      "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
      "algorithm=";
  const std::string between =
      ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
      "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"";
  const std::string after = "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
  const auto respond = [](const std::string& algorithm) {
    return digest_response(asked("Digest " + std::string(rest_of_mufasa) + ", algorithm=" +
                                 algorithm),
                           mufasa);
  };
  CHECK(respond("MD5") == before + "MD5" + between + "8ca523f5e9506fed4657c9700eebdbec" + after);
  CHECK(respond("sha-256") ==
        before + "SHA-256" + between +
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" + after);
}

// With the values of erratum 4897: those printed were made with a draft of SHA-512/256.
TEST_CASE("digest: the example of RFC 7616 section 3.9.2") {
  const digest_challenge challenge = asked(
      "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, "
      "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", "
      "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true");
  digest_request jason = {"J\xC3\xA4s\xC3\xB8n Doe", "Secret, or not?", "GET", "/doe.json",
                          "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", 1};
  const std::string hashed = digest_response(challenge, jason);
  CHECK(param(hashed, "username") ==
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
  CHECK(param(hashed, "response") ==
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
  CHECK(param(hashed, "userhash") == "true");
}

TEST_CASE("digest: names beyond ASCII") {
  const digest_request jason = {"J\xC3\xA4s\xC3\xB8n Doe", "p", "GET", "/", "c", 1};
  const std::string plain = "Digest realm=r, nonce=n, qop=auth";
  const std::string extended = digest_response(asked(plain + ", charset=utf-8"), jason);
  CHECK(extended.starts_with("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm="));
  CHECK(param(extended, "username") == "(absent)");
  CHECK(param(extended, "userhash") == "(absent)");
  CHECK(param(digest_response(asked(plain), jason), "username") == jason.user);
}

TEST_CASE("digest: what is quoted is escaped") {
  const auto challenge = asked(R"(Digest realm="a \"b\" \\c, nonce=\"x", nonce="n\n", qop=auth)");
  CHECK(challenge.realm == R"(a "b" \c, nonce="x)");
  CHECK(challenge.nonce == "nn");
  const std::string field = digest_response(
      challenge, {R"(u"ser\)", "p", "GET", R"(/?"q")", "c", 1});
  CHECK(param(field, "realm") == challenge.realm);
  CHECK(param(field, "username") == R"(u"ser\)");
  CHECK(param(field, "uri") == R"(/?"q")");
  CHECK(field.find(R"(realm="a \"b\" \\c, nonce=\"x")") != std::string::npos);
}

// H(H(alice:r:secret):n:H(GET:/)) and the like, computed with Python's hashlib.
TEST_CASE("digest: without qop, and sessions") {
  const digest_request request = {"alice", "secret", "GET", "/", "0a4f113b", 2};
  const std::string old = digest_response(asked("Digest realm=r, nonce=n"), request);
  CHECK(param(old, "response") == "86d537f7bf092ee6e083ad31b1608e85");
  for (const char* name : {"nc", "cnonce", "qop", "algorithm", "opaque"}) {
    CHECK(param(old, name) == "(absent)");
  }
  const auto session = [&](const std::string& algorithm) {
    return param(digest_response(
                     asked("Digest realm=r, nonce=n, qop=auth, algorithm=" + algorithm), request),
                 "response");
  };
  CHECK(session("MD5-sess") == "620381c76c56645849af678ba691159d");
  CHECK(session("SHA-256-sess") ==
        "1724ef73725b47717e72b36271e4311a79245f0be2d1bcf2f7869b5266420262");
  CHECK(param(digest_response(asked("Digest realm=r, nonce=n, qop=auth"), request), "nc") ==
        "00000002");
}

TEST_CASE("digest: which challenges can be answered") {
  CHECK(is_answerable("Digest realm=\"r\", nonce=\"n\""));
  CHECK(is_answerable("dIGEST REALM=\"r\", NONCE=\"n\", QOP=\"AUTH\", ALGORITHM=md5"));
  CHECK(is_answerable("Digest realm=\"\", nonce=\"\", qop=\"auth-int,auth\""));
  CHECK(is_answerable("Digest realm=r, nonce=n, algorithm=\"SHA-512-256-sess\", qop=auth"));
  CHECK_FALSE(is_answerable("Basic realm=r"));
  CHECK_FALSE(is_answerable("Digest realm=r"));
  CHECK_FALSE(is_answerable("Digest nonce=n"));
  CHECK_FALSE(is_answerable("Digest realm=r, nonce=n, qop=auth-int"));
  CHECK_FALSE(is_answerable("Digest realm=r, nonce=n, qop=\"\""));
  CHECK_FALSE(is_answerable("Digest realm=r, nonce=n, algorithm=SHA-1"));
  CHECK_FALSE(is_answerable("Digest realm=r, nonce=n, algorithm=MD5-sess"));
  CHECK_FALSE(is_answerable("Digest realm=r, realm=q, nonce=n"));
}

TEST_CASE("digest: the strongest of several is answered") {
  const std::string rest = " realm=r, nonce=n, qop=auth, algorithm=";
  const std::string md5 = "Digest" + rest + "MD5";
  const std::string sha = "Digest" + rest + "SHA-256";
  const std::string sess = "Digest" + rest + "SHA-256-sess";
  const std::string sha512 = "Digest" + rest + "SHA-512-256";
  const auto chosen = [](const std::vector<std::string_view>& all) {
    return strongest_digest(parse_challenges(all)).value().algorithm;
  };
  CHECK(chosen({md5, sha}) == "SHA-256");
  CHECK(chosen({sha, md5}) == "SHA-256");
  CHECK(chosen({sha + ", " + md5 + ", Basic realm=x"}) == "SHA-256");
  CHECK(chosen({sha, sess, md5}) == "SHA-256");
  CHECK(chosen({md5, sess, sha}) == "SHA-256-sess");
  CHECK(chosen({md5, sha, sha512}) == "SHA-512-256");
  CHECK(chosen({"Digest" + rest + "SHA-3", md5}) == "MD5");
}

TEST_CASE("digest: later requests answer beforehand, each with the next count") {
  digest_state known;
  CHECK(first_credentials(alice, context(), known) == std::nullopt);
  const auto first = answer("Digest realm=r, nonce=n1, qop=auth", known);
  CHECK(param(first, "nc") == "00000001");
  CHECK(param(first, "nonce") == "n1");
  const auto second = first_credentials(alice, context(), known);
  CHECK(param(second, "nc") == "00000002");
  CHECK(param(second, "response") != param(first, "response"));
  CHECK(param(first_credentials(alice, context(), known), "nc") == "00000003");
  // A new nonce starts anew, the same one does not: a count that comes twice is a replay.
  CHECK(param(answer("Digest realm=r, nonce=n1, qop=auth", known), "nc") == "00000004");
  CHECK(param(answer("Digest realm=r, nonce=n2, qop=auth", known), "nc") == "00000001");
  CHECK(param(first_credentials(alice, context(), known), "nonce") == "n2");
}

TEST_CASE("digest: what is known is known of one origin, one user, one role") {
  digest_state known;
  (void)answer("Digest realm=r, nonce=n, qop=auth", known);
  CHECK(first_credentials(alice, context("https://example.org"), known) == std::nullopt);
  CHECK(first_credentials(auth::digest("bob", "x"), context(), known) == std::nullopt);
  auth_context by_proxy = context();
  by_proxy.role = auth_role::proxy;
  CHECK(first_credentials(alice, by_proxy, known) == std::nullopt);
  CHECK(first_credentials(alice, context(), known) != std::nullopt);
}

TEST_CASE("digest: a session's key keeps its client nonce") {
  digest_state known;
  (void)answer("Digest realm=r, nonce=n, qop=auth, algorithm=MD5-sess", known);
  auth_context next = context();
  next.cnonce = "another";
  CHECK(param(first_credentials(alice, next, known), "cnonce") == "0123456789abcdef");
  (void)answer("Digest realm=r, nonce=n, qop=auth, algorithm=MD5", known);
  CHECK(param(first_credentials(alice, next, known), "cnonce") == "another");
}

TEST_CASE("digest: a second challenge ends it unless the nonce was too old") {
  digest_state known;
  const std::string plain = "Digest realm=r, nonce=n, qop=auth";
  CHECK(answer(plain, known, 0));
  CHECK_FALSE(answer(plain, known, 1));
  CHECK_FALSE(answer(plain + ", stale=false", known, 1));
  CHECK(answer(plain + ", stale=TRUE", known, 1));
  CHECK(answer(plain + ", stale=true", known, 2));
  CHECK_FALSE(answer(plain + ", stale=true", known, eddy::http::max_auth_answers));
}

TEST_CASE("digest: only its own status, fields and credentials make it answer") {
  digest_state known;
  const std::string plain = "Digest realm=r, nonce=n, qop=auth";
  CHECK_FALSE(answer(plain, known, 0, 200));
  CHECK_FALSE(answer(plain, known, 0, 403));
  CHECK_FALSE(answer(plain, known, 0, 407));
  CHECK_FALSE(answer("Basic realm=r", known));
  const auto server_fields = fields("WWW-Authenticate", plain);
  const auto proxy_fields = fields("Proxy-Authenticate", plain);
  CHECK_FALSE(answer_challenge(alice, context(), 401, proxy_fields, 0, known));
  for (const auth& other : {auth(), auth::none(), auth::basic("a", "b"), auth::bearer("t")}) {
    CHECK_FALSE(answer_challenge(other, context(), 401, server_fields, 0, known));
  }
  auth_context tunnel = context("http://proxy:3128");
  tunnel.role = auth_role::proxy;
  tunnel.method = "CONNECT";
  tunnel.target = "example.com:443";
  CHECK_FALSE(answer_challenge(alice, tunnel, 407, server_fields, 0, known));
  CHECK_FALSE(answer_challenge(alice, tunnel, 401, proxy_fields, 0, known));
  const auto field = answer_challenge(alice, tunnel, 407, proxy_fields, 0, known);
  CHECK(param(field, "uri") == "example.com:443");
  CHECK(std::string(credentials_field(auth_role::proxy)) == "Proxy-Authorization");
  CHECK(std::string(credentials_field(auth_role::server)) == "Authorization");
}

TEST_CASE("digest: one request from its first sending to the server's patience's end") {
  digest_state known;
  eddy::http::request_auth mine;
  mine.begin(alice);
  CHECK(mine.wants_cnonce());
  const auto asks = [&](const std::string& challenge) {
    return mine.answer(context(), 401, fields("WWW-Authenticate", "Digest realm=r, " + challenge),
                       known);
  };
  CHECK(mine.field(context(), known) == std::nullopt);
  CHECK(asks("nonce=n1, qop=auth"));
  CHECK(param(mine.field(context(), known), "nc") == "00000001");
  // A retry after a broken connection uses up a count of its own.
  CHECK(param(mine.field(context(), known), "nc") == "00000002");
  CHECK(asks("nonce=n2, qop=auth, stale=true"));
  CHECK(param(mine.field(context(), known), "nonce") == "n2");
  CHECK_FALSE(asks("nonce=n3, qop=auth"));

  mine.begin(alice);
  CHECK(param(mine.field(context(), known), "nonce") == "n2");
  CHECK(asks("nonce=n3, qop=auth"));
  CHECK(asks("nonce=n4, qop=auth, stale=true"));
  mine.begin(auth::basic("a", "b"));
  CHECK_FALSE(mine.wants_cnonce());
  CHECK(mine.field(context(), known) == "Basic YTpi");
  CHECK_FALSE(asks("nonce=n5, qop=auth"));
}

TEST_CASE("digest: a client nonce is text of all of its entropy") {
  std::array<std::byte, eddy::http::cnonce_random_bytes> random{};
  CHECK(eddy::http::cnonce_of(random) == "AAAAAAAAAAAAAAAAAAAAAA==");
  random.back() = std::byte{1};
  CHECK(eddy::http::cnonce_of(random) == "AAAAAAAAAAAAAAAAAAAAAQ==");
}

TEST_CASE("digest: what is remembered has a bound, the least recently used goes") {
  digest_state known;
  const auto space = [](std::size_t i) { return "http://host" + std::to_string(i); };
  const auto learn = [&](std::size_t i) {
    known.learn(space(i), "u", asked("Digest realm=r, nonce=n, qop=auth"));
  };
  const digest_request request = {"u", "p", "GET", "/", "c", 1};
  for (std::size_t i = 0; i < digest_state::max_spaces; ++i) learn(i);
  CHECK(known.respond(space(0), request));
  learn(digest_state::max_spaces);
  CHECK(known.size() == digest_state::max_spaces);
  CHECK(known.respond(space(0), request));
  CHECK_FALSE(known.respond(space(1), request));
  CHECK(known.respond(space(2), request));
}

#else

TEST_CASE("digest: refused in a build that has no hashes") {
  CHECK_THROWS_WITH_AS((void)auth::digest("a", "b"),
                       "Digest authentication needs Eddy built with OpenSSL (-Dtls=enabled)",
                       eddy::http::invalid_request);
}

#endif
