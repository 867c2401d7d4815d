// What goes wrong between hosts, by script and by seed.
#include <array>
#include <eddy/runtime/cancellation.hpp>
#include <functional>
#include <vector>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::task;
using eddy::tcp_stream;

TEST_CASE("sim: latency") {
  for_seeds(50, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network().set_link("localhost", "server", eddy::sim::link_options().latency(30ms));
    const auto begin = eddy::now();
    co_await w.client.write_all("ping");
    std::array<std::byte, 4> four;
    co_await w.server.read_exactly(four);
    const auto there = eddy::now() - begin;
    co_await w.server.write_all("pong");
    co_await w.client.read_exactly(four);
    const auto back = eddy::now() - begin;
    CHECK(there >= 30ms);
    CHECK(there < 33ms);
    CHECK(back >= 60ms);
    CHECK(back < 66ms);
  });
}

TEST_CASE("sim: bandwidth") {
  for_seeds(20, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network().set_one_way(
        "localhost", "server", eddy::sim::link_options().latency(1ms).bandwidth(1'000'000));
    auto writing = eddy::spawn([](wire& on) -> task<> {
      co_await on.client.write_all(std::string(2'000'000, 'b'));
      on.client.shutdown();
    }, std::ref(w));
    const auto begin = eddy::now();
    const std::string heard = co_await everything_from(w.server);
    const auto taken = eddy::now() - begin;
    CHECK(heard.size() == 2'000'000);
    CHECK(taken >= 2000ms);
    CHECK(taken < 2400ms);
    co_await writing;
  });
}

