// Requests through proxies and unix sockets, as the proxy and the origin see them.
#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/unix.hpp>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"
#include "../support/unix_paths.hpp"

#if EDDY_HAVE_OPENSSL
#include "../support/tls_streams.hpp"
#endif

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::auth;
using eddy::http::proxy;
using eddy::http::session;
using eddy::http::session_options;

namespace {

std::string field_of(const std::string& request, const std::string& name) {
  const std::string key = "\r\n" + name + ": ";
  const std::size_t at = request.find(key);
  if (at == std::string::npos) return "(none)";
  const std::size_t begin = at + key.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string line_of(const std::string& request) { return request.substr(0, request.find("\r\n")); }

proxy at(const scripted_origin& peer, const std::string& user_info = "") {
  return proxy::parse("http://" + user_info + peer.authority());
}

}  // namespace

TEST_CASE("a proxy for http gets the whole URL, its own credentials, and one connection for all") {
  const auto main = []() -> task<> {
    scripted_origin forwarder(always(reply_with("x")));
    session client(session_options().proxy(at(forwarder, "me:secret@")));
    CHECK(co_await text_of(client.get("http://u:p@one.example/a?b#c")) == "x");
    CHECK(co_await text_of(client.get("http://two.example:8080/")) == "x");
    REQUIRE(forwarder.requests().size() == 2);
    const std::string& first = forwarder.requests()[0];
    CHECK(line_of(first) == "GET http://one.example/a?b HTTP/1.1");
    CHECK(field_of(first, "Host") == "one.example");
    CHECK(field_of(first, "Proxy-Authorization") == "Basic bWU6c2VjcmV0");
    CHECK(field_of(first, "Authorization") == "Basic dTpw");
    const std::string& second = forwarder.requests()[1];
    CHECK(line_of(second) == "GET http://two.example:8080/ HTTP/1.1");
    CHECK(field_of(second, "Authorization") == "(none)");
    CHECK(forwarder.log().accepted == 1);
    CHECK(client.statistics().dns_misses == 0);
  };
  eddy::run(main());
}

TEST_CASE("credentials for a proxy never reach an origin") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("origin")));
    scripted_origin forwarder([&](origin_peer* peer) -> task<> {
      return peer->answer_all(reply_with("proxy"));
    });
    session client(session_options().proxy(at(forwarder, "me:secret@")));
    CHECK(co_await text_of(client.get(origin.url())) == "proxy");
    CHECK(co_await text_of(client.get(origin.url()).proxy(proxy::direct())) == "origin");
    REQUIRE(origin.requests().size() == 1);
    CHECK(origin.requests()[0].find("Proxy") == std::string::npos);
    CHECK(line_of(origin.requests()[0]) == "GET / HTTP/1.1");
    // The other way round: one request goes through a proxy.
    session plain;
    CHECK(co_await text_of(plain.get(origin.url())) == "origin");
    CHECK(co_await text_of(plain.get(origin.url()).proxy(at(forwarder))) == "proxy");
    CHECK(co_await text_of(plain.get(origin.url())) == "origin");
    CHECK(plain.statistics().connects == 2);
  };
  eddy::run(main());
}

