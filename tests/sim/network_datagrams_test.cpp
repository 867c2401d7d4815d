// Datagrams, names and unix sockets of the simulated world.
#include <array>
#include <eddy/net/resolver.hpp>
#include <eddy/net/udp.hpp>
#include <eddy/net/unix.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timeout.hpp>
#include <functional>
#include <set>
#include <vector>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::endpoint;
using eddy::task;
using eddy::udp_socket;

namespace {

// What comes in on the port until a second passes without anything.
task<std::vector<std::string>> collect() {
  udp_socket s = udp_socket::bind(endpoint::any(port));
  std::vector<std::string> out;
  for (std::array<std::byte, 16> room;;) {
    const auto one = [](udp_socket& from, std::span<std::byte> into) -> task<std::size_t> {
      const eddy::datagram got = co_await from.receive_from(into);
      CHECK(got.from.address_string() == "10.0.0.1");
      co_return got.size;
    };
    try {
      const std::size_t size = co_await eddy::with_timeout(1s, one(s, room));
      out.emplace_back(reinterpret_cast<const char*>(room.data()), size);
    } catch (const eddy::timeout_error&) {
      co_return std::move(out);
    }
  }
}

constexpr int sent = 100;

task<std::vector<std::string>> send_many(eddy::sim::link_options link) {
  eddy::sim::network net;
  auto collecting = net.add_host("server").spawn(collect());
  net.set_link("localhost", "server", link);
  co_await eddy::sleep(100ms);
  udp_socket s = udp_socket::open(eddy::ip_family::v4);
  for (int i = 0; i < sent; ++i) {
    co_await s.send_to(std::to_string(i), endpoint::parse("10.0.0.2", port));
  }
  std::vector<std::string> out = co_await collecting;
  co_return std::move(out);
}

task<std::string> why_not(std::string name) {
  try {
    (void)co_await eddy::resolve(name, port);
  } catch (const eddy::resolve_error& e) {
    co_return e.what();
  }
  co_return "";
}

}  // namespace

TEST_CASE("sim: datagrams get lost, come twice and come late, as the link has it") {
  for_seeds(30, []() -> task<> {
    const auto got = co_await send_many(eddy::sim::link_options().latency(1ms));
    REQUIRE(got.size() == sent);
    for (int i = 0; i < sent; ++i) CHECK(got[static_cast<std::size_t>(i)] == std::to_string(i));
  });
  for (std::uint64_t seed = 1; seed < 30; ++seed) {
    CAPTURE(seed);
    const auto with = [&](eddy::sim::link_options link) {
      return eddy::sim::run(send_many(link), eddy::sim::options().seed(seed));
    };
    const auto some = with(eddy::sim::link_options().loss(500));
    CHECK(some.size() > sent / 5);
    CHECK(some.size() < sent * 4 / 5);
    const auto more = with(eddy::sim::link_options().duplication(500));
    CHECK(more.size() > sent * 6 / 5);
    CHECK(std::set<std::string>(more.begin(), more.end()).size() == sent);
    const auto mixed = with(eddy::sim::link_options().latency(1ms).reordering(300));
    CHECK(mixed.size() == sent);
    CHECK(mixed != with(eddy::sim::link_options().latency(1ms)));
  }
}

TEST_CASE("sim: datagrams that are too long, or for nobody") {
  for_seeds(20, []() -> task<> {
    udp_socket s = udp_socket::bind(endpoint::loopback(0));
    const int long_error = co_await error_of([](udp_socket& on) -> task<> {
      co_await on.send_to(std::string(65'508, 'x'), endpoint::loopback(port));
    }(s));
    CHECK(long_error == EMSGSIZE);
    eddy::sim::network().add_host("server");
    s = udp_socket::open(eddy::ip_family::v4);
    s.connect(endpoint::parse("10.0.0.2", port));
    co_await s.send("anybody?");
    std::array<std::byte, 4> room;
    const int refused = co_await error_of([](udp_socket& on, std::span<std::byte> into) -> task<> {
      (void)co_await on.receive_from(into);
    }(s, room));
    CHECK(refused == ECONNREFUSED);
  });
}

TEST_CASE("sim: names are those of the hosts, unless the script says otherwise") {
  for_seeds(50, []() -> task<> {
    eddy::sim::network net;
    net.add_host("two", "192.168.1.7");
    net.add_address("two", "fd00::7");
    const auto found = co_await eddy::resolve("two", port);
    REQUIRE(found.size() == 2);
    CHECK(found[0].to_string() == "192.168.1.7:8000");
    CHECK(found[1].to_string() == "[fd00::7]:8000");
    const std::string unknown = co_await why_not("three");
    CHECK(unknown == "cannot resolve three: Name or service not known");
    net.fail_lookup("two", "the name server is on fire");
    const std::string failed = co_await why_not("two");
    CHECK(failed == "cannot resolve two: the name server is on fire");
    net.restore_lookup("two");
    net.delay_lookup("two", 5s);
    const auto begin = eddy::now();
    (void)co_await eddy::resolve("two", port);
    CHECK(eddy::now() - begin >= 5s);
    CHECK(eddy::now() - begin < 6s);
    bool late = false;
    try {
      (void)co_await eddy::with_timeout(1s, eddy::resolve("two", port));
    } catch (const eddy::timeout_error&) {
      late = true;
    }
    CHECK(late);
  });
}

TEST_CASE("sim: unix sockets") {
  for_seeds(50, []() -> task<> {
    const auto at = eddy::unix_address::path("/run/site.sock");
    const int missing = co_await error_of(eddy::unix_stream::connect(at));
    CHECK(missing == ENOENT);
    auto listener = eddy::unix_listener::bind(at);
    auto connecting = eddy::spawn(eddy::unix_stream::connect(at));
    eddy::unix_stream server = co_await listener.accept();
    eddy::unix_stream client = co_await connecting;
    co_await client.write_all("over the wall");
    client.shutdown();
    const std::string heard = co_await everything_from(server);
    CHECK(heard == "over the wall");
    co_await listener.close();
    const int gone = co_await error_of(eddy::unix_stream::connect(at));
    CHECK(gone == ENOENT);
    auto ends = eddy::unix_stream::pair();
    co_await ends.first.write_all("to the other end");
    ends.first = eddy::unix_stream();
    const std::string paired = co_await everything_from(ends.second);
    CHECK(paired == "to the other end");
  });
}
