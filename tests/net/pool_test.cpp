#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../support/simulated.hpp"
#include "../../net/http/pool.hpp"
#include "../../net/http/pool_ledger.hpp"
#include "../../net/http/redirect.hpp"
#include "../../net/http/retry.hpp"

using namespace std::chrono_literals;
using eddy::http::connection_pool;
using eddy::http::connection_slot;
using eddy::http::pool_entry;
using eddy::http::pool_host;
using eddy::http::pool_ledger;
using answer = eddy::http::pool_ledger::answer;

namespace {

class fake_request final : public eddy::http::pool_request {
 public:
  explicit fake_request(pool_host& h) { host = &h; }
  void on_cancel() noexcept override {}
};

// A connection of the ledger's: opened in a slot, or found idle.
pool_entry& open_in(pool_ledger& books, pool_host& host, std::list<pool_entry>& made) {
  const pool_ledger::decision d = books.decide(host);
  REQUIRE(d.what == answer::open);
  books.take(host, d);
  pool_entry& e = made.emplace_back();
  e.host = &host;
  return e;
}

}  // namespace

TEST_CASE("the ledger opens up to its limits and then lets wait") {
  pool_ledger books(3, 2);
  pool_host& a = books.find("http://a");
  pool_host& b = books.find("http://b");
  std::list<pool_entry> made;
  open_in(books, a, made);
  open_in(books, a, made);
  CHECK(books.decide(a).what == answer::wait);  // the limit of its origin
  open_in(books, b, made);
  CHECK(books.decide(b).what == answer::wait);  // the limit of all
  CHECK(books.slots() == 3);
  books.vacate(a);
  CHECK(books.decide(a).what == answer::open);
  CHECK(books.decide(b).what == answer::open);
  CHECK(books.most_slots() == 3);
}

TEST_CASE("the ledger takes the connection that was used last, and evicts the one idle longest") {
  pool_ledger books(3, 0);
  pool_host& a = books.find("http://a");
  pool_host& b = books.find("http://b");
  std::list<pool_entry> made;
  pool_entry& first = open_in(books, a, made);
  pool_entry& second = open_in(books, a, made);
  pool_entry& third = open_in(books, a, made);
  books.give_back(second, 10);
  books.give_back(first, 20);
  books.give_back(third, 30);
  CHECK(books.idle() == 3);
  CHECK(books.decide(a).what == answer::reuse);
  CHECK(books.decide(a).entry == &third);
  const pool_ledger::decision d = books.decide(b);
  CHECK(d.what == answer::evict);
  CHECK(d.entry == &second);
  books.take(b, d);
  CHECK(a.slots == 2);
  CHECK(b.slots == 1);
  CHECK(books.slots() == 3);
  CHECK(books.idle() == 2);
  CHECK(books.take_idle(19) == nullptr);
  CHECK(books.take_idle(20) == &first);
  CHECK(books.take_idle(eddy::detail::never_ns) == &third);
  CHECK(books.idle() == 0);
}

TEST_CASE("the line is one FIFO, in which only an origin's own limit is passed over") {
  pool_ledger books(2, 1);
  pool_host& a = books.find("http://a");
  pool_host& b = books.find("http://b");
  pool_host& c = books.find("http://c");
  std::list<pool_entry> made;
  pool_entry& of_a = open_in(books, a, made);
  open_in(books, b, made);
  fake_request first(a);
  fake_request second(b);
  fake_request third(c);
  for (fake_request* r : {&first, &second, &third}) books.enqueue(*r);
  pool_ledger::decision d;
  CHECK(books.first_in_line(d) == nullptr);

  // a's connection comes free: its own request has waited longest.
  books.give_back(of_a, 1);
  CHECK(books.first_in_line(d) == &first);
  CHECK(d.what == answer::reuse);
  books.withdraw(first);
  books.take(a, d);
  CHECK(books.first_in_line(d) == nullptr);

  // b's slot comes free: b's request is before c's.
  books.vacate(b);
  CHECK(books.first_in_line(d) == &second);
  books.withdraw(second);
  books.take(b, d);
  CHECK(books.first_in_line(d) == nullptr);

  // a's connection is idle again, and nobody waits for a: its slot goes to c.
  books.give_back(of_a, 2);
  CHECK(books.first_in_line(d) == &third);
  CHECK(d.what == answer::evict);
  books.withdraw(third);
  books.take(c, d);
  CHECK(c.slots == 1);
  CHECK(books.waiting() == 0);
}

