// TCP in the simulated network: what a kernel promises.
#include <array>
#include <eddy/runtime/cancellation.hpp>
#include <functional>
#include <vector>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::endpoint;
using eddy::task;
using eddy::tcp_listener;
using eddy::tcp_stream;

namespace {

task<> echo_connection(tcp_stream s) {
  for (;;) {
    eddy::lease got = co_await s.receive();
    if (got.empty()) break;
    co_await s.write_all(got.text());
  }
  s.shutdown();
}

task<> echo_server(int connections) {
  tcp_listener l = tcp_listener::bind(endpoint::any(port));
  for (int i = 0; i < connections; ++i) {
    tcp_stream s = co_await l.accept();
    eddy::spawn(echo_connection(std::move(s))).detach();
  }
}

int bind_error(const endpoint& at) {
  try {
    (void)tcp_listener::bind(at);
  } catch (const std::system_error& e) {
    return e.code().value();
  }
  return 0;
}

}  // namespace

TEST_CASE("sim: an echo between hosts") {
  for_seeds(200, []() -> task<> {
    eddy::sim::network net;
    const eddy::sim::host server = net.add_host("server");
    auto serving = server.spawn(echo_server(1));
    co_await eddy::sleep(100ms);
    tcp_stream s = co_await tcp_stream::connect("server", port);
    CHECK(s.remote_address().to_string() == "10.0.0.2:8000");
    CHECK(s.local_address().address_string() == "10.0.0.1");
    co_await s.write_all("hello ");
    co_await s.write_all("there");
    s.shutdown();
    const std::string heard = co_await everything_from(s);
    CHECK(heard == "hello there");
    co_await serving;
  });
}

TEST_CASE("sim: half-close ends one direction and leaves the other") {
  for_seeds(50, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    w.client.shutdown();
    const std::string heard = co_await everything_from(w.server);
    CHECK(heard.empty());
    co_await w.server.write_all("still here");
    w.server.shutdown();
    const std::string answer = co_await everything_from(w.client);
    CHECK(answer == "still here");
    const int refused = co_await error_of(write(w.client, "too late"));
    CHECK(refused == EPIPE);
  });
}

TEST_CASE("sim: closing with bytes unread resets the peer") {
  for_seeds(50, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    co_await w.client.write_all("nobody reads this");
    co_await eddy::sleep(1s);
    w.server = tcp_stream();
    co_await eddy::sleep(1s);
    std::array<std::byte, 1> one;
    const int read = co_await error_of(w.client.read_exactly(one));
    CHECK(read == ECONNRESET);
    const int wrote = co_await error_of(write(w.client, "x"));
    CHECK(wrote == EPIPE);
  });
}

TEST_CASE("sim: writing to one who has closed fails after his reset") {
  for_seeds(50, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    w.server = tcp_stream();
    const std::string heard = co_await everything_from(w.client);
    CHECK(heard.empty());
    co_await w.client.write_all("x");  // the kernel cannot know yet
    co_await eddy::sleep(1s);
    const int wrote = co_await error_of(write(w.client, "y"));
    CHECK(wrote == EPIPE);
  });
}

TEST_CASE("sim: a connect that nobody answers as asked") {
  for_seeds(50, []() -> task<> {
    eddy::sim::network net;
    net.add_host("server");
    const auto begin = eddy::now();
    const int failed = co_await error_of(tcp_stream::connect("server", port));
    CHECK(failed == ECONNREFUSED);
    CHECK(eddy::now() - begin >= 1ms);  // there and back
    const int own = co_await error_of(tcp_stream::connect(endpoint::loopback(port)));
    CHECK(own == ECONNREFUSED);
    const auto asked = eddy::now();
    const int nobody = co_await error_of(tcp_stream::connect(endpoint::parse("10.9.9.9", port)));
    CHECK(nobody == EHOSTUNREACH);
    CHECK(eddy::now() - asked >= 3s);
  });
}

TEST_CASE("sim: 127.0.0.1 is each host's own") {
  for_seeds(20, []() -> task<> {
    eddy::sim::network net;
    auto serving = net.add_host("server").spawn(echo_server(1));
    co_await eddy::sleep(100ms);
    const int elsewhere = co_await error_of(tcp_stream::connect("localhost", port));
    CHECK(elsewhere == ECONNREFUSED);
    auto inside = net.find_host("server").spawn([]() -> task<std::string> {
      tcp_stream s = co_await tcp_stream::connect("localhost", port);
      CHECK(s.local_address().address_string() == "127.0.0.1");
      s.shutdown();
      std::string heard = co_await everything_from(s);
      co_return std::move(heard);
    });
    const std::string heard = co_await inside;
    CHECK(heard.empty());
    co_await serving;
  });
}

