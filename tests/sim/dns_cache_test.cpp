// The cache of names, by the simulator's clock.
#include "../../net/dns_cache.hpp"

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/timeout.hpp>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::endpoint;
using eddy::task;
using eddy::detail::dns_cache;
using eddy::detail::dns_cache_names;
using eddy::detail::lookup_answer;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// Answers each question with another address, after a while.
class name_source {
 public:
  dns_cache::ask ask() {
    return [this](std::string host, std::int64_t patience_ns) {
      return answer(std::move(host), patience_ns);
    };
  }

  std::chrono::nanoseconds takes = 10ms;
  std::int64_t ttl_ns = eddy::detail::no_time_to_live;
  bool fails = false;
  int partial = 0;  // so many answers
  std::chrono::nanoseconds patience{0};
  int asked = 0;
  int answered = 0;

 private:
  task<lookup_answer> answer(std::string host, std::int64_t patience_ns) {
    patience = std::chrono::nanoseconds(patience_ns);
    const std::string number = std::to_string(++asked);
    co_await eddy::sleep(takes);
    ++answered;
    if (fails) eddy::detail::throw_not_resolved(host, "as told");
    lookup_answer out;
    out.addresses.push_back(endpoint::parse("192.0.2." + number, 0));
    out.time_to_live_ns = ttl_ns;
    out.is_partial = partial > 0;
    if (partial > 0) --partial;
    co_return std::move(out);
  }
};

task<std::string> address_of(dns_cache& names, std::string host) {
  const eddy::detail::dns_found found = co_await names.resolve(std::move(host), 80);
  co_return found.addresses.front().to_string();
}

task<std::string> failure_of_name(dns_cache& names, std::string host) {
  try {
    (void)co_await names.resolve(std::move(host), 80);
  } catch (const eddy::resolve_error& e) {
    co_return e.what();
  }
  co_return std::string();
}

}  // namespace

TEST_CASE("dns cache: an answer holds for its time to live, which has a limit") {
  run_with(0, []() -> task<> {
    name_source source;
    dns_cache names(10 * second_ns, dns_cache_names, source.ask());
    source.ttl_ns = 3 * second_ns;
    std::string at = co_await address_of(names, "three.test");
    CHECK(at == "192.0.2.1:80");
    co_await eddy::sleep(3s - 1ns);
    at = co_await address_of(names, "THREE.test");
    CHECK(at == "192.0.2.1:80");
    co_await eddy::sleep(1ns);
    source.ttl_ns = 3600 * second_ns;
    at = co_await address_of(names, "three.test");
    CHECK(at == "192.0.2.2:80");
    co_await eddy::sleep(10s - 1ns);
    at = co_await address_of(names, "three.test");
    CHECK(at == "192.0.2.2:80");
    co_await eddy::sleep(1ns);
    source.ttl_ns = eddy::detail::no_time_to_live;
    at = co_await address_of(names, "three.test");
    CHECK(at == "192.0.2.3:80");
    co_await eddy::sleep(10s - 1ns);
    at = co_await address_of(names, "three.test");
    CHECK(at == "192.0.2.3:80");
    CHECK(names.statistics().hits == 3);
    CHECK(names.statistics().misses == 3);
    names.clear();
    at = co_await address_of(names, "three.test");
    CHECK(at == "192.0.2.4:80");
  });
}

TEST_CASE("dns cache: without a time to live nothing is remembered, and lookups are shared") {
  for_seeds(20, []() -> task<> {
    name_source source;
    dns_cache names(0, dns_cache_names, source.ask());
    const auto both =
        co_await eddy::gather(address_of(names, "one.test"), address_of(names, "one.test"));
    CHECK(std::get<0>(both) == std::get<1>(both));
    CHECK(source.asked == 1);
    const std::string again = co_await address_of(names, "one.test");
    CHECK(again == "192.0.2.2:80");
  });
}

TEST_CASE("dns cache: many ask, one lookup") {
  for_seeds(20, []() -> task<> {
    name_source source;
    dns_cache names(second_ns, dns_cache_names, source.ask());
    std::vector<task<std::string>> all;
    for (int i = 0; i < 100; ++i) all.push_back(address_of(names, "one.test"));
    const std::vector<std::string> found = co_await eddy::gather(std::move(all));
    for (const std::string& at : found) CHECK(at == "192.0.2.1:80");
    CHECK(source.asked == 1);
    CHECK(names.statistics().joins == 99);
  });
}

TEST_CASE("dns cache: one who is cancelled leaves the lookup to the others") {
  for_seeds(50, []() -> task<> {
    name_source source;
    dns_cache names(second_ns, dns_cache_names, source.ask());
    auto first = eddy::spawn(address_of(names, "one.test"));
    auto second = eddy::spawn(address_of(names, "one.test"));
    co_await eddy::sleep(5ms);
    first.cancel();
    const std::string at = co_await second;
    CHECK(at == "192.0.2.1:80");
    CHECK(source.asked == 1);
    CHECK(source.answered == 1);
    bool stopped = false;
    try {
      (void)co_await first;
    } catch (const eddy::task_cancelled&) {
      stopped = true;
    }
    CHECK(stopped);
  });
}