TEST_CASE("the ledger forgets origins that have neither slot nor request") {
  pool_ledger books(2, 0);
  for (int i = 0; i < 1000; ++i) {
    pool_host& host = books.find("http://host" + std::to_string(i));
    books.take(host, books.decide(host));
    books.unpin(host);
    CHECK(books.hosts() == 1);
    books.vacate(host);
  }
  CHECK(books.hosts() == 0);
}

TEST_CASE("no sequence of events breaks the ledger's limits, order or counts") {
  constexpr std::size_t limit = 5;
  constexpr std::size_t per_host = 2;
  std::mt19937 draw(7);
  pool_ledger books(limit, per_host);
  std::vector<pool_host*> hosts;
  for (int i = 0; i < 4; ++i) hosts.push_back(&books.find("http://h" + std::to_string(i)));
  std::vector<std::unique_ptr<pool_entry>> busy;
  std::vector<pool_entry*> idle;
  std::list<fake_request> line;

  const auto grant = [&](pool_host& host, const pool_ledger::decision& d) {
    books.take(host, d);
    std::unique_ptr<pool_entry> e(d.entry);
    if (d.entry) std::erase(idle, d.entry);
    if (d.what != answer::reuse) e = std::make_unique<pool_entry>();
    e->host = &host;
    busy.push_back(std::move(e));
  };
  const auto serve = [&] {
    pool_ledger::decision d;
    while (auto* r = books.first_in_line(d)) {
      // Nobody before it in the line could have been served.
      for (fake_request& before : line) {
        if (&before == r) break;
        CHECK(books.decide(*before.host).what == answer::wait);
      }
      books.withdraw(*r);
      grant(*r->host, d);
      line.remove_if([&](fake_request& f) { return &f == r; });
    }
  };

  for (int i = 0; i < 20000; ++i) {
    const auto what = draw() % 6;
    if (what < 3) {
      pool_host& host = *hosts[draw() % hosts.size()];
      const pool_ledger::decision d = books.decide(host);
      if (d.what == answer::wait) {
        books.enqueue(line.emplace_back(host));
      } else {
        grant(host, d);
      }
    } else if (what == 3 && !line.empty()) {
      auto cancelled = line.begin();
      std::advance(cancelled, draw() % line.size());
      books.withdraw(*cancelled);
      line.erase(cancelled);
    } else if (!busy.empty()) {
      busy[draw() % busy.size()].swap(busy.back());
      std::unique_ptr<pool_entry> e = std::move(busy.back());
      busy.pop_back();
      if (what == 4) {
        idle.push_back(e.get());
        books.give_back(*e.release(), i);
      } else {
        books.vacate(*e->host);
      }
      serve();
    }
    REQUIRE(books.slots() == busy.size() + idle.size());
    REQUIRE(books.slots() <= limit);
    REQUIRE(books.idle() == idle.size());
    REQUIRE(books.waiting() == line.size());
    for (const pool_host* h : hosts) REQUIRE(h->slots <= per_host);
  }
  while (pool_entry* e = books.take_idle(eddy::detail::never_ns)) delete e;
}

TEST_CASE("a request is repeated only under all four conditions") {
  using eddy::http::may_retry;
  using facts = eddy::http::failed_exchange;
  //                    reused begun  idemp. sent   body  retry
  CHECK(may_retry(facts{true, false, true, true, true, false}));
  CHECK(may_retry(facts{true, false, true, false, true, false}));
  CHECK(may_retry(facts{true, false, false, false, true, false}));
  CHECK_FALSE(may_retry(facts{true, false, false, true, true, false}));
  CHECK_FALSE(may_retry(facts{true, true, true, true, true, false}));
  CHECK_FALSE(may_retry(facts{true, false, true, true, true, true}));
  CHECK_FALSE(may_retry(facts{true, false, true, true, false, false}));
  CHECK_FALSE(may_retry(facts{true, false, true, false, false, false}));
  CHECK_FALSE(may_retry(facts{false, false, true, true, true, false}));
  CHECK_FALSE(may_retry(facts{false, false, true, false, true, false}));
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    CHECK(eddy::http::is_idempotent(method));
  }
  for (const char* method : {"POST", "PATCH", "get", "BREW", ""}) {
    CHECK_FALSE(eddy::http::is_idempotent(method));
  }
}

