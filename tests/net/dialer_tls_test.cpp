// The dialer's routes with TLS on them.
#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/run.hpp>

#include "../support/dialing.hpp"
#include "../support/simulated.hpp"
#include "../support/tls_streams.hpp"
#include "../support/unix_paths.hpp"

using namespace eddy;
using namespace eddy::http;
using namespace eddy_tests;

namespace {

const certificates& files() { return certificates::get(); }

// Answers a line with itself, again and again.
template <class Stream>
task<> echo_on(Stream s) {
  std::array<std::byte, 4096> room;
  for (;;) {
    const std::size_t got = co_await s.read_some(room);
    if (got == 0) break;
    co_await s.write_all(std::span<const std::byte>(room).first(got));
  }
}

scripted_origin::script tls_echo(tls_context as) {
  return [as](origin_peer* peer) -> task<> {
    tls_stream s = co_await tls_stream::accept(std::move(peer->stream), as);
    co_await echo_on(std::move(s));
  };
}

template <class From, class To>
task<> pump_some(From& from, To& to) {
  std::array<std::byte, 4096> room;
  for (;;) {
    const std::size_t got = co_await from.read_some(room);
    if (got == 0) break;
    co_await to.write_all(std::span<const std::byte>(room).first(got));
  }
}

// A CONNECT proxy that is spoken to by TLS.
scripted_origin::script tls_tunnel_to(tls_context as, endpoint to) {
  return [as, to](origin_peer* peer) -> task<> {
    tls_stream s = co_await tls_stream::accept(std::move(peer->stream), as);
    const std::string asked = co_await read_text(s);
    peer->log.requests.push_back(asked);
    tcp_stream target = co_await tcp_stream::connect(to);
    co_await s.write_all("HTTP/1.1 200 OK\r\n\r\n");
    co_await race(pump_some(s, target), pump_some(target, s));
  };
}

route to_localhost(std::uint16_t port, const http::proxy& p = http::proxy()) {
  route r("localhost", port, true);
  r.through(p);
  return r;
}

task<> check_echo(transport& link) {
  const std::string heard = co_await exchange_line(link, "hello\n");
  CHECK(heard == "hello\n");
}

std::string fixed_cnonce() { return "0123456789abcdef0123456789abcdef"; }

void on_a_loop(task<> (*body)()) {
  (void)files();
  run(body());
}

}  // namespace

TEST_CASE("dialer: TLS with the origin") {
  on_a_loop([]() -> task<> {
    scripted_origin origin(tls_echo(serving(files().good)));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    written_watch watch;
    transport link = co_await by.dial(to_localhost(origin.address().port()), watch);
    CHECK(watch.phases == "resolving resolved connecting connected securing open");
    CHECK(link.remote_address() == origin.address());
    co_await check_echo(link);
  });
}

TEST_CASE("dialer: http/1.1 is offered by ALPN, whatever the caller's context says") {
  on_a_loop([]() -> task<> {
    tls_context server = serving(files().good);
    server.alpn("http/1.1");
    auto agreed = std::make_shared<std::vector<std::string>>();
    scripted_origin origin([server, agreed](origin_peer* peer) -> task<> {
      tls_stream s = co_await tls_stream::accept(std::move(peer->stream), server);
      agreed->push_back(s.alpn());
      co_await echo_on(std::move(s));
    });
    std::vector<tls_context> contexts(2, trusting(files().ca));
    contexts[1] = trusting(files().ca);
    contexts[1].alpn("h2");
    for (const tls_context& context : contexts) {
      dialer by{dialer_settings()};
      by.trust(context);
      written_watch watch;
      transport link = co_await by.dial(to_localhost(origin.address().port()), watch);
      co_await check_echo(link);
      CHECK(agreed->back() == "http/1.1");
    }
    CHECK(agreed->size() == 2);
  });
}

TEST_CASE("dialer: TLS before anybody is trusted is a mistake of the caller's") {
  on_a_loop([]() -> task<> {
    scripted_origin origin(tls_echo(serving(files().good)));
    dialer by{dialer_settings()};
    written_watch watch;
    const std::string text = co_await failure_of<std::logic_error>(
        by.dial(to_localhost(origin.address().port()), watch));
    CHECK(text == "a connection needs TLS before it is known whom to trust");
  });
}

