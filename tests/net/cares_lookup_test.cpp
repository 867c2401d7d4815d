// Names by c-ares, asked of a name server of our own.
#include "../../net/cares_lookup.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

#include "../support/descriptors.hpp"
#include "../support/name_server.hpp"
#include "../support/streams.hpp"

using namespace eddy;
using namespace eddy_tests;
using detail::cares_settings;
using detail::look_up_by_cares;
using detail::lookup_answer;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr const char* no_server =
    ": no name server can be reached, or none can answer (SERVFAIL, REFUSED)";

cares_settings asking(const name_server& server) {
  cares_settings s;
  s.has_server = true;
  s.server = server.address();
  s.tcp_port = server.tcp_port();
  return s;
}

std::vector<std::string> sorted_addresses(const lookup_answer& a) {
  std::vector<std::string> out;
  for (const endpoint& at : a.addresses) out.push_back(at.address_string());
  std::sort(out.begin(), out.end());
  return out;
}

task<std::string> failure(std::string name, cares_settings s) {
  std::string text = co_await failure_of<resolve_error>(look_up_by_cares(std::move(name), s));
  co_return std::move(text);
}

}  // namespace

TEST_CASE("c-ares: addresses of both families, and the least time to live") {
  run([]() -> task<> {
    name_server server;
    name_record r;
    r.addresses = {"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    r.ttl = 30;
    server.set("both.test", r);
    const lookup_answer found = co_await look_up_by_cares("both.test", asking(server));
    const std::vector<std::string> all{"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    CHECK(sorted_addresses(found) == all);
    CHECK(found.time_to_live_ns == 30 * second_ns);
    CHECK(server.questions() == 2);

    r.alias = "elsewhere.test";
    r.alias_ttl = 7;
    server.set("alias.test", r);
    const lookup_answer by_alias = co_await look_up_by_cares("alias.test", asking(server));
    CHECK(sorted_addresses(by_alias) == all);
    CHECK(by_alias.time_to_live_ns == 7 * second_ns);

    r.alias_ttl = 0;
    server.set("zero.test", r);
    const lookup_answer brief = co_await look_up_by_cares("zero.test.", asking(server));
    CHECK(brief.time_to_live_ns == 0);
  }());
}

TEST_CASE("c-ares: one family is enough") {
  run([]() -> task<> {
    name_server server;
    name_record r;
    r.addresses = {"192.0.2.1"};
    server.set("four.test", r);
    r.addresses = {"2001:db8::1"};
    server.set("six.test", r);
    const lookup_answer four = co_await look_up_by_cares("four.test", asking(server));
    CHECK(sorted_addresses(four) == std::vector<std::string>{"192.0.2.1"});
    const lookup_answer six = co_await look_up_by_cares("six.test", asking(server));
    CHECK(sorted_addresses(six) == std::vector<std::string>{"2001:db8::1"});
  }());
}

TEST_CASE("c-ares: a family that does not answer costs its patience, not the time to ask again") {
  run([]() -> task<> {
    name_server server;
    name_record r;
    r.addresses = {"192.0.2.1", "2001:db8::1"};
    r.silent_type = 28;
    server.set("four.test", r);
    r.silent_type = 1;
    r.ttl = 3;
    server.set("six.test", r);
    cares_settings s = asking(server);
    s.patience_ns = detail::resolution_delay_ns;
    for (const std::string& name : {std::string("four.test"), std::string("six.test")}) {
      const time_point begin = now();
      const lookup_answer found = co_await look_up_by_cares(name, s);
      const auto took = now() - begin;
      CHECK(took >= std::chrono::milliseconds(50));
      CHECK(took < std::chrono::seconds(2));  // c-ares asks again after at least that
      const bool is_four = name == "four.test";
      CHECK(sorted_addresses(found) ==
            std::vector<std::string>{is_four ? "192.0.2.1" : "2001:db8::1"});
      CHECK(found.is_partial);
      CHECK(found.time_to_live_ns == (is_four ? 60 : 3) * second_ns);
    }
    CHECK(server.questions() == 4);
  }());
}

TEST_CASE("c-ares: a family that answers within the patience of the other one counts") {
  run([]() -> task<> {
    name_server server;
    for (const unsigned held : {1U, 28U}) {
      name_record r;
      r.addresses = {"192.0.2.1", "2001:db8::1"};
      r.held_type = held;
      r.held = std::chrono::milliseconds(30);
      server.set("held.test", r);
      cares_settings s = asking(server);
      s.patience_ns = 20 * second_ns;
      const lookup_answer both = co_await look_up_by_cares("held.test", s);
      CHECK(sorted_addresses(both) == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
      CHECK(!both.is_partial);
      s.patience_ns = 0;
      const lookup_answer one = co_await look_up_by_cares("held.test", s);
      CHECK(one.addresses.size() == 1);
      CHECK(one.is_partial);
    }
  }());
}

TEST_CASE("c-ares: a family that fails does not spoil the other one") {
  run([]() -> task<> {
    name_server server;
    for (const unsigned broken : {1U, 28U}) {
      name_record r;
      r.addresses = {"192.0.2.1", "2001:db8::1"};
      r.broken_type = broken;
      server.set("broken.test", r);
      const lookup_answer found = co_await look_up_by_cares("broken.test", asking(server));
      CHECK(found.addresses.size() == 1);
      CHECK(found.addresses[0].is_ipv6() == (broken == 1));
      CHECK(!found.is_partial);
      r.addresses.clear();
      server.set("broken.test", r);
      const std::string why = co_await failure("broken.test", asking(server));
      CHECK(why == "cannot resolve broken.test" + std::string(no_server));
    }
  }());
}

TEST_CASE("c-ares: the families of a short name are those of one host") {
  ::setenv("LOCALDOMAIN", "a.test b.test", 1);
  run([]() -> task<> {
    name_server server;
    name_record r;
    r.addresses = {"192.0.2.1"};
    server.set("printer.a.test", r);
    r.addresses = {"192.0.2.2", "2001:db8::2"};
    server.set("printer.b.test", r);
    const lookup_answer found = co_await look_up_by_cares("printer", asking(server));
    CHECK(sorted_addresses(found) == std::vector<std::string>{"192.0.2.1"});
    server.set("both.b.test", r);
    const lookup_answer both = co_await look_up_by_cares("both", asking(server));
    CHECK(both.addresses.size() == 2);
  }());
  ::unsetenv("LOCALDOMAIN");
}

TEST_CASE("c-ares: errors name the host and the cause") {
  run([]() -> task<> {
    name_server server;
    const cares_settings s = asking(server);
    const std::string unknown = co_await failure("unknown.test", s);
    CHECK(unknown == "cannot resolve unknown.test: Name or service not known");
    const std::string bad = co_await failure("a..test", s);
    CHECK(bad == "cannot resolve a..test: Name or service not known");
    server.set("empty.test", name_record());
    const std::string empty = co_await failure("empty.test", s);
    CHECK(empty == "cannot resolve empty.test: No address associated with hostname");
    name_record r;
    r.code = 2;
    server.set("broken.test", r);
    const std::string broken = co_await failure("broken.test", s);
    CHECK(broken == "cannot resolve broken.test" + std::string(no_server));
    r.code = 5;
    server.set("refused.test", r);
    const std::string refused = co_await failure("refused.test", s);
    CHECK(refused == "cannot resolve refused.test" + std::string(no_server));
    r = name_record();
    r.addresses = {"192.0.2.1", "2001:db8::1"};
    r.malformed = true;
    server.set("malformed.test", r);
    const std::string malformed = co_await failure("malformed.test", s);
    CHECK(malformed == "cannot resolve malformed.test: the name server's answer is malformed");
  }());
}

TEST_CASE("c-ares: a name server that is silent, and one that is not there") {
  run([]() -> task<> {
    cares_settings s;
    {
      name_server server;
      name_record r;
      r.silent = true;
      server.set("silent.test", r);
      s = asking(server);
      s.timeout_ms = 20;
      const std::string silent = co_await failure("silent.test", s);
      CHECK(silent == "cannot resolve silent.test: no name server has answered in time");
      CHECK(server.questions() == 2 * detail::name_server_tries);
    }
    co_await settle();
    const std::string gone = co_await failure("gone.test", s);
    // Not every system tells of a closed port.
    const bool told = gone == "cannot resolve gone.test" + std::string(no_server);
    const bool late = gone == "cannot resolve gone.test: no name server has answered in time";
    CHECK_MESSAGE((told || late), gone);
  }());
}

TEST_CASE("c-ares: an answer that was cut is asked for by TCP") {
  run([]() -> task<> {
    name_server server;
    name_record r;
    for (int i = 1; i <= 100; ++i) r.addresses.push_back("192.0.2." + std::to_string(i));
    r.truncated = true;
    server.set("many.test", r);
    const lookup_answer found = co_await look_up_by_cares("many.test", asking(server));
    CHECK(found.addresses.size() == max_resolved_addresses);
    CHECK(server.by_stream() > 0);
  }());
}

TEST_CASE("c-ares: many names at once") {
  run([]() -> task<> {
    name_server server;
    std::vector<task<lookup_answer>> all;
    for (int i = 1; i <= 60; ++i) {
      name_record r;
      r.addresses = {"192.0.2." + std::to_string(i)};
      const std::string name = "n" + std::to_string(i) + ".test";
      server.set(name, r);
      all.push_back(look_up_by_cares(name, asking(server)));
    }
    const std::vector<lookup_answer> found = co_await gather(std::move(all));
    for (int i = 1; i <= 60; ++i) {
      CHECK(sorted_addresses(found[static_cast<std::size_t>(i - 1)]) ==
            std::vector<std::string>{"192.0.2." + std::to_string(i)});
    }
  }());
}

TEST_CASE("c-ares: cancelled in flight, its sockets are closed at once") {
  run([]() -> task<> {
    name_server server;
    name_record r;
    r.silent = true;
    server.set("silent.test", r);
    co_await settle();
    const std::size_t before = open_descriptors();
    for (int turns = 0; turns < 6; ++turns) {
      auto asking_it = spawn(look_up_by_cares("silent.test", asking(server)));
      for (int i = 0; i < turns; ++i) co_await yield();
      asking_it.cancel();
      const bool stopped = co_await was_cancelled(std::move(asking_it));
      CHECK(stopped);
      CHECK(open_descriptors() == before);
    }
    const bool late = co_await times_out(look_up_by_cares("silent.test", asking(server)));
    CHECK(late);
    CHECK(open_descriptors() == before);
    r = name_record();
    r.addresses = {"192.0.2.1"};
    server.set("here.test", r);
    const lookup_answer found = co_await look_up_by_cares("here.test", asking(server));
    CHECK(found.addresses.size() == 1);
  }());
}

TEST_CASE("c-ares: what getaddrinfo reads without asking anybody") {
  for (const char* name : {"127.1", "0x7f.1", "2130706433", "127.1.", "fe80::1%lo", "a.0X1"}) {
    CAPTURE(name);
    CHECK(detail::is_for_getaddrinfo(name));
  }
  for (const char* name : {"a.test", "1.test", "7f.a1", "a.", ".", "localhost"}) {
    CAPTURE(name);
    CHECK(!detail::is_for_getaddrinfo(name));
  }
  const std::vector<endpoint> found = run(resolve("127.1", 80));
  REQUIRE(found.size() == 1);
  CHECK(found[0] == endpoint::loopback(80));
}

TEST_CASE("c-ares: the names of /etc/hosts") {
  const std::vector<endpoint> found = run(resolve("localhost", 80));
  CHECK(std::count(found.begin(), found.end(), endpoint::loopback(80)) == 1);
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const std::uint16_t port = listener.local_address().port();
    auto both = co_await gather(tcp_stream::connect("localhost", port), listener.accept());
    CHECK(std::get<0>(both).remote_address() == listener.local_address());
  }());
}
