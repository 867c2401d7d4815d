// race and with_timeout over waits of this module: a loser takes nothing.
#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../runtime/drive.hpp"

using eddy::queue;
using eddy::race;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}
task<int> taken(queue<int>& q) { co_return co_await q.get(); }
task<int> permitted(eddy::semaphore& s, int n) {
  auto permit = co_await s.acquire();
  co_return n;
}

}  // namespace

// Racing three channels lost data where two worked: each loser had taken its item already.
TEST_CASE("race: N queues that are ready at once lose nothing, items before or during the wait") {
  for (const std::size_t n : {3u, 4u, 16u}) {
    for (const bool before : {true, false}) {
      CAPTURE(n);
      CAPTURE(before);
      drive([&]() -> task<> {
        std::vector<queue<int>> queues(n);
        auto fill = [&](int wait) -> task<> {
          co_await turns(wait);
          for (std::size_t i = n; i-- > 0;) CHECK(queues[i].try_put(static_cast<int>(i)));
        };
        if (before) co_await fill(0);
        auto filling = spawn(fill(before ? 1 : 3));
        if (before) filling.cancel();
        std::vector<task<int>> gets;
        for (auto& q : queues) gets.push_back(taken(q));
        const auto winner = co_await race(std::move(gets));
        CHECK(winner.value() == static_cast<int>(winner.index()));
        for (std::size_t i = 0; i < n; ++i) {
          auto left = queues[i].try_get();
          CHECK(left.has_value() == (i != winner.index()));
        }
      });
    }
  }
}

TEST_CASE("race: a loser's item goes to the getter that is next in line") {
  drive([]() -> task<> {
    queue<int> a;
    queue<int> b;
    queue<int> c;
    auto racing = [&]() -> task<std::size_t> {
      const auto winner = co_await race(taken(a), taken(b), taken(c));
      co_return winner.index();
    };
    auto racer = spawn(racing());
    co_await turns(3);
    auto next_a = spawn(taken(a));
    auto next_c = spawn(taken(c));
    co_await turns(2);
    CHECK(b.try_put(2));
    CHECK(a.try_put(1));
    CHECK(c.try_put(3));
    const auto index = co_await racer;
    CHECK(index == 1);
    const int from_a = co_await next_a;
    const int from_c = co_await next_c;
    CHECK(from_a == 1);
    CHECK(from_c == 3);
  });
}

TEST_CASE("race: permits of losers go back, of two that were woken in one turn too") {
  drive([]() -> task<> {
    eddy::semaphore s(2);
    auto first = co_await s.acquire();
    auto second = co_await s.acquire();
    auto racing = [&]() -> task<int> {
      const auto winner = co_await race(permitted(s, 1), permitted(s, 2), permitted(s, 3));
      co_return winner.value();
    };
    auto racer = spawn(racing());
    co_await turns(3);
    first.release();
    second.release();
    const int n = co_await racer;
    CHECK(n == 1);
    auto again = s.try_acquire();
    auto and_again = s.try_acquire();
    CHECK(again);
    CHECK(and_again);
  });
}

TEST_CASE("race: an outer cancellation after the puts: one winner's item, or none, is gone") {
  drive([]() -> task<> {
    queue<int> a;
    queue<int> b;
    queue<int> c;
    bool returned = false;
    auto racing = [&]() -> task<> {
      co_await race(taken(a), taken(b), taken(c));
      returned = true;
    };
    auto racer = spawn(racing());
    co_await turns(3);
    CHECK(a.try_put(1));
    CHECK(b.try_put(2));
    CHECK(c.try_put(3));
    racer.cancel();  // before any getter has run
    while (!racer.done()) co_await yield();
    CHECK_FALSE(returned);
    const auto left_a = a.try_get();
    const auto left_b = b.try_get();
    const auto left_c = c.try_get();
    CHECK(left_a.has_value());
    CHECK(left_b.has_value());
    CHECK(left_c.has_value());
  });
}

// No wait needs a cancellation made by hand: a limit around any of them ends it, and nothing of it
// is left.
TEST_CASE("timeout: around a wait for a queue or a permit it ends the wait and takes nothing") {
  drive([]() -> task<> {
    queue<int> q;
    eddy::semaphore s(1);
    auto permit = co_await s.acquire();
    int timeouts = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await eddy::with_timeout(1ms, taken(q));
      } catch (const eddy::timeout_error&) {
        ++timeouts;
      }
      try {
        co_await eddy::with_timeout(1ms, permitted(s, 1));
      } catch (const eddy::timeout_error&) {
        ++timeouts;
      }
    }
    CHECK(timeouts == 6);
    CHECK(q.try_put(4));
    permit.release();
    const auto item = q.try_get();
    CHECK(item.has_value());
    auto again = s.try_acquire();
    CHECK(again);
  });
}