TEST_CASE("dialer: sessions of TLS are resumed, on the same route only") {
  on_a_loop([]() -> task<> {
    tls_context server = serving(files().good);
    server.tickets(true);
    auto resumed = std::make_shared<std::vector<bool>>();
    scripted_origin origin([server, resumed](origin_peer* peer) -> task<> {
      tls_stream s = co_await tls_stream::accept(std::move(peer->stream), server);
      resumed->push_back(s.resumed());
      co_await echo_on(std::move(s));
    });
    scripted_origin proxy(tunnel_to(origin.address()));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    const std::uint16_t port = origin.address().port();
    std::vector<route> routes(2, to_localhost(port));
    routes.push_back(to_localhost(port, proxy_at("http://", proxy)));
    for (const route& to : routes) {
      written_watch watch;
      transport link = co_await by.dial(to, watch);
      co_await check_echo(link);
      co_await link.say_goodbye();
      co_await link.close();
    }
    const std::vector<bool> expected{false, true, false};
    CHECK(*resumed == expected);
  });
}

TEST_CASE("dialer: a tunnel, and the proxy's credentials in its head alone") {
  on_a_loop([]() -> task<> {
    scripted_origin origin(tls_echo(serving(files().good)));
    scripted_origin proxy(tunnel_to(origin.address()));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    written_watch watch;
    const http::proxy through = proxy_at("http://ann:s%20t@", proxy);
    transport link = co_await by.dial(to_localhost(443, through), watch);
    CHECK(watch.phases == "connecting connected asking_proxy securing open");
    co_await check_echo(link);
    REQUIRE(proxy.requests().size() == 1);
    CHECK(proxy.requests()[0] ==
          "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n"
          "Proxy-Authorization: Basic YW5uOnMgdA==\r\n\r\n");
  });
}

TEST_CASE("dialer: a refused tunnel") {
  on_a_loop([]() -> task<> {
    for (const std::string status :
         {"407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"}) {
      CAPTURE(status);
      const std::string reply = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
      scripted_origin proxy(tunnel_to(endpoint::loopback(1), {reply, reply}));
      dialer by{dialer_settings()};
      written_watch watch;
      const std::string text = co_await failure_of<proxy_error>(
          by.dial(to_localhost(443, proxy_at("http://ann:secret@", proxy)), watch));
      CHECK(text == "proxy http://" + proxy.authority() + " refuses a tunnel to localhost:443: " +
                        status);
      CHECK(proxy.log().accepted == 1);
    }
  });
}

TEST_CASE("dialer: a proxy that wants Digest is asked once more") {
  on_a_loop([]() -> task<> {
    const std::string challenge =
        "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Digest realm=\"gate\", nonce=\"abc\", "
        "qop=\"auth\", algorithm=SHA-256\r\nContent-Length: 0\r\n\r\n";
    scripted_origin origin(tls_echo(serving(files().good)));
    scripted_origin proxy(tunnel_to(origin.address(), {challenge}));
    http::proxy p = proxy_at("http://", proxy);
    p.auth(http::auth::digest("ann", "secret"));
    digest_state known;
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    by.answer_proxies(known, fixed_cnonce);
    written_watch watch;
    transport link = co_await by.dial(to_localhost(443, p), watch);
    co_await check_echo(link);
    CHECK(watch.phases ==
          "connecting connected asking_proxy connecting connected asking_proxy securing open");
    REQUIRE(proxy.requests().size() == 2);
    CHECK(proxy.requests()[0].find("Proxy-Authorization") == std::string::npos);
    CHECK(proxy.requests()[1].find("\r\nProxy-Authorization: Digest ") != std::string::npos);
    CHECK(proxy.requests()[1].find("uri=\"localhost:443\"") != std::string::npos);
    // The next tunnel answers beforehand.
    transport next = co_await by.dial(to_localhost(443, p), watch);
    co_await check_echo(next);
    CHECK(proxy.requests().size() == 3);

    scripted_origin strict(tunnel_to(origin.address(), {challenge, challenge, challenge}));
    http::proxy q = proxy_at("http://", strict);
    q.auth(http::auth::digest("ann", "wrong"));
    const std::string text =
        co_await failure_of<proxy_error>(by.dial(to_localhost(443, q), watch));
    CHECK(text.ends_with("refuses a tunnel to localhost:443: 407 Who?"));
    CHECK(strict.log().accepted == 2);
  });
}

