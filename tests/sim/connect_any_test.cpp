// Happy eyeballs by the simulator's clock, which is exact in its calm world.
#include <eddy/net/resolve_error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timeout.hpp>
#include <vector>

#include "../../net/connect_any.hpp"
#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::endpoint;
using eddy::task;
using eddy::tcp_listener;
using eddy::tcp_stream;
using eddy::detail::connect_any;

namespace {

constexpr std::int64_t delay_ns = eddy::detail::connection_attempt_delay_ns;
// To a host and back, in the calm world.
constexpr auto round_trip = 1ms;

// A server that counts who came, and who of them has gone.
class visitors {
 public:
  task<> serve(endpoint at) {
    tcp_listener l = tcp_listener::bind(at);
    for (;;) {
      tcp_stream s = co_await l.accept();
      ++came;
      eddy::spawn(see_off(std::move(s))).detach();
    }
  }

  int came = 0;
  int gone = 0;

 private:
  task<> see_off(tcp_stream s) {
    try {
      for (;;) {
        eddy::lease got = co_await s.receive();
        if (got.empty()) break;
      }
    } catch (const std::system_error&) {
      // A reset is an end as well.
    }
    ++gone;
  }
};

// Hosts "one" (IPv6) and "two" (IPv4) with a server each.
class two_hosts {
 public:
  two_hosts() {
    net.add_address("localhost", "fd00::99");
    net.add_host("one", "fd00::1");
    net.add_host("two", "10.0.1.2");
  }
  task<> open() {
    serving_one_ = net.find_host("one").spawn(one.serve(endpoint::parse("::", port)));
    serving_two_ = net.find_host("two").spawn(two.serve(endpoint::any(port)));
    co_await eddy::sleep(100ms);
    begin_ = eddy::now();
  }
  static std::vector<endpoint> addresses() {
    return {endpoint::parse("fd00::1", port), endpoint::parse("10.0.1.2", port)};
  }
  auto elapsed() const { return eddy::now() - begin_; }

  eddy::sim::network net;
  visitors one;
  visitors two;

 private:
  eddy::join_handle<> serving_one_;
  eddy::join_handle<> serving_two_;
  eddy::time_point begin_;
};

void in_the_calm_world(task<> (*program)()) { run_with(0, program); }

template <class T>
task<std::string> text_of_failure(task<T> body) {
  try {
    (void)co_await std::move(body);
  } catch (const std::system_error& e) {
    co_return e.what();
  }
  co_return std::string();
}

}  // namespace

TEST_CASE("sim: the first address is all that is asked if it answers in time") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    tcp_stream s = co_await connect_any(two_hosts::addresses(), "both", delay_ns);
    CHECK(hosts.elapsed() == round_trip);
    CHECK(s.remote_address().to_string() == "[fd00::1]:8000");
    co_await eddy::sleep(1s);
    CHECK(hosts.one.came == 1);
    CHECK(hosts.two.came == 0);
  });
}

TEST_CASE("sim: an address that is silent costs 250 ms") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.lose("one", port);
    tcp_stream s = co_await connect_any(two_hosts::addresses(), "both", delay_ns);
    CHECK(hosts.elapsed() == 250ms + round_trip);
    CHECK(s.remote_address().to_string() == "10.0.1.2:8000");
    CHECK(hosts.one.came == 0);
  });
}

TEST_CASE("sim: an address that refuses costs no delay") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.refuse("one", port);
    tcp_stream s = co_await connect_any(two_hosts::addresses(), "both", delay_ns);
    CHECK(hosts.elapsed() == 2 * round_trip);
    CHECK(s.remote_address().to_string() == "10.0.1.2:8000");
  });
}

TEST_CASE("sim: many silent addresses are tried side by side") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.lose("one", port);
    std::vector<endpoint> addresses(4, endpoint::parse("fd00::1", port));
    addresses.push_back(endpoint::parse("10.0.1.2", port));
    tcp_stream s = co_await connect_any(std::move(addresses), "all", delay_ns);
    CHECK(hosts.elapsed() == 4 * 250ms + round_trip);
    CHECK(s.remote_address().to_string() == "10.0.1.2:8000");
  });
}

TEST_CASE("sim: a slow first address may still win, and the second connection is given up") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.set_link("localhost", "one", eddy::sim::link_options().latency(130ms));
    hosts.net.set_link("localhost", "two", eddy::sim::link_options().latency(7ms));
    tcp_stream s = co_await connect_any(two_hosts::addresses(), "both", delay_ns);
    CHECK(hosts.elapsed() == 260ms);
    CHECK(s.remote_address().to_string() == "[fd00::1]:8000");
    co_await eddy::sleep(1s);
    CHECK(hosts.one.came == 1);
    CHECK(hosts.one.gone == 0);
    CHECK(hosts.two.came == hosts.two.gone);
  });
}

TEST_CASE("sim: when two answer at once one is returned, the other closed") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.set_link("localhost", "one", eddy::sim::link_options().latency(135ms));
    hosts.net.set_link("localhost", "two", eddy::sim::link_options().latency(10ms));
    tcp_stream s = co_await connect_any(two_hosts::addresses(), "both", delay_ns);
    CHECK(hosts.elapsed() == 270ms);
    CHECK(s.remote_address().to_string() == "[fd00::1]:8000");
    co_await eddy::sleep(1s);
    CHECK(hosts.one.came + hosts.two.came == 2);
    CHECK(hosts.one.gone + hosts.two.gone == 1);
    CHECK(s.is_open());
  });
}

