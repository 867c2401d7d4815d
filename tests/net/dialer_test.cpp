// From a route to a transport, without TLS.
#include "../../net/http/dialer.hpp"

#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>

#include "../support/dialing.hpp"
#include "../support/simulated.hpp"
#include "../support/unix_paths.hpp"

using namespace eddy;
using namespace eddy::http;
using namespace eddy_tests;

namespace {

route to_host(const std::string& host, std::uint16_t port, const http::proxy& p = http::proxy()) {
  route r(host, port, false);
  r.through(p);
  return r;
}

task<std::string> failure_of_dial(route to) {
  dialer by{dialer_settings()};
  written_watch watch;
  std::string text = co_await failure_of<std::exception>(by.dial(std::move(to), watch));
  co_return std::move(text);
}

// A little time, which passes in a simulated world only while everybody waits.
task<> give(int turns) {
  if (is_simulated()) {
    co_await sleep(turns * std::chrono::microseconds(100));
  } else {
    for (int i = 0; i < turns * 100; ++i) co_await yield();
  }
}

// The text of the proxy_error, with the proxy's address replaced by "P".
task<std::string> refusal(scripted_origin& proxy, route to) {
  dialer by{dialer_settings()};
  written_watch watch;
  std::string text = co_await failure_of<proxy_error>(by.dial(std::move(to), watch));
  const std::size_t at = text.find(proxy.authority());
  if (at != text.npos) text.replace(at, proxy.authority().size(), "P");
  co_return std::move(text);
}

task<detail::lookup_answer> families_of(std::string, std::int64_t patience_ns) {
  detail::lookup_answer out;
  out.addresses.push_back(endpoint::parse("::1", 0));
  out.is_partial = patience_ns < detail::late_answer_patience_ns;
  if (!out.is_partial) out.addresses.push_back(endpoint::loopback(0));
  co_return std::move(out);
}

}  // namespace

TEST_CASE("dialer: straight to an address, and to a name") {
  run([]() -> task<> {
    scripted_origin origin(echo_lines);
    dialer by{dialer_settings()};
    written_watch watch;
    transport link = co_await by.dial(to_host("127.0.0.1", origin.address().port()), watch);
    CHECK(watch.phases == "connecting connected open");
    CHECK(link.remote_address() == origin.address());
    const std::string heard = co_await exchange_line(link, "hello\n");
    CHECK(heard == "hello\n");

    watch.phases.clear();
    transport named = co_await by.dial(to_host("localhost", origin.address().port()), watch);
    CHECK(watch.phases == "resolving resolved connecting connected open");
    CHECK(named.remote_address() == origin.address());
    CHECK(by.names().statistics().misses == 1);
  }());
}

TEST_CASE("dialer: a family that answered late is asked for when the other one refuses") {
  run([]() -> task<> {
    scripted_origin origin(echo_lines);
    dialer_settings settings;
    // The origin listens on IPv4 only.
    settings.look_up = [](std::string host, std::int64_t patience_ns) {
      return families_of(std::move(host), patience_ns);
    };
    dialer by(settings);
    for (int i = 0; i < 2; ++i) {
      written_watch watch;
      transport link = co_await by.dial(to_host("late.test", origin.address().port()), watch);
      CHECK(watch.phases == "resolving resolved connecting connected open");
      CHECK(link.remote_address() == origin.address());
      CHECK(by.names().statistics().misses == 2);
    }
    CHECK(by.names().statistics().hits == 1);
  }());
}

TEST_CASE("dialer: nobody there") {
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const endpoint at = listener.local_address();
    co_await listener.close();
    const std::string text = co_await failure_of_dial(to_host("127.0.0.1", at.port()));
    CHECK(text == "connect to " + at.to_string() + ": Connection refused");
    const http::proxy p = http::proxy::parse("http://u:secret@" + at.to_string());
    const std::string by_proxy = co_await failure_of_dial(to_host("example.com", 80, p));
    CHECK(by_proxy == "connect to proxy http://" + at.to_string() + ": " + at.to_string() +
                          ": Connection refused");
  }());
}

TEST_CASE("dialer: a unix socket, whatever the host") {
  folder_for_sockets folder;
  run([](const std::string path) -> task<> {
    auto listener = unix_listener::bind(unix_address::path(path));
    dialer by{dialer_settings()};
    written_watch watch;
    route to("no-such-host.invalid", 80, false);
    to.by_socket(unix_address::path(path));
    transport link = co_await by.dial(to, watch);
    CHECK(watch.phases == "connecting connected open");
    CHECK(!link.remote_address());
    unix_stream accepted = co_await listener.accept();
    std::size_t sent = 0;
    co_await link.write_all("x", &sent);
    const std::string heard = co_await accepted.read_until("x", 1);
    CHECK(heard == "x");
  }(folder.path("/socket")));
}

TEST_CASE("dialer: a forwarding proxy is connected to, and asked nothing") {
  run([]() -> task<> {
    scripted_origin proxy(echo_lines);
    dialer by{dialer_settings()};
    written_watch watch;
    const route to = to_host("no-such-host.invalid", 80, proxy_at("http://u:secret@", proxy));
    transport link = co_await by.dial(to, watch);
    CHECK(watch.phases == "connecting connected open");
    const std::string heard = co_await exchange_line(link, "hello\n");
    CHECK(heard == "hello\n");
  }());
}

