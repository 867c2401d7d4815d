// The order of addresses, and connecting to several of them.
#include "../../net/connect_any.hpp"

#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>

#include "../support/streams.hpp"

using namespace eddy;
using namespace eddy_tests;
using detail::connect_any;
using detail::connection_attempt_delay_ns;
using detail::interleave_families;

namespace {

// "6a 4b": an address for each word, by its family and last digit.
std::vector<endpoint> addresses(std::string_view words) {
  std::vector<endpoint> out;
  for (std::size_t i = 0; i + 1 < words.size(); i += 3) {
    const std::string last(1, words[i + 1]);
    out.push_back(words[i] == '6' ? endpoint::parse("fd00::" + last, 1)
                                  : endpoint::parse("10.0.0." + last, 1));
  }
  return out;
}

task<endpoint> closed_address() {
  tcp_listener gone = tcp_listener::bind(endpoint::loopback(0));
  const endpoint at = gone.local_address();
  co_await gone.close();
  co_return at;
}

}  // namespace

TEST_CASE("happy eyeballs: the families take turns, each in its order") {
  CHECK(interleave_families(addresses("61 62 63 41 42")) == addresses("61 41 62 42 63"));
  CHECK(interleave_families(addresses("41 42 61")) == addresses("41 61 42"));
  CHECK(interleave_families(addresses("61 41 62 42")) == addresses("61 41 62 42"));
  CHECK(interleave_families(addresses("61 62")) == addresses("61 62"));
  CHECK(interleave_families(addresses("41")) == addresses("41"));
  CHECK(interleave_families({}).empty());
}

TEST_CASE("happy eyeballs: an address that refuses is passed over") {
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const endpoint refusing = co_await closed_address();
    std::vector<endpoint> both{refusing, listener.local_address()};
    tcp_stream s = co_await connect_any(std::move(both), "both", connection_attempt_delay_ns);
    CHECK(s.remote_address() == listener.local_address());
    tcp_stream accepted = co_await listener.accept();
    CHECK(accepted.remote_address() == s.local_address());
  }());
}

TEST_CASE("happy eyeballs: attempts that start together leave one connection") {
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    std::vector<endpoint> all(8, listener.local_address());
    tcp_stream s = co_await connect_any(std::move(all), "all", 0);
    co_await s.write_all("x");
    // The listener may see any of the others, which have ended; the winner is among them.
    for (;;) {
      tcp_stream accepted = co_await listener.accept();
      if (accepted.remote_address() != s.local_address()) continue;
      const std::string heard = co_await accepted.read_until("x", 1);
      CHECK(heard == "x");
      break;
    }
  }());
}

TEST_CASE("happy eyeballs: all fail") {
  run([]() -> task<> {
    const endpoint one = co_await closed_address();
    const endpoint two = co_await closed_address();
    std::vector<endpoint> both{one, two};
    const std::string text = co_await failure_of<std::system_error>(
        connect_any(std::move(both), "both:1", connection_attempt_delay_ns));
    CHECK(text == "connect to both:1: " + one.to_string() + ": Connection refused; " +
                      two.to_string() + ": Connection refused");
    const std::string none = co_await failure_of<std::logic_error>(
        connect_any(std::vector<endpoint>(), "nothing:1", connection_attempt_delay_ns));
    CHECK(none == "connect to nothing:1: no addresses were given");
  }());
}

TEST_CASE("happy eyeballs: in a cancelled scope nothing is tried") {
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    std::vector<endpoint> one{listener.local_address()};
    auto connecting = spawn(connect_any(std::move(one), "one", connection_attempt_delay_ns));
    connecting.cancel();
    const bool stopped = co_await was_cancelled(std::move(connecting));
    CHECK(stopped);
  }());
}
