// Cookies and credentials on the wire.
#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/cookies.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/generator.hpp>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"
#include "../support/tls_streams.hpp"
#include "../support/unix_paths.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::auth;
using eddy::http::cookie_jar;
using eddy::http::session;
using eddy::http::session_options;

namespace {

// A text is not taken for "on".
template <class Subject>
concept takes_cookies_as_text = requires(Subject s) { std::move(s).cookies("a=1"); };
static_assert(!takes_cookies_as_text<eddy::http::request_builder>);
static_assert(!takes_cookies_as_text<session_options>);

// The value of a field of a request; "(none)" if there is none, "(twice)" if there are more.
std::string field_of(const std::string& request, const std::string& name) {
  const std::string key = "\r\n" + name + ": ";
  const std::size_t at = request.find(key);
  if (at == std::string::npos) return "(none)";
  if (request.find(key, at + 1) != std::string::npos) return "(twice)";
  const std::size_t begin = at + key.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

// Answers with a script of replies, then with "x".
scripted_origin::script replies(std::vector<std::string> all) {
  auto next = std::make_shared<std::vector<std::string>>(std::move(all));
  auto at = std::make_shared<std::size_t>(0);
  return [next, at](origin_peer* peer) -> task<> {
    for (;;) {
      const std::string asked = co_await peer->request();
      if (asked.empty()) co_return;
      const std::string reply = *at < next->size() ? (*next)[(*at)++] : reply_with("x");
      co_await peer->stream.write_all(reply);
    }
  };
}

std::string cookies_of(const scripted_origin& origin, std::size_t request) {
  return field_of(origin.requests().at(request), "Cookie");
}

std::string authorization_of(const scripted_origin& origin, std::size_t request) {
  return field_of(origin.requests().at(request), "Authorization");
}

std::string to(const std::string& location) {
  return reply_with("", "302 Found", "Location: " + location + "\r\nSet-Cookie: hop=1\r\n");
}

const std::string challenge =
    reply_with("no", "401 Unauthorized",
               "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", "
               "algorithm=SHA-256\r\n");

}  // namespace

TEST_CASE("cookies are kept, also those of a redirection, and sent back") {
  const auto main = []() -> task<> {
    const std::string last = reply_with("x", "200 OK", "Set-Cookie: b=2\r\n");
    scripted_origin origin(replies({to("/next"), last}));
    session client;
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(cookies_of(origin, 0) == "(none)");
    CHECK(cookies_of(origin, 1) == "hop=1");
    CHECK(cookies_of(origin, 2) == "hop=1; b=2");
    session another;
    CHECK(co_await text_of(another.get(origin.url())) == "x");
    CHECK(cookies_of(origin, 3) == "(none)");
  };
  eddy::run(main());
}

TEST_CASE("a jar is shared with the caller; a session and a request can do without") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x", "200 OK", "Set-Cookie: a=1\r\n")));
    cookie_jar jar;
    session client(session_options().cookies(jar));
    CHECK(co_await text_of(client.get(origin.url()).cookies(false)) == "x");
    CHECK(jar.size() == 0);
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(jar.size() == 1);
    CHECK(co_await text_of(client.get(origin.url()).cookies(false)) == "x");
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(cookies_of(origin, 2) == "(none)");
    CHECK(cookies_of(origin, 3) == "a=1");
    session without(session_options().cookies(jar).cookies(false));
    CHECK(co_await text_of(without.get(origin.url())) == "x");
    CHECK(co_await text_of(without.get(origin.url())) == "x");
    CHECK(cookies_of(origin, 5) == "(none)");
  };
  eddy::run(main());
}