TEST_CASE("dialer: TLS to the proxy, and in it TLS to the origin") {
  on_a_loop([]() -> task<> {
    scripted_origin origin(tls_echo(serving(files().good)));
    scripted_origin proxy(tls_tunnel_to(serving(files().good), origin.address()));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    written_watch watch;
    transport link =
        co_await by.dial(to_localhost(443, proxy_at("https://ann:secret@", proxy)), watch);
    CHECK(watch.phases == "connecting connected securing_proxy asking_proxy securing open");
    CHECK(link.remote_address() == proxy.address());
    co_await check_echo(link);
    REQUIRE(proxy.requests().size() == 1);
    CHECK(proxy.requests()[0].starts_with("CONNECT localhost:443 HTTP/1.1\r\n"));
  });
}

TEST_CASE("dialer: a forwarding proxy by TLS, and one whose certificate is another's") {
  on_a_loop([]() -> task<> {
    scripted_origin proxy(tls_echo(serving(files().good)));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    written_watch watch;
    route to("a.test", 80, false);
    to.through(proxy_at("https://", proxy));
    CHECK(to.kind() == route_kind::forward);
    transport link = co_await by.dial(to, watch);
    CHECK(watch.phases == "connecting connected securing_proxy open");
    co_await check_echo(link);

    scripted_origin other(tls_echo(serving(files().wrong_host)));
    route there("a.test", 80, false);
    there.through(proxy_at("https://", other));
    const std::string text = co_await failure_of<certificate_error>(by.dial(there, watch));
    CHECK(text.find("127.0.0.1") != std::string::npos);
  });
}

TEST_CASE("dialer: TLS through a SOCKS proxy, and by a unix socket") {
  folder_for_sockets folder;
  (void)files();
  run([](const std::string path) -> task<> {
    scripted_origin origin(tls_echo(serving(files().good)));
    scripted_origin proxy(socks_to(origin.address()));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    written_watch watch;
    transport link = co_await by.dial(to_localhost(443, proxy_at("socks5h://", proxy)), watch);
    CHECK(watch.phases == "connecting connected asking_proxy securing open");
    co_await check_echo(link);

    auto listener = unix_listener::bind(unix_address::path(path));
    auto answering = spawn([](unix_listener& at) -> task<> {
      unix_stream raw = co_await at.accept();
      tls_stream s = co_await tls_stream::accept(std::move(raw), serving(files().good));
      co_await echo_on(std::move(s));
    }, std::ref(listener));
    route local("localhost", 443, true);
    local.by_socket(unix_address::path(path));
    {
      transport by_path = co_await by.dial(local, watch);
      co_await check_echo(by_path);
      co_await by_path.say_goodbye();
    }
    co_await answering;
  }(folder.path("/socket")));
}

TEST_CASE("dialer: a handshake that does not get on") {
  on_a_loop([]() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> { co_await peer->stay(); });
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    written_watch watch;
    watch.limited = dial_phase::securing;
    watch.limit = std::chrono::milliseconds(5);
    const std::string text = co_await failure_of<timeout_error>(
        by.dial(to_localhost(origin.address().port()), watch));
    CHECK(!text.empty());
    CHECK(watch.phases.ends_with(" securing"));
  });
}

TEST_CASE("dialer: cancelled at any await of TLS in TLS, it leaves nothing open") {
  on_a_loop([]() -> task<> {
    scripted_origin origin(tls_echo(serving(files().good)));
    scripted_origin proxy(tls_tunnel_to(serving(files().good), origin.address()));
    dialer by{dialer_settings()};
    by.trust(trusting(files().ca));
    const route to = to_localhost(443, proxy_at("https://", proxy));
    int finished = 0;
    for (int turns = 0; finished < 3; ++turns) {
      written_watch watch;
      auto dialling = spawn(by.dial(to, watch));
      if (is_simulated()) {
        co_await sleep(turns * std::chrono::microseconds(200));
      } else {
        for (int i = 0; i < turns * 200; ++i) co_await yield();
      }
      dialling.cancel();
      try {
        transport link = co_await dialling;
        ++finished;
      } catch (const task_cancelled&) {
        CHECK(!watch.phases.ends_with(" open"));
      }
    }
    while (!is_simulated() && proxy.log().open > 0) co_await settle();
  });
}
