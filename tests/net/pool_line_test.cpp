// The line for connections where there are very many origins: what it costs, counted, and its
// order.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <random>
#include <string>
#include <vector>

#include "../../net/http/pool_ledger.hpp"

using eddy::http::pool_entry;
using eddy::http::pool_host;
using eddy::http::pool_ledger;
using eddy::http::pool_request;
using answer = eddy::http::pool_ledger::answer;

namespace {

class waiting_request final : public pool_request {
 public:
  explicit waiting_request(pool_host& h) { host = &h; }
  void on_cancel() noexcept override {}
};

std::vector<pool_host*> some_hosts(pool_ledger& books, std::size_t count) {
  std::vector<pool_host*> hosts;
  for (std::size_t i = 0; i < count; ++i) {
    hosts.push_back(&books.find("http://host" + std::to_string(i)));
  }
  return hosts;
}

struct cost {
  std::size_t served = 0;
  double steps = 0;  // for each
};

// Requests for all hosts in turn wait for a few slots, which come free one at a time in any order,
// with the connection or without, until all have been served.
cost cost_of_serving(std::size_t host_count, std::size_t limit, std::size_t per_host) {
  constexpr std::size_t rounds = 4;
  std::mt19937 draw(5);
  pool_ledger books(limit, per_host);
  const std::vector<pool_host*> hosts = some_hosts(books, host_count);
  std::deque<pool_entry> entries;
  std::vector<pool_entry*> busy;
  const auto grant = [&](pool_host& host, const pool_ledger::decision& d) {
    books.take(host, d);
    pool_entry* const e = d.entry ? d.entry : &entries.emplace_back();
    e->host = &host;
    busy.push_back(e);
  };
  std::deque<waiting_request> line;
  for (std::size_t i = 0; i < rounds * host_count; ++i) {
    pool_host& host = *hosts[i % host_count];
    const pool_ledger::decision d = books.decide(host);
    if (d.what == answer::wait) {
      books.enqueue(line.emplace_back(host));
    } else {
      grant(host, d);
    }
  }
  const std::uint64_t before = books.steps();
  cost c;
  std::int64_t now = 0;
  while (!busy.empty()) {
    std::swap(busy[draw() % busy.size()], busy.back());
    pool_entry* const e = busy.back();
    busy.pop_back();
    if (draw() % 2 == 0) {
      books.give_back(*e, ++now);
    } else {
      books.vacate(*e->host);
    }
    pool_ledger::decision d;
    while (pool_request* r = books.first_in_line(d)) {
      books.withdraw(*r);
      grant(*r->host, d);
      ++c.served;
    }
  }
  CHECK(books.waiting() == 0);
  CHECK(c.served == line.size());
  c.steps = static_cast<double>(books.steps() - before) / static_cast<double>(c.served);
  while (books.take_idle(eddy::detail::never_ns)) {
  }
  return c;
}

}  // namespace