TEST_CASE("sim: addresses and ports belong to one at a time") {
  for_seeds(3, []() -> task<> {
    tcp_listener first = tcp_listener::bind(endpoint::loopback(port));
    CHECK(bind_error(endpoint::loopback(port)) == EADDRINUSE);
    CHECK(bind_error(endpoint::any(port)) == EADDRINUSE);
    CHECK(bind_error(endpoint::parse("127.0.0.2", port)) == 0);
    CHECK(bind_error(endpoint::parse("::1", port)) == 0);
    CHECK(bind_error(endpoint::parse("10.0.0.77", port)) == EADDRNOTAVAIL);
    tcp_listener any = tcp_listener::bind(endpoint::loopback(0));
    tcp_listener other = tcp_listener::bind(endpoint::loopback(0));
    CHECK(any.local_address().port() != 0);
    CHECK(any.local_address().port() != other.local_address().port());
    co_await first.close();
    CHECK(bind_error(endpoint::any(port)) == 0);
  });
}

TEST_CASE("sim: a full backlog answers when there is room") {
  for_seeds(20, []() -> task<> {
    tcp_listener l =
        tcp_listener::bind(endpoint::loopback(port), eddy::listen_options().backlog(1));
    std::vector<eddy::join_handle<tcp_stream>> dialling;
    for (int i = 0; i < 4; ++i) {
      dialling.push_back(eddy::spawn(tcp_stream::connect(endpoint::loopback(port))));
    }
    co_await eddy::sleep(100ms);
    int connected = 0;
    for (const auto& d : dialling) connected += d.done() ? 1 : 0;
    CHECK(connected == 2);
    std::vector<tcp_stream> accepted;
    for (int i = 0; i < 4; ++i) {
      tcp_stream s = co_await l.accept();
      accepted.push_back(std::move(s));
    }
    for (auto& d : dialling) {
      tcp_stream s = co_await d;
      CHECK(s.is_open());
    }
  });
}

TEST_CASE("sim: a listener that closes refuses what it has queued") {
  for_seeds(20, []() -> task<> {
    tcp_listener l = tcp_listener::bind(endpoint::loopback(port));
    tcp_stream s = co_await tcp_stream::connect(endpoint::loopback(port));
    co_await eddy::sleep(10ms);
    co_await l.close();
    co_await eddy::sleep(10ms);
    const int read = co_await error_of(everything_from(s));
    CHECK(read == ECONNRESET);
  });
}

TEST_CASE("sim: a write waits for a reader") {
  for_seeds(50, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    const std::string much(1 << 20, 'm');
    auto writing = eddy::spawn([](wire& on, const std::string& what) -> task<> {
      co_await on.client.write_all(what);
      on.client.shutdown();
    }, std::ref(w), std::cref(much));
    co_await eddy::sleep(10s);
    CHECK(!writing.done());
    const std::string heard = co_await everything_from(w.server);
    CHECK(heard == much);
    co_await writing;
  });
}

TEST_CASE("sim: a cancelled read loses no bytes, whenever it is cancelled") {
  for_seeds(300, []() -> task<> {
    wire w;
    co_await connect_hosts(w);
    auto writing = eddy::spawn([](wire& on) -> task<> {
      for (int i = 0; i < 50; ++i) {
        co_await on.client.write_all(std::string(7, static_cast<char>('a' + i % 26)));
        co_await eddy::sleep(200us);
      }
      on.client.shutdown();
    }, std::ref(w));
    std::string heard;
    int tries = 0;
    for (bool more = true; more;) {
      auto reading = eddy::spawn([](wire& on, std::string& into, int how) -> task<bool> {
        std::array<std::byte, 5> five;
        if (how % 3 == 0) {
          eddy::lease got = co_await on.server.receive();
          into.append(got.text());
          co_return !got.empty();
        }
        if (how % 3 == 1) {
          const std::size_t got = co_await on.server.read_some(five);
          into.append(reinterpret_cast<const char*>(five.data()), got);
          co_return got > 0;
        }
        co_await on.server.read_exactly(five);
        into.append(reinterpret_cast<const char*>(five.data()), 5);
        co_return true;
      }, std::ref(w), std::ref(heard), ++tries);
      co_await eddy::sleep(std::chrono::microseconds(tries % 7 * 50));
      reading.cancel();
      try {
        more = co_await reading;
      } catch (const eddy::task_cancelled&) {
      } catch (const eddy::incomplete_read&) {
      }
    }
    co_await writing;
    REQUIRE(heard.size() == 350);
    for (std::size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i] == 'a' + char(i / 7 % 26));
  });
}
