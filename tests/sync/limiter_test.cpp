#include <doctest/doctest.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/limiter.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/simulated.hpp"
#include "tasks.hpp"

using eddy::limiter;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<limiter> && !std::is_move_constructible_v<limiter>);

namespace {

task<> acquire(limiter& l, std::size_t n, int name, std::vector<int>& order) {
  co_await l.acquire(n);
  order.push_back(name);
}

// Acquires and reads the clock immediately before and after the time of the acquisition.
class observed final : public eddy::detail::awaited<observed, eddy::detail::limiter_wait> {
 public:
  explicit observed(limiter& l) noexcept : awaited(l, std::size_t{1}) {}
  bool start() noexcept { return limiter_wait::start(); }
  void await_resume() {
    before = eddy::now();
    limiter_wait::await_resume();
    after = eddy::now();
  }
  eddy::time_point before;
  eddy::time_point after;
};

struct moment {
  eddy::time_point before;
  eddy::time_point after;
};

void busy_until(eddy::time_point end) {
  while (eddy::now() < end) {
  }
}

}  // namespace

TEST_CASE("limiter: what makes no sense is refused") {
  CHECK_THROWS_AS(limiter(0, 1s), std::invalid_argument);
  CHECK_THROWS_AS(limiter(1, 0s), std::invalid_argument);
  CHECK_THROWS_AS(limiter(1, -1s), std::invalid_argument);
  CHECK_THROWS_AS(limiter(static_cast<std::size_t>(-1), 1s), std::invalid_argument);
  limiter l(3, 1s);
  CHECK(l.most() == 3);
  CHECK_THROWS_AS((void)l.acquire(0), std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)l.acquire(4), "limiter: 4 units at once; 1 to 3 can be had",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)l.try_acquire(4), std::invalid_argument);
  CHECK_THROWS_AS((void)l.try_acquire(), std::logic_error);  // no loop
}

TEST_CASE("limiter: so many at once, and no more") {
  auto body = []() -> task<> {
    limiter l(3, 1h);
    co_await l.acquire();
    co_await l.acquire(2);
    CHECK_FALSE(l.try_acquire());
    const bool later = co_await l.acquire_for(1ms);
    CHECK_FALSE(later);
    const bool past = co_await l.acquire_until(eddy::now());
    CHECK_FALSE(past);
    CHECK(l.waiting() == 0);
    CHECK(l.statistics().acquired == 3);
    CHECK(l.statistics().most_waiting == 1);
  };
  eddy::run(body());
}

TEST_CASE("limiter: units come back an interval after they were used, not before") {
  auto body = []() -> task<> {
    limiter l(2, 5ms);
    const auto begin = eddy::now();
    for (int i = 0; i < 6; ++i) co_await l.acquire();
    CHECK(eddy::now() - begin >= 10ms);
    const auto middle = eddy::now();
    co_await l.acquire(2);
    co_await l.acquire(2);
    CHECK(eddy::now() - middle >= 5ms);
    const bool in_time = co_await l.acquire_for(1h, 2);
    CHECK(in_time);
  };
  eddy::run(body());
}

// Its clock must go on while a coroutine runs.
TEST_CASE("limiter: the interval counts from when the coroutine goes on" * needs_a_kernel()) {
  auto body = []() -> task<> {
    limiter l(1, 5ms);
    co_await l.acquire();
    observed second(l);
    auto wait = [](observed& at) -> task<> { co_await at; };
    auto a = spawn(wait(second));
    observed third(l);
    auto b = spawn(wait(third));
    co_await eddy::yield();
    // Due meanwhile; at the end of this turn it is granted, and must wait for this task once more.
    busy_until(eddy::now() + 6ms);
    co_await eddy::sleep(1ns);
    busy_until(eddy::now() + 6ms);
    co_await a;
    co_await b;
    CHECK(third.after - second.before >= 5ms);
  };
  eddy::run(body());
}

TEST_CASE("limiter: first come first served, whatever they ask for") {
  auto body = []() -> task<> {
    limiter l(3, 2ms);
    std::vector<int> order;
    co_await l.acquire(2);
    std::vector<eddy::join_handle<>> tasks;
    tasks.push_back(spawn(acquire(l, 3, 1, order)));
    tasks.push_back(spawn(acquire(l, 1, 2, order)));
    tasks.push_back(spawn(acquire(l, 2, 3, order)));
    co_await eddy::yield();
    CHECK(l.waiting() == 3);
    CHECK_FALSE(l.try_acquire());  // there is one, but not for who comes last
    for (auto& t : tasks) co_await t;
    CHECK(order == std::vector<int>{1, 2, 3});
  };
  eddy::run(body());
}

TEST_CASE("limiter: cancelled while waiting, it used nothing and lets the next go on") {
  auto body = []() -> task<> {
    limiter l(3, 1h);
    std::vector<int> order;
    co_await l.acquire();
    auto large = spawn(acquire(l, 3, 1, order));
    auto small = spawn(acquire(l, 1, 2, order));
    auto unstarted = spawn(acquire(l, 1, 3, order));
    unstarted.cancel();
    co_await let_others_run();
    CHECK(l.waiting() == 2);
    large.cancel();
    CHECK(l.waiting() == 0);
    const bool gone = co_await was_cancelled(large);
    CHECK(gone);
    const bool not_started = co_await was_cancelled(unstarted);
    CHECK(not_started);
    co_await small;
    CHECK(order == std::vector<int>{2});
    CHECK(l.try_acquire());
    CHECK_FALSE(l.try_acquire());
  };
  eddy::run(body());
}