TEST_CASE("ten thousand origins cost a request hardly more than a hundred") {
  CHECK(cost_of_serving(10'000, 100, 0).steps == 0.0);
  for (const std::size_t per_host : {1U, 2U, 6U}) {
    const double few = cost_of_serving(100, 50, per_host).steps;
    const double many = cost_of_serving(10'000, 50, per_host).steps;
    CAPTURE(per_host);
    CHECK(few > 1.0);
    CHECK(many < 2.0 * few + 4.0);  // 100 times the origins: twice the logarithm
  }
}

TEST_CASE("requests that their own origin holds up cost the others nothing") {
  constexpr std::size_t held_up = 10'000;
  pool_ledger books(0, 1);
  pool_host& busy = books.find("http://busy");
  books.take(busy, books.decide(busy));
  std::deque<waiting_request> line;
  for (std::size_t i = 0; i < held_up; ++i) {
    REQUIRE(books.decide(busy).what == answer::wait);
    books.enqueue(line.emplace_back(busy));
  }
  const std::uint64_t before = books.steps();
  pool_ledger::decision d;
  for (int i = 0; i < 1000; ++i) {
    pool_host& other = books.find("http://other");
    const pool_ledger::decision given = books.decide(other);
    REQUIRE(given.what == answer::open);
    books.take(other, given);
    waiting_request second(other);
    books.enqueue(second);
    CHECK(books.first_in_line(d) == nullptr);
    books.vacate(other);
    REQUIRE(books.first_in_line(d) == &second);
    books.withdraw(second);
    CHECK(books.first_in_line(d) == nullptr);
    books.unpin(other);
  }
  CHECK(books.steps() - before == 0);

  // They are still served in their order, and can go from anywhere in it.
  books.withdraw(line[0]);
  books.withdraw(line[5]);
  books.withdraw(line[held_up - 1]);
  for (std::size_t i = 0; i < held_up - 1; ++i) {
    if (i == 0 || i == 5) continue;
    books.vacate(busy);
    REQUIRE(books.first_in_line(d) == &line[i]);
    books.withdraw(line[i]);
    books.take(busy, d);
  }
  CHECK(books.waiting() == 0);
  CHECK(books.steps() - before == 0);
  books.vacate(busy);
}

TEST_CASE("whatever happens, nobody waits who could be served, and the first who can is served") {
  std::mt19937 draw(11);
  pool_ledger books(4, 2);
  const std::vector<pool_host*> hosts = some_hosts(books, 5);
  std::deque<pool_entry> entries;
  std::vector<pool_entry*> busy;
  std::list<waiting_request> line;
  const auto grant = [&](pool_host& host, const pool_ledger::decision& d) {
    books.take(host, d);
    pool_entry* const e = d.entry ? d.entry : &entries.emplace_back();
    e->host = &host;
    busy.push_back(e);
  };
  const auto first_servable = [&] {
    return std::find_if(line.begin(), line.end(), [&](const waiting_request& r) {
      return books.decide(*r.host).what != answer::wait;
    });
  };
  for (int i = 0; i < 20'000; ++i) {
    const auto what = draw() % 8;
    if (what < 4) {
      pool_host& host = *hosts[draw() % hosts.size()];
      const pool_ledger::decision d = books.decide(host);
      if (d.what == answer::wait) {
        books.enqueue(line.emplace_back(host));
      } else {
        grant(host, d);
      }
    } else if (what == 4 && !line.empty()) {
      const auto gone = std::next(line.begin(), static_cast<int>(draw() % line.size()));
      books.withdraw(*gone);
      line.erase(gone);
    } else if (what == 5) {
      if (pool_entry* const e = books.take_idle(i - 20)) books.vacate(*e->host);
    } else if (!busy.empty()) {
      std::swap(busy[draw() % busy.size()], busy.back());
      pool_entry* const e = busy.back();
      busy.pop_back();
      if (what == 6) {
        books.give_back(*e, i);
      } else {
        books.vacate(*e->host);
      }
    }
    for (;;) {
      pool_ledger::decision d;
      const auto expected = first_servable();
      pool_request* const first = books.first_in_line(d);
      REQUIRE(first == (expected == line.end() ? nullptr : &*expected));
      if (!first) break;
      books.withdraw(*first);
      grant(*first->host, d);
      line.erase(expected);
    }
  }
}

TEST_CASE("an origin that is no longer held up comes by the age of its first request") {
  pool_ledger books(2, 1);
  pool_host& a = books.find("http://a");
  pool_host& b = books.find("http://b");
  pool_host& c = books.find("http://c");
  books.take(a, books.decide(a));
  books.take(b, books.decide(b));
  waiting_request first_of_c(c);
  waiting_request of_a(a);
  waiting_request second_of_c(c);
  for (waiting_request* r : {&first_of_c, &of_a, &second_of_c}) books.enqueue(*r);
  pool_ledger::decision d;
  books.vacate(a);  // c has waited longest, and takes the slot
  REQUIRE(books.first_in_line(d) == &first_of_c);
  books.withdraw(first_of_c);
  books.take(c, d);
  CHECK(books.first_in_line(d) == nullptr);
  books.vacate(b);  // a has waited longer than what c's limit holds up
  REQUIRE(books.first_in_line(d) == &of_a);
  books.withdraw(of_a);
  books.take(a, d);
  CHECK(books.first_in_line(d) == nullptr);
  books.vacate(a);
  CHECK(books.first_in_line(d) == nullptr);  // a slot is free, and c has its one
  books.vacate(c);
  REQUIRE(books.first_in_line(d) == &second_of_c);
  books.withdraw(second_of_c);
  CHECK(books.waiting() == 0);
}