TEST_CASE("dns cache: the last one who is cancelled ends the lookup") {
  for_seeds(50, []() -> task<> {
    name_source source;
    dns_cache names(second_ns, dns_cache_names, source.ask());
    source.takes = 1h;
    const auto begin = eddy::now();
    for (int i = 0; i < 2; ++i) {
      bool late = false;
      try {
        (void)co_await eddy::with_timeout(1s, address_of(names, "one.test"));
      } catch (const eddy::timeout_error&) {
        late = true;
      }
      CHECK(late);
    }
    CHECK(eddy::now() - begin < 1min);
    CHECK(source.asked == 2);
    CHECK(source.answered == 0);
    CHECK(names.statistics().names == 0);
  });
}

TEST_CASE("dns cache: a failure is told to all who wait, and not remembered") {
  for_seeds(20, []() -> task<> {
    name_source source;
    dns_cache names(second_ns, dns_cache_names, source.ask());
    source.fails = true;
    const auto both = co_await eddy::gather(failure_of_name(names, "one.test"),
                                            failure_of_name(names, "one.test"));
    CHECK(std::get<0>(both) == "cannot resolve one.test: as told");
    CHECK(std::get<1>(both) == "cannot resolve one.test: as told");
    CHECK(source.asked == 1);
    source.fails = false;
    const std::string at = co_await address_of(names, "one.test");
    CHECK(at == "192.0.2.2:80");
  });
}

TEST_CASE("dns cache: the name that was not used for the longest time goes first") {
  run_with(0, []() -> task<> {
    name_source source;
    dns_cache names(1000 * second_ns, 2, source.ask());
    (void)co_await address_of(names, "one.test");
    (void)co_await address_of(names, "two.test");
    (void)co_await address_of(names, "one.test");
    (void)co_await address_of(names, "three.test");
    CHECK(names.statistics().names == 2);
    CHECK(source.asked == 3);
    (void)co_await address_of(names, "one.test");
    CHECK(source.asked == 3);
    (void)co_await address_of(names, "two.test");
    CHECK(source.asked == 4);
  });
}

TEST_CASE("dns cache: addresses, and what can be no name, are not looked up") {
  run_with(0, []() -> task<> {
    name_source source;
    dns_cache names(second_ns, dns_cache_names, source.ask());
    std::string at = co_await address_of(names, "::1");
    CHECK(at == "[::1]:80");
    at = co_await failure_of_name(names, "");
    CHECK(at == "cannot resolve \"\": the name is empty");
    at = co_await failure_of_name(names, "a b");
    CHECK(at == "cannot resolve \"a b\": the name has a byte that is not printable ASCII");
    CHECK(source.asked == 0);
  });
}

TEST_CASE("dns cache: the hosts of the simulated network") {
  run_with(0, []() -> task<> {
    eddy::sim::network net;
    net.add_host("server", "10.0.1.2");
    dns_cache names(eddy::detail::usual_dns_ttl_ns);
    std::string at = co_await address_of(names, "server");
    CHECK(at == "10.0.1.2:80");
    net.fail_lookup("server", "gone");
    at = co_await address_of(names, "server");
    CHECK(at == "10.0.1.2:80");
    co_await eddy::sleep(10s);
    at = co_await failure_of_name(names, "server");
    CHECK(at == "cannot resolve server: gone");
  });
}

TEST_CASE("dns cache: what is missing is asked for once, with patience, and remembered") {
  run_with(0, []() -> task<> {
    name_source source;
    dns_cache names(second_ns, dns_cache_names, source.ask());
    source.partial = 1;
    const eddy::detail::dns_found part = co_await names.resolve("a.test", 80);
    CHECK(part.is_partial);
    CHECK(source.patience == 50ms);
    const eddy::detail::dns_found again = co_await names.resolve("a.test", 80);
    CHECK(again.is_partial);
    CHECK(source.asked == 1);

    auto both = co_await eddy::gather(names.resolve_rest("A.test", 81),
                                      names.resolve_rest("a.test", 82));
    CHECK(source.asked == 2);
    CHECK(source.patience == 1s);
    CHECK(std::get<0>(both).front().to_string() == "192.0.2.2:81");
    CHECK(std::get<1>(both).front().to_string() == "192.0.2.2:82");
    const eddy::detail::dns_found whole = co_await names.resolve("a.test", 80);
    CHECK(!whole.is_partial);
    CHECK(whole.addresses.front().to_string() == "192.0.2.2:80");
    CHECK(source.asked == 2);

    co_await eddy::sleep(1s);  // both are too old
    source.partial = 2;
    const std::string fresh = co_await address_of(names, "a.test");
    CHECK(fresh == "192.0.2.3:80");
    const std::vector<endpoint> rest = co_await names.resolve_rest("a.test", 80);
    CHECK(rest.front().to_string() == "192.0.2.4:80");
    CHECK(source.asked == 4);
  });
}