TEST_CASE("limiter: granted and cancelled in one turn, the units go to the next") {
  auto body = []() -> task<> {
    limiter l(2, 1h);
    std::vector<int> order;
    co_await l.acquire();
    auto large = spawn(acquire(l, 2, 1, order));
    auto granted = spawn(acquire(l, 1, 2, order));
    auto next = spawn(acquire(l, 1, 3, order));
    co_await let_others_run();
    large.cancel();  // grants `granted`
    CHECK(l.waiting() == 1);
    granted.cancel();
    CHECK(l.waiting() == 0);
    const bool a = co_await was_cancelled(large);
    const bool b = co_await was_cancelled(granted);
    CHECK(a);
    CHECK(b);
    co_await next;
    CHECK(order == std::vector<int>{3});
    CHECK(l.statistics().acquired == 2);
  };
  eddy::run(body());
}

TEST_CASE("limiter: a limit that comes first lets the next go on") {
  auto body = []() -> task<> {
    limiter l(2, 1h);
    std::vector<int> order;
    co_await l.acquire();
    auto impatient = spawn([](limiter& at) -> task<bool> {
      const bool got = co_await at.acquire_for(1ms, 2);
      co_return got;
    }(l));
    co_await eddy::yield();
    auto next = spawn(acquire(l, 1, 1, order));
    const bool got = co_await impatient;
    CHECK_FALSE(got);
    co_await next;
    CHECK(order == std::vector<int>{1});
  };
  eddy::run(body());
}

TEST_CASE("limiter: taking free units for ever starves nobody, and a cancelled one is not used") {
  auto body = []() -> task<> {
    limiter l(1'000'000, 1h);
    auto spin = spawn([](limiter& at) -> task<> {
      for (;;) co_await at.acquire();
    }(l));
    co_await eddy::yield();
    const auto used = l.statistics().acquired;
    CHECK(used > 0);
    CHECK(used < 10'000);
    CHECK_FALSE(l.try_acquire(1'000'000 - used));  // one is granted and not yet used
    spin.cancel();
    CHECK(l.try_acquire(1'000'000 - used));
    const bool gone = co_await was_cancelled(spin);
    CHECK(gone);
  };
  eddy::run(body());
}

TEST_CASE("limiter: in a cancelled scope even free units are refused") {
  auto body = []() -> task<> {
    limiter l(1, 1h);
    auto t = spawn([](limiter& at) -> task<int> {
      co_await swallow_cancellation();
      int refused = 0;
      for (int i = 0; i < 3; ++i) {
        try {
          co_await at.acquire();
        } catch (const eddy::cancelled&) {
          ++refused;
        }
      }
      co_return refused;
    }(l));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 3);
    CHECK(l.try_acquire());
  };
  eddy::run(body());
}

namespace {

// Tasks that acquire at random, some of which give up; the window is checked for all of them.
class window_world {
 public:
  explicit window_world(unsigned seed)
      : random_(seed), most_(1 + random_() % 4), limiter_(most_, interval) {}

  task<> play() {
    std::vector<eddy::join_handle<>> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(spawn(work()));
    for (int step = 0; step < 12; ++step) {
      if (random_() % 4 == 0) {
        co_await eddy::sleep(std::chrono::microseconds(random_() % 200));
      } else {
        co_await eddy::yield();
      }
      if (random_() % 4 == 0) busy_until(eddy::now() + std::chrono::microseconds(random_() % 150));
      if (random_() % 4 == 0) tasks[random_() % tasks.size()].cancel();
    }
    for (auto& t : tasks) {
      try {
        co_await t;
      } catch (const eddy::task_cancelled&) {
      }
    }
    check();
    co_await eddy::sleep(interval);
    CHECK(limiter_.try_acquire(most_));  // nothing was lost
  }

 private:
  static constexpr auto interval = 100us;

  task<> work() {
    for (int i = 0; i < 4; ++i) {
      if (random_() % 4 == 0) {
        const bool got = co_await limiter_.acquire_for(std::chrono::microseconds(random_() % 100));
        if (got) seen_.push_back({eddy::time_point::min(), eddy::now()});
      } else {
        observed o(limiter_);
        co_await o;
        seen_.push_back({o.before, o.after});
      }
    }
  }

  void check() {
    CHECK(limiter_.statistics().acquired == seen_.size());
    for (std::size_t i = 0; i + most_ < seen_.size(); ++i) {
      if (seen_[i].before == eddy::time_point::min()) continue;
      const auto apart = seen_[i + most_].after - seen_[i].before;
      if (apart < interval) FAIL_CHECK("too many in an interval");
    }
  }

  std::mt19937 random_;
  std::size_t most_;
  limiter limiter_;
  std::vector<moment> seen_;
};

}  // namespace

TEST_CASE("model: limiter, at most so many in any interval" * needs_a_kernel()) {
  auto body = []() -> task<> {
    for (unsigned seed = 1; seed <= 200; ++seed) {
      window_world w(seed);
      co_await w.play();
    }
  };
  eddy::run(body());
}