TEST_CASE("redirections change the method as RFC 9110 section 15.4 says") {
  struct sample {
    int status;
    const char* method;
    bool becomes_get;
  };
  const eddy::url from = eddy::url::parse("http://a/x/y?q");
  eddy::http::headers fields;
  fields.add("Location", "../z");
  for (const sample& s : {sample{301, "GET", false},
                          {301, "POST", true},
                          {301, "PUT", false},
                          {302, "POST", true},
                          {302, "HEAD", false},
                          {302, "DELETE", false},
                          {303, "POST", true},
                          {303, "PUT", true},
                          {303, "HEAD", false},
                          {303, "GET", false},
                          {307, "POST", false},
                          {308, "POST", false}}) {
    const auto r = eddy::http::redirection_of(s.method, from, s.status, fields);
    REQUIRE(r);
    CHECK(r->becomes_get == s.becomes_get);
    CHECK(r->to.str() == "http://a/z");
    CHECK(r->status == s.status);
    CHECK_FALSE(r->new_origin);
  }
  for (const int status : {200, 201, 300, 304, 305, 306, 399, 404}) {
    CHECK_FALSE(eddy::http::redirection_of("GET", from, status, fields));
  }
  CHECK_FALSE(eddy::http::redirection_of("GET", from, 301, eddy::http::headers()));
}

TEST_CASE("redirections keep the fragment, know another origin, and refuse other schemes") {
  const eddy::url from = eddy::url::parse("https://a/x#part");
  const auto to = [&](const char* location) {
    eddy::http::headers fields;
    fields.add("Location", location);
    return *eddy::http::redirection_of("GET", from, 302, fields);
  };
  CHECK(to("/y").to.str() == "https://a/y#part");
  CHECK(to("/y#own").to.str() == "https://a/y#own");
  CHECK_FALSE(to("https://a:443/y").new_origin);
  CHECK(to("http://a/y").new_origin);
  CHECK(to("https://a:8443/y").new_origin);
  CHECK(to("https://b/y").new_origin);
  CHECK(to("//b/y").to.str() == "https://b/y#part");
  for (const char* bad : {"ftp://a/", "javascript:alert(1)", "mailto:a@b", "http://", "http://a b/",
                          "http://a:99999/"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(to(bad), eddy::http::error);
  }
}

TEST_CASE("what was meant for one origin does not go to another") {
  eddy::http::headers fields;
  fields.add("Authorization", "secret").add("cookie", "a=b").add("Proxy-Authorization", "secret");
  fields.add("Host", "a").add("Content-Type", "text/plain").add("Accept", "*/*");
  eddy::http::redirection r;
  eddy::http::headers same = fields;
  eddy::http::prepare_fields(same, r);
  CHECK(same.size() == 6);
  r.becomes_get = true;
  eddy::http::prepare_fields(same, r);
  CHECK_FALSE(same.contains("Content-Type"));
  CHECK(same.size() == 5);
  r.becomes_get = false;
  r.new_origin = true;
  eddy::http::prepare_fields(fields, r);
  CHECK(fields.size() == 2);
  CHECK(fields.contains("Content-Type"));
  CHECK(fields.contains("Accept"));
}

namespace {

connection_pool::settings up_to(std::size_t limit, std::size_t per_host = 0) {
  return {limit, per_host, eddy::detail::never_ns};
}

eddy::task<> turns(int count) {
  for (int i = 0; i < count; ++i) co_await eddy::yield();
}

eddy::task<> hold(connection_pool& pool, std::string origin, int id, std::vector<int>& order,
                  std::size_t& in_use, std::size_t& most, int times) {
  for (int i = 0; i < times; ++i) {
    connection_slot slot = co_await pool.acquire(origin);
    order.push_back(id);
    most = std::max(most, ++in_use);
    co_await turns(3);
    --in_use;
    if (!slot.get()) {
      auto fresh = std::make_unique<eddy::http::connection>(eddy::http::limits());
      slot.adopt(std::move(fresh));
    }
    if (i % 2 == 0) slot.keep();
  }
}

}  // namespace

TEST_CASE("slots are handed over in the order of asking, and never more than there are" *
          needs_full_turns()) {
  std::vector<int> order;
  std::size_t in_use = 0;
  std::size_t most = 0;
  const auto main = [&]() -> eddy::task<> {
    connection_pool pool(up_to(3));
    std::vector<eddy::task<>> holders;
    for (int id = 0; id < 50; ++id) {
      holders.push_back(
          hold(pool, "http://h" + std::to_string(id % 4), id, order, in_use, most, 3));
    }
    co_await eddy::gather(std::move(holders));
    CHECK(pool.ledger().waiting() == 0);
    CHECK(pool.ledger().slots() == pool.ledger().idle());
    CHECK(pool.ledger().most_slots() == 3);
  };
  eddy::run(main());
  CHECK(most == 3);
  REQUIRE(order.size() == 150);
  // With one line for all, each round serves everyone once, in order.
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i] == static_cast<int>(i % 50));
}

