#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <ratio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../../runtime/timer_heap.hpp"
#include "../support/simulated.hpp"
#include "drive.hpp"

using eddy::gather;
using eddy::now;
using eddy::sleep;
using eddy::sleep_until;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using eddy::detail::never_ns;
using eddy::detail::saturated_ns;
using std::chrono::duration;
using namespace std::chrono_literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class numbered final : public eddy::detail::timer {
 public:
  explicit numbered(int n) : number(n) {}
  void fire() noexcept override {}
  int number;
};

}  // namespace

static_assert(saturated_ns(1s) == 1'000'000'000);
static_assert(saturated_ns(1ns) == 1);
static_assert(saturated_ns(0s) == 0);
static_assert(saturated_ns(-1h) == 0);
static_assert(saturated_ns(std::chrono::hours::min()) == 0);
// Rounded up: a part of a nanosecond is waited for.
static_assert(saturated_ns(duration<std::int64_t, std::pico>(1)) == 1);
static_assert(saturated_ns(duration<std::int64_t, std::pico>(1000)) == 1);
static_assert(saturated_ns(duration<std::int64_t, std::pico>(1001)) == 2);
static_assert(saturated_ns(duration<int, std::ratio<1, 3>>(1)) == 333'333'334);
static_assert(saturated_ns(duration<double, std::nano>(0.25)) == 1);
static_assert(saturated_ns(duration<double, std::milli>(1.5)) == 1'500'000);
static_assert(saturated_ns(duration<float>(0.5F)) == 500'000'000);
// Saturated: nothing overflows.
static_assert(saturated_ns(std::chrono::hours::max()) == never_ns);
static_assert(saturated_ns(std::chrono::nanoseconds::max()) == never_ns);
static_assert(saturated_ns(duration<double>(infinity)) == never_ns);
static_assert(saturated_ns(duration<double>(-infinity)) == 0);
static_assert(saturated_ns(duration<double>(1e300)) == never_ns);
static_assert(saturated_ns(duration<std::uint64_t, std::nano>(UINT64_MAX)) == never_ns);
static_assert(eddy::detail::deadline_after(never_ns - 1, 1) == never_ns);
static_assert(eddy::detail::deadline_after(never_ns - 1, 2) == never_ns);
static_assert(eddy::detail::deadline_after(5, never_ns) == never_ns);

TEST_CASE("timer: durations of 97 to 292 years in odd units do not overflow, and NaN is no time") {
  CHECK(saturated_ns(duration<double>(std::numeric_limits<double>::quiet_NaN())) == 0);
  constexpr std::int64_t years = 365LL * 24 * 3600;
  CHECK(saturated_ns(duration<std::int64_t, std::ratio<1, 3>>(3 * 200 * years)) ==
        200 * years * 1'000'000'000);
  CHECK(saturated_ns(duration<std::int64_t, std::ratio<1, 60>>(60 * 291 * years + 1)) >
        291 * years * 1'000'000'000);
}

TEST_CASE("timer heap: it agrees with a multimap under random operations") {
  std::mt19937 random(20240601);
  eddy::detail::timer_heap heap;
  std::vector<std::unique_ptr<numbered>> timers;
  std::multimap<std::int64_t, int> model;  // equal keys stay in the order of insertion
  std::vector<std::multimap<std::int64_t, int>::iterator> place;
  std::int64_t clock = 0;
  for (int i = 0; i < 2000; ++i) timers.push_back(std::make_unique<numbered>(i));
  place.resize(timers.size(), model.end());
  std::size_t largest = 0;
  for (int step = 0; step < 100'000; ++step) {
    numbered& t = *timers[random() % timers.size()];
    const auto n = static_cast<std::size_t>(t.number);
    const bool armed = place[n] != model.end();
    const auto action = random() % 16;
    if (action == 0) {  // time goes on
      clock += random() % 40;
      for (;;) {
        eddy::detail::timer* due = heap.pop_due(clock);
        const bool expected = !model.empty() && model.begin()->first <= clock;
        REQUIRE((due != nullptr) == expected);
        if (!due) break;
        const int number = static_cast<numbered*>(due)->number;
        REQUIRE(number == model.begin()->second);
        REQUIRE(!due->armed());
        place[static_cast<std::size_t>(number)] = model.end();
        model.erase(model.begin());
      }
    } else if (armed) {
      heap.remove(t);
      model.erase(place[n]);
      place[n] = model.end();
      if (action > 4) continue;
    }
    if (place[n] == model.end()) {
      const std::int64_t deadline = clock + static_cast<std::int64_t>(random() % 2000);
      REQUIRE(heap.insert(t, deadline));
      place[n] = model.emplace(deadline, t.number);
    }
    REQUIRE(heap.empty() == model.empty());
    REQUIRE(heap.first_deadline() == (model.empty() ? never_ns : model.begin()->first));
    largest = std::max(largest, model.size());
  }
  CHECK(largest > 500);
  while (eddy::detail::timer* t = heap.pop_due(never_ns)) {
    REQUIRE(static_cast<numbered*>(t)->number == model.begin()->second);
    model.erase(model.begin());
  }
  CHECK(model.empty());
  CHECK(heap.first_deadline() == never_ns);
}

TEST_CASE("timer: it fires never early, and in order of the deadlines" * needs_full_turns()) {
  std::vector<eddy::time_point> deadlines_in_order;
  drive([&]() -> task<> {
    std::mt19937 random(7);
    auto sleeper = [&](std::chrono::microseconds d) -> task<> {
      const auto before = now();
      co_await sleep(d);
      const auto after = now();
      CHECK(after - before >= d);
    };
    auto until = [&](eddy::time_point t) -> task<> {
      co_await sleep_until(t);
      CHECK(now() >= t);
      deadlines_in_order.push_back(t);
    };
    std::vector<task<>> sleepers;
    for (int i = 0; i < 200; ++i) {
      sleepers.push_back(sleeper(std::chrono::microseconds(random() % 5000)));
    }
    co_await gather(std::move(sleepers));
    co_await sleep(1ms);  // alone: a turn begins, long enough for all to be armed in it
    const auto start = now();
    std::vector<task<>> all;
    for (int i = 0; i < 200; ++i) {
      all.push_back(until(start + std::chrono::nanoseconds(random() % 5'000'000)));
    }
    co_await gather(std::move(all));
  });
  REQUIRE(deadlines_in_order.size() == 200);
  CHECK(std::is_sorted(deadlines_in_order.begin(), deadlines_in_order.end()));
}

TEST_CASE("timer: equal deadlines fire in the order they were armed") {
  std::vector<int> order;
  drive([&]() -> task<> {
    const auto t = now() + 2ms;
    auto sleeper = [&](int n) -> task<> {
      co_await sleep_until(t);
      order.push_back(n);
    };
    std::vector<task<>> all;
    for (int i = 0; i < 500; ++i) all.push_back(sleeper(i));
    co_await gather(std::move(all));
  });
  REQUIRE(order.size() == 500);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("timer: a deadline that has passed is due in the next turn, before the epoch too" *
          needs_full_turns()) {
  std::string log;
  drive([&]() -> task<> {
    const auto start = now();
    co_await sleep_until(start - 1h);
    co_await sleep_until(start);
    co_await sleep_until(eddy::time_point());
    co_await sleep_until(eddy::time_point() - 1h);
    co_await sleep_until(eddy::time_point::min());
    log += '1';
    auto a = spawn([&]() -> task<> {
      co_await sleep_until(eddy::time_point() - 1s);
      log += 'a';
    });
    auto b = spawn([&]() -> task<> {
      co_await sleep_until(eddy::time_point() - 2s);
      log += 'b';
    });
    co_await a;
    co_await b;
  });
  CHECK(log == "1ba");
}

TEST_CASE("timer: sleep of zero or less is yield: behind what is ready") {
  std::string log;
  drive([&]() -> task<> {
    auto other = spawn([&]() -> task<> {
      for (int i = 0; i < 4; ++i) {
        log += 'o';
        co_await yield();
      }
    });
    log += '1';
    co_await sleep(0s);
    log += '2';
    co_await sleep(-5s);
    log += '3';
    co_await yield();
    log += '4';
    co_await sleep(duration<double>(std::numeric_limits<double>::quiet_NaN()));
    log += '5';
    co_await other;
  });
  CHECK(log == "1o2o3o4o5");
}

TEST_CASE("timer: sleeping for ever ends by cancellation only") {
  drive([]() -> task<> {
    std::vector<eddy::join_handle<>> forever;
    forever.push_back(spawn([]() -> task<> { co_await sleep(std::chrono::hours::max()); }));
    forever.push_back(spawn([]() -> task<> { co_await sleep(duration<double>(infinity)); }));
    forever.push_back(spawn([]() -> task<> { co_await sleep_until(eddy::time_point::max()); }));
    co_await sleep(2ms);
    int cancelled = 0;
    for (auto& h : forever) {
      CHECK_FALSE(h.done());
      h.cancel();
      try {
        co_await h;
      } catch (const eddy::task_cancelled&) {
        ++cancelled;
      }
    }
    CHECK(cancelled == 3);
  });
}

TEST_CASE("timer: a hundred thousand sleepers at once") {
  int woken = 0;
  drive([&]() -> task<> {
    std::mt19937 random(3);
    const auto start = now();
    auto sleeper = [&](eddy::time_point t) -> task<> {
      co_await sleep_until(t);
      if (now() >= t) ++woken;
    };
    std::vector<eddy::join_handle<>> handles;
    for (int i = 0; i < 100'000; ++i) {
      const std::chrono::microseconds offset(random() % 300'000);
      handles.push_back(spawn(sleeper(start + offset)));
    }
    for (auto& h : handles) co_await h;
    CHECK(now() - start >= 290ms);
  });
  CHECK(woken == 100'000);
}

TEST_CASE("timer: the clock of the loop is steady_clock, and needs a loop" * needs_a_kernel()) {
  CHECK(contains(message_of<std::logic_error>([] { (void)now(); }), "no loop"));
  drive([]() -> task<> {
    const auto before = std::chrono::steady_clock::now();
    const auto here = now();
    const auto after = std::chrono::steady_clock::now();
    CHECK(before <= here);
    CHECK(here <= after);
    co_return;
  });
}
