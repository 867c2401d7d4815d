// The dialer's use of time and of names, by the simulator's clock.
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>

#include "../support/dialing.hpp"
#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using namespace eddy::http;
using eddy::endpoint;
using eddy::task;
using eddy_tests::written_watch;

namespace {

task<> accept_and_keep(endpoint at) {
  eddy::tcp_listener l = eddy::tcp_listener::bind(at);
  std::vector<eddy::tcp_stream> kept;
  for (;;) {
    eddy::tcp_stream s = co_await l.accept();
    kept.push_back(std::move(s));
  }
}

auto in_whole_ms(std::chrono::nanoseconds d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d);
}

route to_server(const eddy::http::proxy& p = eddy::http::proxy()) {
  route r("server", port, false);
  r.through(p);
  return r;
}

template <class Error>
task<std::string> failure_of_dial(dialer& by, route to, written_watch& watch) {
  std::string text =
      co_await eddy_tests::failure_of<Error>(by.dial(std::move(to), watch));
  co_return std::move(text);
}

}  // namespace

TEST_CASE("sim: a dialer remembers names, and tries both families") {
  run_with(0, []() -> task<> {
    eddy::sim::network net;
    net.add_address("localhost", "fd00::99");
    net.add_host("server", "fd00::1");
    net.add_address("server", "10.0.1.2");
    auto serving = net.find_host("server").spawn(accept_and_keep(endpoint::any(port)));
    net.delay_lookup("server", 50ms);
    dialer_settings s;
    s.dns_ttl_ns = 1'000'000'000;
    dialer by(s);
    written_watch watch;
    co_await eddy::sleep(1ms);
    auto begin = eddy::now();
    transport link = co_await by.dial(to_server(), watch);
    // 50 ms for the name and its lane, 1 for the refusal by IPv6, 1 for IPv4.
    CHECK(in_whole_ms(eddy::now() - begin) == 52ms);
    CHECK(link.remote_address()->to_string() == "10.0.1.2:8000");
    begin = eddy::now();
    link = co_await by.dial(to_server(), watch);
    CHECK(eddy::now() - begin == 2ms);
    co_await eddy::sleep(1s);
    begin = eddy::now();
    link = co_await by.dial(to_server(), watch);
    CHECK(in_whole_ms(eddy::now() - begin) == 52ms);
  });
}

TEST_CASE("sim: a dialer has its own delay between addresses") {
  run_with(0, []() -> task<> {
    eddy::sim::network net;
    net.add_host("server", "10.0.1.2");
    net.add_host("lost", "10.0.1.3");
    net.add_address("lost", "10.0.1.4");
    auto serving = net.find_host("lost").spawn(accept_and_keep(endpoint::any(port)));
    net.lose("lost", port);
    dialer_settings s;
    s.attempt_delay_ns = 2'000'000'000;
    dialer by(s);
    written_watch watch;
    watch.limited = dial_phase::connecting;
    watch.limit = 5s;
    const auto begin = eddy::now();
    route to("lost", port, false);
    const std::string late = co_await failure_of_dial<eddy::timeout_error>(by, to, watch);
    CHECK(!late.empty());
    CHECK(in_whole_ms(eddy::now() - begin) == 5s + 1ms);
    CHECK(watch.phases == "resolving resolved connecting");
  });
}

TEST_CASE("sim: a name that takes longer than it may") {
  run_with(0, []() -> task<> {
    eddy::sim::network net;
    net.add_host("server", "10.0.1.2");
    net.delay_lookup("server", 1h);
    dialer by{dialer_settings()};
    written_watch watch;
    watch.limited = dial_phase::resolving;
    watch.limit = 3s;
    const auto begin = eddy::now();
    const std::string late =
        co_await failure_of_dial<eddy::timeout_error>(by, to_server(), watch);
    CHECK(!late.empty());
    CHECK(eddy::now() - begin == 3s);
    CHECK(watch.phases == "resolving");
  });
}

TEST_CASE("sim: whose name it is that has no address") {
  run_with(0, []() -> task<> {
    eddy::sim::network net;
    dialer by{dialer_settings()};
    written_watch watch;
    const eddy::http::proxy p = eddy::http::proxy::parse("socks5h://u:secret@gate.test");
    std::string text = co_await failure_of_dial<proxy_resolve_error>(by, to_server(p), watch);
    CHECK(text ==
          "proxy socks5h://gate.test:1080: cannot resolve gate.test: Name or service not known");
    CHECK(watch.phases == "resolving");
    text = co_await failure_of_dial<eddy::resolve_error>(by, to_server(), watch);
    CHECK(text == "cannot resolve server: Name or service not known");
  });
}