TEST_CASE("a tunnel that is refused is an error with the proxy's status") {
  const auto main = []() -> task<> {
    scripted_origin refusing(always(reply_with("no", "403 Forbidden")));
    session client(session_options().proxy(at(refusing, "me:secret@")));
    int status = 0;
    std::string what;
    try {
      (void)co_await text_of(client.get("https://origin.example/").auth(auth::basic("u", "p")));
    } catch (const eddy::http::proxy_error& e) {
      status = e.status();
      what = e.what();
    }
    CHECK(status == 403);
    CHECK(what.starts_with("GET https://origin.example/: connecting: "));
    REQUIRE(refusing.requests().size() == 1);
    const std::string& asked = refusing.requests()[0];
    CHECK(line_of(asked) == "CONNECT origin.example:443 HTTP/1.1");
    CHECK(field_of(asked, "Proxy-Authorization") == "Basic bWU6c2VjcmV0");
    CHECK(field_of(asked, "Authorization") == "(none)");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

#if EDDY_HAVE_OPENSSL

TEST_CASE("a proxy's Digest challenge is answered by the request that it is for") {
  const auto main = []() -> task<> {
    scripted_origin forwarder([](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        std::string reply = reply_with("x");
        if (asked.find("\r\nProxy-Authorization: Digest ") == std::string::npos) {
          reply = reply_with("", "407 Who", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                                            "qop=\"auth\", algorithm=SHA-256\r\n"
                                            "Set-Cookie: of=the-proxy; Path=/\r\n");
        }
        co_await peer->stream.write_all(reply);
      }
    });
    proxy through = at(forwarder);
    through.auth(auth::digest("me", "secret"));
    session client(session_options().proxy(through));
    CHECK(co_await text_of(client.post("http://one.example/x").body("data")) == "x");
    REQUIRE(forwarder.requests().size() == 2);
    const std::string answer = field_of(forwarder.requests()[1], "Proxy-Authorization");
    CHECK(answer.find("uri=\"http://one.example/x\"") != std::string::npos);
    CHECK(field_of(forwarder.requests()[1], "Cookie") == "(none)");
    CHECK(forwarder.requests()[1].ends_with("\r\n\r\ndata"));
    CHECK(co_await text_of(client.get("http://two.example/")) == "x");
    CHECK(forwarder.requests().size() == 3);
    // From an origin it is a response like others.
    session direct;
    CHECK(co_await status_of(direct.get(forwarder.url()).auth(auth::digest("me", "secret"))) ==
          407);
  };
  eddy::run(main());
}

#endif

#if EDDY_HAVE_OPENSSL

TEST_CASE("behind a tunnel nothing is left of what was for the proxy" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    std::string behind;
    scripted_origin both([&](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      if (!asked.starts_with("CONNECT ")) {
        co_await peer->stream.write_all(
            reply_with("", "302 Found", "Location: https://localhost:4433/in\r\n"));
        co_return;
      }
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\n\r\n");
      eddy::tls_context identity = serving(certificates::get().good);
      eddy::tls_stream inner =
          co_await eddy::tls_stream::accept(std::move(peer->stream), identity);
      behind = co_await read_text(inner);
      co_await write_text(inner, reply_with("inside"));
    });
    session client(session_options()
                       .proxy(at(both, "me:secret@"))
                       .tls(trusting(certificates::get().ca)));
    CHECK(co_await text_of(client.get("http://one.example/")) == "inside");
    REQUIRE(both.requests().size() == 2);
    for (const std::string& asked : both.requests()) {
      CHECK(field_of(asked, "Proxy-Authorization") == "Basic bWU6c2VjcmV0");
    }
    CHECK(line_of(both.requests()[1]) == "CONNECT localhost:4433 HTTP/1.1");
    CHECK(line_of(behind) == "GET /in HTTP/1.1");
    CHECK(behind.find("Proxy-") == std::string::npos);
  };
  eddy::run(main());
}

#endif

TEST_CASE("a redirection chooses its way anew") {
  const auto main = []() -> task<> {
    scripted_origin forwarder([](origin_peer* peer) -> task<> {
      const std::string first = co_await peer->request();
      co_await peer->stream.write_all(
          reply_with("", "302 Found", "Location: http://two.example/next\r\n"));
      co_await peer->answer_all(reply_with("there"));
    });
    session client(session_options().proxy(at(forwarder, "me:secret@")));
    CHECK(co_await text_of(client.get("http://one.example/")) == "there");
    REQUIRE(forwarder.requests().size() == 2);
    CHECK(line_of(forwarder.requests()[1]) == "GET http://two.example/next HTTP/1.1");
    CHECK(field_of(forwarder.requests()[1], "Proxy-Authorization") == "Basic bWU6c2VjcmV0");
  };
  eddy::run(main());
}

TEST_CASE("the handshake timeout is for TLS alone") {
  const auto main = []() -> task<> {
    scripted_origin silent([](origin_peer* peer) -> task<> { return peer->stay(); });
    session client(session_options().handshake_timeout(5ms));
    bool timed_out = false;
    try {
      (void)co_await text_of(client.get("https://" + silent.authority() + "/"));
    } catch (const eddy::http::request_timeout& e) {
      timed_out = e.kind() == eddy::http::timeout_kind::handshake;
    } catch (const eddy::http::error&) {
      timed_out = !EDDY_HAVE_OPENSSL;
    }
    CHECK(timed_out);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

namespace {

task<> answer_one(eddy::unix_listener& listener, std::string& asked) {
  eddy::unix_stream peer = co_await listener.accept();
  asked = co_await peer.read_until("\r\n\r\n", 1 << 16);
  co_await peer.write_all(reply_with("by socket"));
}

}  // namespace

TEST_CASE("a unix socket takes every connection, whatever the host and the request's proxy" *
          needs_a_kernel()) {
  const auto main = []() -> task<> {
    const folder_for_sockets folder;
    const std::string path = folder.path("/site");
    auto listener = eddy::unix_listener::bind(eddy::unix_address::path(path));
    std::string asked;
    eddy::join_handle<> serving = eddy::spawn(answer_one(listener, asked));
    session client(session_options().unix_socket(path));
    eddy::http::response answer = co_await client.get("http://any.example/x");
    CHECK(answer.remote_address() == nullptr);
    CHECK(co_await answer.text() == "by socket");
    CHECK(line_of(asked) == "GET /x HTTP/1.1");
    CHECK(field_of(asked, "Host") == "any.example");
    co_await serving;
    for (const auto& by : {eddy::http::proxy::direct(), eddy::http::proxy::parse("nowhere:1")}) {
      eddy::join_handle<> again = eddy::spawn(answer_one(listener, asked));
      CHECK(co_await text_of(client.get("http://any.example/y").proxy(by)) == "by socket");
      co_await again;
    }
    CHECK_THROWS_AS(session_options().unix_socket(""), std::invalid_argument);
  };
  eddy::run(main());
}