TEST_CASE("sim: a stream survives a partition that heals") {
  for_seeds(100, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network net;
    auto reading = eddy::spawn(everything_from(w.server));
    co_await w.client.write_all("before ");
    co_await eddy::sleep(10ms);
    net.partition("localhost", "server");
    co_await w.client.write_all("while ");
    co_await w.client.write_all(std::string(200'000, 'x').substr(0, 1000));
    co_await eddy::sleep(60s);
    CHECK(!reading.done());
    net.heal("localhost", "server");
    co_await w.client.write_all(" after");
    w.client.shutdown();
    const std::string heard = co_await reading;
    CHECK(heard == "before while " + std::string(1000, 'x') + " after");
  });
}

TEST_CASE("sim: a reader that is cut off makes the writer wait, until it heals") {
  for_seeds(50, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network net;
    net.partition_one_way("server", "localhost");
    auto reading = eddy::spawn(everything_from(w.server));
    auto writing = eddy::spawn(write(w.client, std::string(500'000, 'w')));
    co_await eddy::sleep(60s);
    CHECK(!writing.done());
    net.heal();
    co_await writing;
    w.client.shutdown();
    const std::string heard = co_await reading;
    CHECK(heard.size() == 500'000);
  });
}

TEST_CASE("sim: a connection that nothing passes any more times out") {
  for_seeds(20, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network net;
    net.isolate("server");
    const auto begin = eddy::now();
    co_await w.client.write_all("anybody?");
    const int failed = co_await error_of(everything_from(w.client));
    CHECK(failed == ETIMEDOUT);
    CHECK(eddy::now() - begin >= 15min);
    // The other end knows nothing of it, until it says something.
    net.heal();
    co_await w.server.write_all("I am back");
    const int reset = co_await error_of(everything_from(w.server));
    CHECK(reset == ECONNRESET);
  });
}

TEST_CASE("sim: a connect into a partition is tried again, and ends after two minutes") {
  for_seeds(20, []() -> task<> {
    eddy::sim::network net;
    auto accepting = net.add_host("server").spawn([]() -> task<> {
      auto l = eddy::tcp_listener::bind(eddy::endpoint::any(port));
      const tcp_stream s = co_await l.accept();
    });
    co_await eddy::sleep(100ms);
    net.partition("localhost", "server");
    const auto begin = eddy::now();
    const int failed = co_await error_of(tcp_stream::connect("server", port));
    CHECK(failed == ETIMEDOUT);
    CHECK(eddy::now() - begin >= 127s);
    CHECK(eddy::now() - begin < 128s);
    auto again = eddy::spawn(tcp_stream::connect("server", port));
    co_await eddy::sleep(10s);
    net.heal();
    const auto healed = eddy::now();
    tcp_stream s = co_await again;
    CHECK(s.is_open());
    CHECK(eddy::now() - healed < 6s);  // the try after 15 seconds
    co_await accepting;
  });
}

TEST_CASE("sim: connections are reset, refused and lost by script") {
  for_seeds(20, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network net;
    net.reset_connections("localhost", "server");
    const int client = co_await error_of(everything_from(w.client));
    CHECK(client == ECONNRESET);
    const int server = co_await error_of(write(w.server, "x"));
    CHECK(server == ECONNRESET);
    net.refuse("server", port);
    const int refused = co_await error_of(tcp_stream::connect("server", port));
    CHECK(refused == ECONNREFUSED);
    net.lose("server", port);
    const int lost = co_await error_of(tcp_stream::connect("server", port));
    CHECK(lost == ETIMEDOUT);
    net.admit("server", port);
    const int admitted = co_await error_of(tcp_stream::connect("server", port));
    CHECK(admitted == 0);
  });
}

TEST_CASE("sim: a host that crashes takes its tasks and connections with it, and may come back") {
  for_seeds(50, []() -> task<> {
    eddy::sim::network net;
    const eddy::sim::host host = net.add_host("server");
    const auto serve = []() -> task<> {
      auto l = eddy::tcp_listener::bind(eddy::endpoint::any(port));
      for (std::vector<tcp_stream> guests;;) {
        tcp_stream s = co_await l.accept();
        guests.push_back(std::move(s));
      }
    };
    auto serving = host.spawn(serve);
    co_await eddy::sleep(100ms);
    tcp_stream s = co_await tcp_stream::connect("server", port);
    co_await eddy::sleep(10ms);
    net.crash("server");
    bool cancelled = false;
    try {
      co_await serving;
    } catch (const eddy::task_cancelled&) {
      cancelled = true;
    }
    CHECK(cancelled);
    const int reset = co_await error_of(everything_from(s));
    CHECK(reset == ECONNRESET);
    const int down = co_await error_of(tcp_stream::connect("server", port));
    CHECK(down == ECONNREFUSED);
    auto again = host.spawn(serve);
    co_await eddy::sleep(100ms);
    const int up = co_await error_of(tcp_stream::connect("server", port));
    CHECK(up == 0);
  });
}

TEST_CASE("sim: a script that names nobody is refused") {
  for_seeds(0, []() -> task<> {
    eddy::sim::network net;
    CHECK_THROWS_WITH_AS(net.partition("localhost", "nobody"),
                         "partition: the simulated network has no host \"nobody\"",
                         std::logic_error);
    net.add_host("twice");
    CHECK_THROWS_AS(net.add_host("twice"), std::logic_error);
    CHECK_THROWS_AS(net.add_host("other", "10.0.0.2"), std::logic_error);
    CHECK_THROWS_AS(net.add_host("none", "10.0.0"), std::logic_error);
    CHECK_THROWS_AS(net.add_address("twice", "127.0.0.1"), std::logic_error);
    net.add_address("twice", "fd00::2");
    co_return;
  });
  CHECK_THROWS_AS(eddy::sim::network(), std::logic_error);
}

TEST_CASE("sim: short reads and writes keep every byte in its place") {
  for_seeds(200, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    eddy::sim::network().set_faults(
        eddy::sim::network_faults().short_reads(600).short_writes(600));
    auto writing = eddy::spawn([](wire& on) -> task<> {
      const std::string_view pieces[] = {"one line", "", "\r\n", "and ten"};
      co_await on.client.write_all(pieces);
      co_await on.client.write_all(" bytes...");
      co_await on.client.write_all(std::string(40'000, 'z'));
      on.client.shutdown();
    }, std::ref(w));
    const std::string line = co_await w.server.read_until("\r\n", 100);
    CHECK(line == "one line\r\n");
    std::array<std::byte, 10> ten;
    co_await w.server.read_exactly(ten);
    CHECK(std::string_view(reinterpret_cast<const char*>(ten.data()), 10) == "and ten by");
    const std::string rest = co_await everything_from(w.server);
    CHECK(rest == "tes..." + std::string(40'000, 'z'));
    co_await writing;
  });
}

namespace {

struct misfortunes {
  int resets = 0;
  int refusals = 0;
  int losses = 0;
  int none = 0;
};

task<> unlucky(misfortunes& seen) {
  eddy::sim::network().set_faults(
      eddy::sim::network_faults().resets(100).refused_connects(200).lost_connects(100));
  wire w;
  const int failed = co_await error_of(connect_hosts(w));
  if (failed == ECONNREFUSED) ++seen.refusals;
  if (failed == ETIMEDOUT) ++seen.losses;
  if (failed) co_return;
  auto reading = eddy::spawn(error_of(everything_from(w.server)));
  const int wrote = co_await error_of(write(w.client, std::string(100'000, 'r')));
  CHECK((wrote == 0 || wrote == ECONNRESET));
  if (wrote == 0) w.client.shutdown();
  const int heard = co_await reading;
  CHECK((heard == 0 || heard == ECONNRESET));
  ++(heard ? seen.resets : seen.none);
}

}  // namespace

TEST_CASE("sim: faults come by their chances, and the same ones with the same seed") {
  misfortunes seen;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::uint64_t hashes[2];
    for (std::uint64_t& hash : hashes) {
      const eddy::sim::world here(eddy::sim::options().seed(seed));
      eddy::run(unlucky(seen));
      hash = here.trace_hash();
    }
    REQUIRE(hashes[0] == hashes[1]);
  }
  CHECK(seen.refusals > 100);
  CHECK(seen.losses > 40);
  CHECK(seen.resets > 100);
  CHECK(seen.none > 100);
}
