// What a simulated world says to those who use it wrongly.
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdlib>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_files.hpp>
#include <eddy/runtime/sim_network.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace sim = eddy::sim;
using eddy::task;
using namespace std::chrono_literals;

namespace {

class environment {
 public:
  environment(const char* name, const char* value) : name_(name) {
    if (const char* found = std::getenv(name)) found_ = found;
    ::setenv(name, value, 1);
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() {
    found_ ? ::setenv(name_, found_->c_str(), 1) : ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> found_;
};

task<> nothing() { co_return; }

std::string message_of(auto&& what) {
  try {
    what();
  } catch (const std::logic_error& e) {
    return e.what();
  }
  return {};
}

task<> dial(std::uint16_t port) {
  auto stream = co_await eddy::tcp_stream::connect("server", port);
  co_await stream.close();
}

const sim::options calm = sim::options().seed(0);

}  // namespace

TEST_CASE("sim: a seed in the environment that is no number is refused") {
  const std::string limits = ": not a number from 0 to 18446744073709551615";
  for (const char* bad : {"garbage", "-1", "12x", " 7", "0x10", "18446744073709551616"}) {
    const environment seed("EDDY_SIM_SEED", bad);
    const std::string expected = std::string("EDDY_SIM_SEED=").append(bad) + limits;
    CHECK(message_of([] { sim::run(nothing()); }) == expected);
    CHECK(message_of([] { eddy::run(nothing()); }) == expected);
    CHECK(message_of([] { sim::explore(nothing); }) == expected);
    CHECK(message_of([] { sim::search(nothing); }) == expected);
    sim::run(nothing(), calm);  // which has chosen its own
  }
  const environment seed("EDDY_SIM_SEED", "18446744073709551615");
  CHECK(sim::explore(nothing) == 1);
}

TEST_CASE("sim: an exploration that would try nothing is refused") {
  const environment seed("EDDY_SIM_SEED", "");
  for (const char* bad : {"many", "0", "-5", "1e3"}) {
    const environment count("EDDY_SIM_COUNT", bad);
    CHECK(message_of([] { sim::explore(nothing); }) ==
          std::string("EDDY_SIM_COUNT=").append(bad) +
              ": not a number from 1 to 18446744073709551615");
  }
  const environment count("EDDY_SIM_COUNT", "");
  CHECK(message_of([] { sim::explore(nothing, sim::exploration().count(0)); }) ==
        "sim: an exploration of no seeds");
}

TEST_CASE("sim: an order in the environment that is none is refused") {
  const environment order("EDDY_SIM_ORDER", "lifo");
  CHECK(message_of([] { eddy::run(nothing()); }) == "EDDY_SIM_ORDER=lifo: not fifo or random");
}

TEST_CASE("sim: chances above a thousand and the like are refused") {
  CHECK(message_of([] { sim::run(nothing(), sim::options().file_faults(1001)); }) ==
        "sim: options::file_faults of 1001 in a thousand");
  const sim::world here(calm);
  sim::network net;
  net.set_links(sim::link_options().loss(1000).latency(0s));
  CHECK(message_of([&] { net.set_links(sim::link_options().loss(1001)); }) ==
        "sim: link_options::loss of 1001 in a thousand");
  CHECK(message_of([&] { net.set_links(sim::link_options().latency(2ns, 1ns)); }) ==
        "sim: link_options::latency from 2 to 1 ns");
  CHECK(message_of([&] { net.set_links(sim::link_options().bandwidth(-1)); }) ==
        "sim: link_options::bandwidth of -1 bytes a second");
  CHECK(message_of([&] { net.set_faults(sim::network_faults().resets(4000)); }) ==
        "sim: network_faults::resets of 4000 in a thousand");
  CHECK(message_of([] { sim::fail_file(sim::file_call::open, "/a", -EIO); }) ==
        "sim::fail_file: /a: -5 is no errno value");
}

TEST_CASE("sim: a host of another world is refused") {
  std::optional<sim::host> old;
  {
    const sim::world here(calm);
    old = sim::network().add_host("server");
  }
  const auto body = [&]() -> task<> {
    auto handle = old->spawn(nothing());
    co_await handle;
  };
  CHECK(message_of([&] { sim::run(body(), calm); }) ==
        "sim::host::spawn: this world has no host number 1; hosts end with their world");
}

TEST_CASE("sim: what takes longer than time lasts never comes") {
  const auto body = []() -> task<> {
    sim::network net;
    net.add_host("server");
    net.set_links(sim::link_options().latency(std::chrono::hours::max()));
    CHECK_THROWS_AS(co_await eddy::with_timeout(1h, dial(80)), std::system_error);
    net.set_links(sim::link_options().latency(24h * 365 * 250));
    CHECK_THROWS_AS(co_await eddy::with_timeout(1h, dial(80)), std::system_error);
    net.delay_lookup("server", std::chrono::hours::max());
    CHECK_THROWS_AS(co_await eddy::with_timeout(1h, dial(80)), eddy::timeout_error);
  };
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    sim::run(body(), sim::options().seed(seed));
  }
}