TEST_CASE("sim: when all fail the error tells the cause of each, in their order") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.refuse("two", port);
    std::vector<endpoint> addresses{endpoint::parse("10.9.9.9", port),
                                    endpoint::parse("10.0.1.2", port)};
    const std::string text =
        co_await text_of_failure(connect_any(std::move(addresses), "both:8000", delay_ns));
    CHECK(text ==
          "connect to both:8000: 10.9.9.9:8000: No route to host; 10.0.1.2:8000: "
          "Connection refused");
    CHECK(hosts.elapsed() == 3s);
  });
}

TEST_CASE("sim: a late failure of an early address starts the next one at once") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    // The first fails after 3 s, when the second has been silent for half a second.
    hosts.net.lose("one", port);
    std::vector<endpoint> addresses{endpoint::parse("10.9.9.9", port),
                                    endpoint::parse("fd00::1", port),
                                    endpoint::parse("10.0.1.2", port)};
    tcp_stream s =
        co_await connect_any(std::move(addresses), "all", std::int64_t{2'500'000'000});
    CHECK(hosts.elapsed() == 3s + round_trip);
    CHECK(s.remote_address().to_string() == "10.0.1.2:8000");
  });
}

TEST_CASE("sim: a connect by name tries both families") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    hosts.net.add_address("two", "fd00::2");
    hosts.net.partition("localhost", "one");
    co_await hosts.open();
    tcp_stream s = co_await tcp_stream::connect("two", port);
    CHECK(s.remote_address().to_string() == "10.0.1.2:8000");
    const int refused = co_await error_of(tcp_stream::connect("two", 1));
    CHECK(refused == ECONNREFUSED);
  });
}

TEST_CASE("sim: cancelled at any moment, connecting leaves no connection behind") {
  for_seeds(30, []() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.set_link("localhost", "one", eddy::sim::link_options().latency(130ms));
    hosts.net.set_link("localhost", "two", eddy::sim::link_options().latency(7ms));
    for (int i = 0; i < 60; ++i) {
      auto connecting = eddy::spawn(connect_any(two_hosts::addresses(), "both", delay_ns));
      co_await eddy::sleep(std::chrono::milliseconds(5 * i) + std::chrono::microseconds(i));
      connecting.cancel();
      try {
        tcp_stream s = co_await connecting;
        CHECK(s.is_open());
      } catch (const eddy::task_cancelled&) {
      }
    }
    co_await eddy::sleep(10s);
    CHECK(hosts.one.came == hosts.one.gone);
    CHECK(hosts.two.came == hosts.two.gone);
    CHECK(hosts.one.came + hosts.two.came > 0);
  });
}

TEST_CASE("sim: a timeout ends all attempts") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.lose("one", port);
    hosts.net.lose("two", port);
    bool timed_out = false;
    try {
      tcp_stream s = co_await eddy::with_timeout(
          1s, connect_any(two_hosts::addresses(), "both", delay_ns));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(hosts.elapsed() == 1s);
  });
}

namespace {

// One address, and the other a second later by its own question.
class late_family {
 public:
  eddy::detail::more_addresses more() {
    return [this] { return ask(); };
  }
  task<tcp_stream> connect() {
    std::vector<endpoint> first{two_hosts::addresses()[0]};
    return connect_any(std::move(first), "both", delay_ns, more());
  }

  int asked = 0;
  bool fails = false;
  std::chrono::milliseconds takes = 10ms;

 private:
  task<std::vector<endpoint>> ask() {
    ++asked;
    co_await eddy::sleep(takes);
    if (fails) throw eddy::resolve_error("no");
    co_return two_hosts::addresses();
  }
};

}  // namespace

TEST_CASE("sim: a family that answered late is asked for only when it is needed") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    late_family late;
    tcp_stream s = co_await late.connect();
    CHECK(hosts.elapsed() == round_trip);
    CHECK(late.asked == 0);
  });
}

TEST_CASE("sim: a family that answered late helps when the other one is silent") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.lose("one", port);
    late_family late;
    tcp_stream s = co_await late.connect();
    CHECK(hosts.elapsed() == 250ms + 10ms + round_trip);
    CHECK(s.remote_address().to_string() == "10.0.1.2:8000");
    CHECK(late.asked == 1);
  });
}

TEST_CASE("sim: a family that answered late helps when the other one refuses") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    late_family late;
    std::vector<endpoint> refusing{endpoint::parse("fd00::1", port + 1)};
    tcp_stream s = co_await connect_any(std::move(refusing), "both", delay_ns, late.more());
    CHECK(hosts.elapsed() < 250ms);
    CHECK(late.asked == 1);

    late.fails = true;
    refusing.assign(1, endpoint::parse("fd00::1", port + 1));
    const std::string text =
        co_await text_of_failure(connect_any(std::move(refusing), "x", delay_ns, late.more()));
    CHECK(text == "connect to x: [fd00::1]:8001: Connection refused");
  });
}

TEST_CASE("sim: a connection that comes late ends the question for more") {
  in_the_calm_world([]() -> task<> {
    two_hosts hosts;
    co_await hosts.open();
    hosts.net.set_links(eddy::sim::link_options().latency(200ms));
    late_family late;
    late.takes = 1h;
    tcp_stream s = co_await late.connect();
    CHECK(late.asked == 1);
    CHECK(hosts.elapsed() < 1s);
  });
}