TEST_CASE("cookies of a request stand before the jar's, and in place of one of the same name") {
  const auto main = []() -> task<> {
    const std::string sets = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
    scripted_origin origin(replies({reply_with("x", "200 OK", sets)}));
    session client;
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(co_await text_of(client.get(origin.url()).cookie("c", "3").cookie("a", "own")) == "x");
    CHECK(cookies_of(origin, 1) == "c=3; a=own; b=2");
    // The caller's own field takes the place of all of them.
    CHECK(co_await text_of(client.get(origin.url()).header("cookie", "z=9").cookie("c", "3")) ==
          "x");
    CHECK(field_of(origin.requests()[2], "cookie") == "z=9");
    CHECK(cookies_of(origin, 2) == "(none)");
    for (const char* bad : {"a b", "a;b", "a\"", "a,b", "\x01", "a\\b", "\xc3\xa4"}) {
      CHECK_THROWS_AS(client.get(origin.url()).cookie("n", bad), eddy::http::invalid_request);
      CHECK_THROWS_AS(client.get(origin.url()).cookie(bad, "v"), eddy::http::invalid_request);
    }
    CHECK_THROWS_AS(client.get(origin.url()).cookie("", "v"), eddy::http::invalid_request);
  };
  eddy::run(main());
}

TEST_CASE("cookies and credentials of a request stay with its origin") {
  const auto main = []() -> task<> {
    scripted_origin other(always(reply_with("other")));
    scripted_origin origin(replies({to("/same"), to(other.url())}));
    session client;
    const auth who = auth::basic("user", "secret");
    CHECK(co_await text_of(client.get(origin.url()).cookie("own", "1").auth(who)) == "other");
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(authorization_of(origin, i) == "Basic dXNlcjpzZWNyZXQ=");
      CHECK(cookies_of(origin, i).starts_with("own=1"));
    }
    CHECK(authorization_of(other, 0) == "(none)");
    // The jar's are for the host, whatever the port (RFC 6265 §8.5).
    CHECK(cookies_of(other, 0) == "hop=1");
  };
  eddy::run(main());
}

TEST_CASE("credentials: the request's, the URL's, the session's, the caller's own field") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client(session_options().auth(auth::bearer("token")));
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(authorization_of(origin, 0) == "Bearer token");
    CHECK(co_await text_of(client.get("http://user:secret@" + origin.authority())) == "x");
    CHECK(authorization_of(origin, 1) == "Basic dXNlcjpzZWNyZXQ=");
    CHECK(co_await text_of(client.get(origin.url()).auth(auth::none())) == "x");
    CHECK(authorization_of(origin, 2) == "(none)");
    CHECK(co_await text_of(client.get(origin.url()).header("Authorization", "Own x")) == "x");
    CHECK(authorization_of(origin, 3) == "Own x");
  };
  eddy::run(main());
}

#if EDDY_HAVE_OPENSSL

TEST_CASE("a Digest challenge is answered on the same connection, and beforehand later on") {
  const auto main = []() -> task<> {
    scripted_origin origin(replies({challenge}));
    session client(session_options().auth(auth::digest("user", "secret")));
    CHECK(co_await text_of(client.put(origin.url("/p?q")).body("data")) == "x");
    REQUIRE(origin.requests().size() == 2);
    CHECK(authorization_of(origin, 0) == "(none)");
    const std::string answer = authorization_of(origin, 1);
    CHECK(answer.starts_with("Digest "));
    CHECK(answer.find("uri=\"/p?q\"") != std::string::npos);
    CHECK(answer.find("nc=00000001") != std::string::npos);
    CHECK(origin.requests()[1].ends_with("\r\n\r\ndata"));
    CHECK(origin.log().accepted == 1);
    CHECK(client.statistics().retries == 1);
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(authorization_of(origin, 2).find("nc=00000002") != std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("a server that is never content gets a bounded number of answers") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(challenge));
    session client(session_options().auth(auth::digest("user", "wrong")));
    CHECK(co_await status_of(client.get(origin.url())) == 401);
    CHECK(origin.requests().size() == 2);
    const auto once_only = []() -> eddy::generator<std::string> { co_yield std::string("piece"); };
    session streaming(session_options().auth(auth::digest("user", "wrong")));
    CHECK(co_await status_of(streaming.put(origin.url()).stream(once_only(), 5)) == 401);
    CHECK(origin.requests().size() == 3);
    session basic(session_options().auth(auth::basic("user", "wrong")));
    CHECK(co_await status_of(basic.get(origin.url())) == 401);
    CHECK(origin.requests().size() == 4);
  };
  eddy::run(main());
}

#endif

namespace {

task<> write_file(std::string path, std::string text) {
  eddy::file made = co_await eddy::file::open(std::move(path), eddy::file_mode::write);
  co_await made.write_all(text);
}

}  // namespace