TEST_CASE("dialer: a SOCKS proxy gets the name, or the address that we have found") {
  run([]() -> task<> {
    scripted_origin origin(echo_lines);
    scripted_origin proxy(socks_to(origin.address()));
    dialer by{dialer_settings()};
    written_watch watch;
    const route named = to_host("no-such-host.invalid", 80, proxy_at("socks5h://", proxy));
    transport link = co_await by.dial(named, watch);
    CHECK(watch.phases == "connecting connected asking_proxy open");
    std::string heard = co_await exchange_line(link, "hello\n");
    CHECK(heard == "hello\n");

    watch.phases.clear();
    const route found = to_host("localhost", 80, proxy_at("socks5://", proxy));
    transport other = co_await by.dial(found, watch);
    CHECK(watch.phases == "resolving resolved connecting connected asking_proxy open");
    heard = co_await exchange_line(other, "again\n");
    CHECK(heard == "again\n");
    REQUIRE(proxy.requests().size() == 2);
    CHECK(proxy.requests()[0] == "name no-such-host.invalid");
    CHECK(proxy.requests()[1] == "address " + std::string("\x7f\x00\x00\x01", 4));
  }());
}

TEST_CASE("dialer: SOCKS with a password") {
  run([]() -> task<> {
    scripted_origin origin(echo_lines);
    scripted_origin proxy(socks_to(origin.address(), "ann", "secret"));
    dialer by{dialer_settings()};
    written_watch watch;
    transport link =
        co_await by.dial(to_host("a.test", 80, proxy_at("socks5h://ann:secret@", proxy)), watch);
    const std::string heard = co_await exchange_line(link, "hello\n");
    CHECK(heard == "hello\n");
    const std::string wrong =
        co_await refusal(proxy, to_host("a.test", 80, proxy_at("socks5h://ann:no@", proxy)));
    CHECK(wrong.starts_with("proxy socks5h://P, asked for a.test:80: the SOCKS proxy "));
    CHECK(wrong.find("no@") == wrong.npos);
  }());
}

TEST_CASE("dialer: a SOCKS proxy's refusals") {
  run([]() -> task<> {
    const auto said = [](char reply) -> task<std::string> {
      scripted_origin proxy(socks_to(endpoint::loopback(1), "", "", reply));
      std::string text =
          co_await refusal(proxy, to_host("::1", 80, proxy_at("socks5h://", proxy)));
      co_return std::move(text);
    };
    const std::string host = co_await said(4);
    CHECK(host ==
          "proxy socks5h://P, asked for [::1]:80: the SOCKS proxy refused: host unreachable "
          "(reply 4)");
    const std::string rules = co_await said(2);
    CHECK(rules ==
          "proxy socks5h://P, asked for [::1]:80: the SOCKS proxy refused: connection not allowed "
          "by its rules (reply 2)");
  }());
}

TEST_CASE("dialer: a SOCKS proxy that is none") {
  for (const std::string said : {"", "\x05", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x04\x5a",
                                 "\x05\x01"}) {
    CAPTURE(said);
    run([](const std::string reply) -> task<> {
      scripted_origin proxy([reply](origin_peer* peer) -> task<> {
        const std::string greeting = co_await bytes_from(peer->stream, 3);
        co_await peer->stream.write_all(reply);
      });
      const std::string text =
          co_await refusal(proxy, to_host("a.test", 80, proxy_at("socks5h://", proxy)));
      CHECK(text.starts_with("proxy socks5h://P, asked for a.test:80: the SOCKS proxy "));
    }(said));
  }
}

TEST_CASE("dialer: a phase that lasts too long") {
  run([]() -> task<> {
    scripted_origin proxy([](origin_peer* peer) -> task<> { co_await peer->stay(); });
    dialer by{dialer_settings()};
    written_watch watch;
    watch.limited = dial_phase::asking_proxy;
    watch.limit = std::chrono::milliseconds(5);
    const std::string text = co_await failure_of<timeout_error>(
        by.dial(to_host("a.test", 80, proxy_at("socks5h://", proxy)), watch));
    CHECK(!text.empty());
    CHECK(watch.phases == "connecting connected asking_proxy");
  }());
}

TEST_CASE("dialer: what a watch throws ends it") {
  class refusing final : public dial_watch {
   public:
    time_point enter(dial_phase phase) override {
      if (phase == dial_phase::connected) throw error("enough");
      return never_ends;
    }
  };
  run([]() -> task<> {
    scripted_origin origin(echo_lines);
    dialer by{dialer_settings()};
    refusing watch;
    const std::string text = co_await failure_of<error>(
        by.dial(to_host("127.0.0.1", origin.address().port()), watch));
    CHECK(text == "enough");
  }());
}

TEST_CASE("dialer: cancelled at any await, it leaves nothing open") {
  run([]() -> task<> {
    scripted_origin origin(echo_lines);
    scripted_origin proxy(socks_to(origin.address(), "ann", "secret"));
    dialer by{dialer_settings()};
    const route to = to_host("localhost", 80, proxy_at("socks5://ann:secret@", proxy));
    int finished = 0;
    for (int turns = 0; finished < 6; ++turns) {
      written_watch watch;
      auto dialling = spawn(by.dial(to, watch));
      co_await give(turns);
      dialling.cancel();
      try {
        transport link = co_await dialling;
        ++finished;
        CHECK(watch.phases.ends_with(" open"));
      } catch (const task_cancelled&) {
        CHECK(!watch.phases.ends_with(" open"));
      }
    }
    while (proxy.log().open > 0 || origin.log().open > 0) co_await settle();
  }());
}
