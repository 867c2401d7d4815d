// TCP in the simulated network: what a kernel promises, and what goes wrong between hosts.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_network.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <string>
#include <system_error>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::task;
using eddy::tcp_listener;
using eddy::tcp_stream;

namespace {

constexpr std::uint16_t port = 8000;

task<> echo_connection(tcp_stream s) {
  for (;;) {
    eddy::lease got = co_await s.receive();
    if (got.empty()) break;
    co_await s.write_all(got.text());
  }
  s.shutdown();
}

task<> echo_server(int connections) {
  tcp_listener l = tcp_listener::bind(eddy::endpoint::any(port));
  for (int i = 0; i < connections; ++i) {
    tcp_stream s = co_await l.accept();
    eddy::spawn(echo_connection(std::move(s))).detach();
  }
}

task<std::string> everything_from(tcp_stream& s) {
  std::string out;
  for (;;) {
    eddy::lease got = co_await s.receive();
    if (got.empty()) co_return out;
    out.append(got.text());
  }
}

}  // namespace

TEST_CASE("sim: an echo between hosts") {
  for_seeds(200, []() -> task<> {
    eddy::sim::network net;
    const eddy::sim::host server = net.add_host("server");
    auto serving = server.spawn(echo_server(1));
    co_await eddy::sleep(1ms);
    tcp_stream s = co_await tcp_stream::connect("server", port);
    CHECK(s.remote_address().port() == port);
    co_await s.write_all("hello ");
    co_await s.write_all("there");
    s.shutdown();
    const std::string heard = co_await everything_from(s);
    CHECK(heard == "hello there");
    co_await serving;
  });
}