TEST_CASE("netrc is looked up for each host, anew for each request" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    const folder_for_sockets folder;
    const std::string path = folder.path("/netrc");
    co_await write_file(path, "machine 127.0.0.1 login user password secret\n");
    scripted_origin origin(always(reply_with("x")));
    session client(session_options().auth(auth::netrc(path)));
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(authorization_of(origin, 0) == "Basic dXNlcjpzZWNyZXQ=");
    co_await write_file(path, "machine other.example login user password secret\n");
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(authorization_of(origin, 1) == "(none)");
    const auto missing = auth::netrc(folder.path("/none"));
    const std::string failure = co_await failure_of<std::system_error>(
        text_of(client.get(origin.url()).auth(missing)));
    CHECK(failure.starts_with("GET " + origin.url() + ": preparing the request: "));
    CHECK(origin.requests().size() == 2);
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

TEST_CASE("netrc: a redirection to another origin gets no default login" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    const folder_for_sockets folder;
    const std::string path = folder.path("/netrc");
    for (const bool is_named : {true, false}) {
      co_await write_file(path, std::string(is_named ? "machine 127.0.0.1" : "default") +
                                    " login user password secret\n");
      scripted_origin there(always(reply_with("x")));
      scripted_origin origin(always(to(there.url())));
      session client(session_options().auth(auth::netrc(path)));
      CHECK(co_await text_of(client.get(origin.url())) == "x");
      CHECK(authorization_of(origin, 0) == "Basic dXNlcjpzZWNyZXQ=");
      CHECK(authorization_of(there, 0) == (is_named ? "Basic dXNlcjpzZWNyZXQ=" : "(none)"));
    }
  };
  eddy::run(main());
}

#if EDDY_HAVE_OPENSSL

TEST_CASE("netrc: what goes over TLS does not go in the clear after a redirection" *
          needs_a_kernel()) {
  const auto main = []() -> task<> {
    const folder_for_sockets folder;
    const std::string path = folder.path("/netrc");
    co_await write_file(path, "machine localhost login user password secret\n");
    scripted_origin clear(always(reply_with("x")));
    const std::string answer =
        to("http://localhost:" + std::to_string(clear.address().port()) + "/");
    std::string asked;
    scripted_origin secure([&](origin_peer* peer) -> task<> {
      eddy::tls_context identity = serving(certificates::get().good);
      eddy::tls_stream stream =
          co_await eddy::tls_stream::accept(std::move(peer->stream), identity);
      asked = co_await read_text(stream);
      co_await write_text(stream, answer);
    });
    session client(
        session_options().auth(auth::netrc(path)).tls(trusting(certificates::get().ca)));
    const std::string url = "https://localhost:" + std::to_string(secure.address().port()) + "/";
    CHECK(co_await text_of(client.get(url)) == "x");
    CHECK(field_of(asked, "Authorization") == "Basic dXNlcjpzZWNyZXQ=");
    CHECK(authorization_of(clear, 0) == "(none)");
  };
  eddy::run(main());
}

TEST_CASE("a request with a file of logins and a challenge, cancelled at any point" *
          needs_a_kernel()) {
  const auto main = []() -> task<> {
    const folder_for_sockets folder;
    const std::string path = folder.path("/netrc");
    co_await write_file(path, "default login user password secret\n");
    constexpr int most_turns = 2000;
    for (const bool challenged : {false, true}) {
      const auth who = challenged ? auth::digest("user", "secret") : auth::netrc(path);
      bool ended = false;
      for (int k = 0; k < most_turns && !ended; ++k) {
        scripted_origin origin(replies({challenge}));
        session client(session_options().auth(who));
        eddy::join_handle<int> running = eddy::spawn(status_of(client.get(origin.url())));
        for (int i = 0; i < k && !running.done(); ++i) {
          co_await eddy::sleep(std::chrono::nanoseconds(1));
        }
        ended = running.done();
        running.cancel();
        const bool cancelled = co_await was_cancelled(std::move(running));
        CHECK(cancelled == !ended);
        check_nothing_in_use(client);
      }
      CHECK(ended);
    }
  };
  eddy::run(main());
}

#endif