TEST_CASE("a request that is cancelled in line, or when it was served, passes its turn on") {
  for (int served_first = 0; served_first < 2; ++served_first) {
    CAPTURE(served_first);
    const auto main = [&]() -> eddy::task<> {
      connection_pool pool(up_to(1));
      std::vector<int> order;
      connection_slot held = co_await pool.acquire("http://a");
      const auto wait = [&](int id) -> eddy::task<> {
        connection_slot slot = co_await pool.acquire("http://a");
        order.push_back(id);
      };
      eddy::join_handle<> first = eddy::spawn(wait(1));
      eddy::join_handle<> second = eddy::spawn(wait(2));
      eddy::join_handle<> third = eddy::spawn(wait(3));
      co_await turns(2);
      CHECK(pool.ledger().waiting() == 3);
      if (served_first) held.drop();  // the first has it, but has not run yet
      first.cancel();
      CHECK(pool.ledger().waiting() == (served_first ? 1 : 2));
      held.drop();
      co_await second;
      co_await third;
      CHECK(order == std::vector<int>{2, 3});
      CHECK_THROWS_AS(co_await first, eddy::task_cancelled);
      CHECK(pool.ledger().slots() == 0);
      CHECK(pool.ledger().hosts() == 0);
    };
    eddy::run(main());
  }
}

TEST_CASE("cancelling waiters at random loses no slot") {
  const auto main = [&]() -> eddy::task<> {
    std::mt19937 draw(3);
    connection_pool pool(up_to(4, 2));
    std::vector<int> order;
    std::size_t in_use = 0;
    std::size_t most = 0;
    for (int round = 0; round < 100; ++round) {
      std::vector<eddy::join_handle<>> holders;
      for (int id = 0; id < 20; ++id) {
        std::string origin = "http://h" + std::to_string(draw() % 3);
        holders.push_back(eddy::spawn(hold(pool, std::move(origin), id, order, in_use, most, 2)));
      }
      in_use = 0;
      for (int id = 0; id < 10; ++id) {
        co_await turns(static_cast<int>(draw() % 5));
        holders[draw() % holders.size()].cancel();
      }
      for (auto& h : holders) {
        try {
          co_await h;
        } catch (const eddy::task_cancelled&) {
        }
      }
      REQUIRE(pool.ledger().waiting() == 0);
      REQUIRE(pool.ledger().slots() == pool.ledger().idle());
      REQUIRE(pool.ledger().most_slots() <= 4);
    }
  };
  eddy::run(main());
}

TEST_CASE("close turns those away who wait, and those who come later") {
  const auto main = [&]() -> eddy::task<> {
    connection_pool pool(up_to(1));
    connection_slot held = co_await pool.acquire("http://a");
    int turned_away = 0;
    const auto wait = [&]() -> eddy::task<> {
      try {
        connection_slot slot = co_await pool.acquire("http://a");
      } catch (const eddy::http::error&) {
        ++turned_away;
      }
    };
    eddy::join_handle<> first = eddy::spawn(wait());
    eddy::join_handle<> second = eddy::spawn(wait());
    co_await turns(2);
    co_await pool.close();
    co_await first;
    co_await second;
    co_await wait();
    CHECK(turned_away == 3);
    CHECK_THROWS_AS(pool.try_acquire("http://a"), eddy::http::error);
    held.drop();
    CHECK(pool.ledger().slots() == 0);
    co_await pool.close();
  };
  eddy::run(main());
}

TEST_CASE("a pool without a loop is a clear error") {
  CHECK_THROWS_AS(connection_pool(up_to(1)), std::logic_error);
}

TEST_CASE("a waiter that times out leaves the line") {
  const auto main = [&]() -> eddy::task<> {
    connection_pool pool(up_to(1));
    connection_slot held = co_await pool.acquire("http://a");
    CHECK_THROWS_AS(co_await eddy::with_timeout(1ms, pool.acquire("http://b")),
                    eddy::timeout_error);
    CHECK(pool.ledger().waiting() == 0);
    CHECK(pool.ledger().hosts() == 1);
    held.drop();
    connection_slot again = co_await pool.acquire("http://b");
    CHECK(again);
  };
  eddy::run(main());
}
