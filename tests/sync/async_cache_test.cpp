#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/async_cache.hpp>
#include <eddy/sync/event.hpp>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tasks.hpp"

using eddy::async_cache;
using eddy::spawn;
using eddy::task;
using namespace sync_test;
using namespace std::chrono_literals;

using squares = async_cache<int, int>;

namespace {

// Loads that wait until they are let go, and count what happens to them.
struct source {
  eddy::event go;
  int started = 0;
  int ended = 0;
  int cancelled = 0;
  bool fails = false;

  task<int> load(int key) {
    ++started;
    bool gone = false;
    try {
      co_await go.wait();
    } catch (const eddy::cancelled&) {
      gone = true;
    }
    if (gone) ++cancelled;
    if (gone) throw eddy::cancelled();
    ++ended;
    if (fails) throw std::runtime_error("no value");
    co_return key * key + 1000 * ended;
  }
  squares::loader loader() {
    return [this](int key) { return load(key); };
  }
};

task<int> get(squares& cache, int key) { co_return co_await cache.get(key); }

// What the error says, or nothing.
task<std::string> error_of(squares& cache, int key) {
  std::string said;
  try {
    co_await cache.get(key);
  } catch (const std::exception& error) {
    said = error.what();
  }
  co_return said;
}

}  // namespace

TEST_CASE("async_cache: what makes no sense is refused") {
  source s;
  CHECK_THROWS_AS(squares(s.loader(), 0), std::invalid_argument);
  CHECK_THROWS_AS(squares(s.loader(), 1, 0s), std::invalid_argument);
  squares c(s.loader(), 3);
  CHECK(c.capacity() == 3);
  CHECK(c.size() == 0);
  CHECK_FALSE(c.try_get(1));
  CHECK_FALSE(c.invalidate(1));
  c.clear();
}

TEST_CASE("async_cache: gets of one key at one time share a load, later ones its value") {
  auto body = []() -> task<> {
    source s;
    squares c(s.loader(), 10);
    auto a = spawn(get(c, 3));
    auto b = spawn(get(c, 3));
    auto other = spawn(get(c, 4));
    co_await let_others_run();
    CHECK(s.started == 2);
    CHECK(c.statistics().loading == 2);
    CHECK(c.statistics().waiting == 3);
    CHECK_FALSE(c.try_get(3));
    s.go.set();
    const int first = co_await a;
    const int second = co_await b;
    const int third = co_await other;
    CHECK(first == 1009);
    CHECK(second == 1009);
    CHECK(third == 2016);
    const int again = co_await c.get(3);
    CHECK(again == 1009);
    CHECK(c.try_get(3) == 1009);
    CHECK(s.started == 2);
    const auto told = c.statistics();
    CHECK(told.size == 2);
    CHECK(told.loading == 0);
    CHECK(told.waiting == 0);
    CHECK(told.most_waiting == 3);
    CHECK(told.hits == 2);
    CHECK(told.misses == 2);
    CHECK(told.joins == 1);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: a value that is there comes without a suspend, but not for ever") {
  auto body = []() -> task<> {
    source s;
    s.go.set();
    squares c(s.loader(), 1);
    co_await c.get(1);
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    co_await c.get(1);
    CHECK_FALSE(other_ran);
    for (int i = 0; !other_ran && i < 100'000; ++i) (void)co_await c.get(1);
    CHECK(other_ran);
    co_await other;
    CHECK(s.started == 1);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: a getter that found a value and was made to yield is cancelled") {
  auto body = []() -> task<> {
    source s;
    s.go.set();
    squares c(s.loader(), 1);
    co_await c.get(1);
    auto spin = spawn([](squares& cache) -> task<> {
      for (;;) (void)co_await cache.get(1);
    }(c));
    co_await eddy::yield();
    c.clear();  // what it found is kept for it
    spin.cancel();
    const bool gone = co_await was_cancelled(spin);
    CHECK(gone);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: who started a load is cancelled, and it goes on for the others") {
  auto body = []() -> task<> {
    source s;
    squares c(s.loader(), 10);
    auto first = spawn(get(c, 3));
    auto second = spawn(get(c, 3));
    auto third = spawn(get(c, 3));
    co_await let_others_run();
    first.cancel();
    third.cancel();
    const bool gone = co_await was_cancelled(first);
    const bool third_gone = co_await was_cancelled(third);
    CHECK(gone);
    CHECK(third_gone);
    CHECK(s.cancelled == 0);
    CHECK(c.statistics().waiting == 1);
    s.go.set();
    const int value = co_await second;
    CHECK(value == 1009);
    CHECK(s.started == 1);
    CHECK(c.size() == 1);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: the last to leave cancels the load and outlives it") {
  auto body = []() -> task<> {
    eddy::event clean;
    int ended = 0;
    auto slow = [&](int key) -> task<int> {
      bool gone = false;
      try {
        co_await eddy::sleep(1h);
      } catch (const eddy::cancelled&) {
        gone = true;
      }
      ++ended;
      if (gone) throw eddy::cancelled();
      co_return key;
    };
    squares c(slow, 10);
    auto first = spawn(get(c, 1));
    auto second = spawn(get(c, 1));
    co_await let_others_run();
    first.cancel();
    second.cancel();
    CHECK(ended == 0);
    CHECK(c.statistics().loading == 1);
    // Who asks now gets a load of its own.
    auto late = spawn(get(c, 1));
    const bool second_gone = co_await was_cancelled(second);
    CHECK(second_gone);
    CHECK(ended == 1);
    CHECK(c.statistics().loading == 1);
    CHECK(c.statistics().misses == 2);
    late.cancel();
    const bool late_gone = co_await was_cancelled(late);
    CHECK(late_gone);
    CHECK(ended == 2);
    const bool first_gone = co_await was_cancelled(first);
    CHECK(first_gone);
    CHECK(c.statistics().loading == 0);
    CHECK(c.size() == 0);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: cancelled before its load has started, that never runs") {
  auto body = []() -> task<> {
    source s;
    squares c(s.loader(), 10);
    auto t = spawn([](squares& cache) -> task<> { co_await cache.get(1); }(c));
    auto canceller = spawn([](eddy::join_handle<>& h) -> task<> {
      h.cancel();
      co_return;
    }(t));
    const bool gone = co_await was_cancelled(t);
    CHECK(gone);
    co_await canceller;
    CHECK(s.started == 0);
    CHECK(c.statistics().misses == 1);
    CHECK(c.statistics().loading == 0);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: loaded and cancelled in one turn, the value is kept for the others") {
  auto body = []() -> task<> {
    source s;
    squares c(s.loader(), 10);
    std::vector<eddy::join_handle<int>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(spawn(get(c, 1)));
    co_await let_others_run();
    s.go.set();
    co_await eddy::yield();  // the load has ended; its first getter is ready
    CHECK(s.ended == 1);
    CHECK_FALSE(tasks[0].done());
    tasks[0].cancel();
    CHECK(c.try_get(1) == 1001);
    tasks[1].cancel();
    const bool first_gone = co_await was_cancelled(tasks[0]);
    const bool second_gone = co_await was_cancelled(tasks[1]);
    CHECK(first_gone);
    CHECK(second_gone);
    const int value = co_await tasks[2];
    CHECK(value == 1001);
    CHECK(s.started == 1);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: in a cancelled scope nothing is loaded, not even what is there") {
  auto body = []() -> task<> {
    source s;
    s.go.set();
    squares c(s.loader(), 10);
    co_await c.get(1);
    auto t = spawn([](squares& cache) -> task<int> {
      co_await swallow_cancellation();
      int refused = 0;
      for (int key = 1; key <= 2; ++key) {
        try {
          co_await cache.get(key);
        } catch (const eddy::cancelled&) {
          ++refused;
        }
      }
      co_return refused;
    }(c));
    co_await eddy::yield();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 2);
    CHECK(s.started == 1);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: an error reaches all its getters and is not kept") {
  auto body = []() -> task<> {
    source s;
    s.fails = true;
    squares c(s.loader(), 10);
    auto a = spawn(error_of(c, 1));
    auto b = spawn(error_of(c, 1));
    co_await let_others_run();
    s.go.set();
    const std::string first = co_await a;
    const std::string second = co_await b;
    CHECK(first == "no value");
    CHECK(second == "no value");
    CHECK(c.size() == 0);
    s.fails = false;
    const int value = co_await c.get(1);
    CHECK(value == 2001);
    CHECK(s.started == 2);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: a loader that throws before it makes a task, or makes none") {
  auto body = []() -> task<> {
    int calls = 0;
    squares c(
        [&calls](int) -> task<int> {
          if (++calls == 1) throw std::runtime_error("at once");
          return {};
        },
        1);
    const std::string said = co_await error_of(c, 1);
    CHECK(said == "at once");
    const std::string empty = co_await error_of(c, 1);
    CHECK(empty.find("empty task") != std::string::npos);
    CHECK(c.statistics().loading == 0);
    CHECK(c.statistics().misses == 0);
  };
  eddy::run(body());
}

// `cancelled` is thrown only into scopes that are.
TEST_CASE("async_cache: a load that ends as cancelled is task_cancelled to its getters") {
  auto body = []() -> task<> {
    squares c(
        [](int key) -> task<int> {
          if (key == 1) throw eddy::cancelled();
          co_return key;
        },
        1);
    const std::string said = co_await error_of(c, 1);
    CHECK(said == "async_cache: the task that loaded the value was cancelled");
    CHECK(c.size() == 0);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: a loader that gets its own key is told so") {
  auto body = []() -> task<> {
    squares* self = nullptr;
    squares c([&self](int key) -> task<int> { co_return co_await self->get(key); }, 1);
    self = &c;
    const std::string said = co_await error_of(c, 1);
    CHECK(said.find("waits for itself") != std::string::npos);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: what was not used for the longest time makes room") {
  auto body = []() -> task<> {
    source s;
    s.go.set();
    squares c(s.loader(), 2);
    co_await c.get(1);
    co_await c.get(2);
    co_await c.get(1);
    co_await c.get(3);
    CHECK(c.size() == 2);
    CHECK(c.try_get(1));
    CHECK_FALSE(c.try_get(2));
    CHECK(c.try_get(3));
    CHECK(c.statistics().evictions == 1);
    for (int key = 10; key < 200; ++key) co_await c.get(key);
    CHECK(c.size() == 2);
    CHECK(c.try_get(199));
    CHECK(c.try_get(198));
  };
  eddy::run(body());
}

TEST_CASE("async_cache: a value lives for its time, counted from the end of its load") {
  auto body = []() -> task<> {
    source s;
    s.go.set();
    squares c(s.loader(), 10, 20ms);
    co_await c.get(1);
    const auto loaded = eddy::now();
    const auto early = c.try_get(1);
    if (eddy::now() < loaded + 15ms) CHECK(early);
    co_await eddy::sleep(21ms);
    CHECK(c.size() == 1);
    CHECK_FALSE(c.try_get(1));
    CHECK(c.size() == 0);
    co_await c.get(1);
    co_await eddy::sleep(21ms);
    co_await c.get(1);
    CHECK(s.started == 3);
    CHECK(c.statistics().expirations == 2);
    CHECK(c.statistics().misses == 3);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: what is invalidated or cleared during its load is not kept") {
  auto body = []() -> task<> {
    source s;
    squares c(s.loader(), 10);
    auto old = spawn(get(c, 1));
    co_await let_others_run();
    CHECK(c.invalidate(1));
    CHECK_FALSE(c.invalidate(1));
    auto fresh = spawn(get(c, 1));
    auto cleared = spawn(get(c, 2));
    co_await let_others_run();
    CHECK(s.started == 3);
    c.clear();
    s.go.set();
    const int a = co_await old;
    const int b = co_await fresh;
    const int d = co_await cleared;
    CHECK(a == 1001);
    CHECK(b == 2001);
    CHECK(d == 3004);
    CHECK(c.size() == 0);
    co_await c.get(1);
    CHECK(c.size() == 1);
    CHECK(c.invalidate(1));
    CHECK(c.size() == 0);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: with_timeout leaves the load to the others") {
  auto body = []() -> task<> {
    source s;
    squares c(s.loader(), 10);
    auto patient = spawn(get(c, 1));
    co_await let_others_run();
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(1ms, get(c, 1));
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(s.cancelled == 0);
    s.go.set();
    const int value = co_await patient;
    CHECK(value == 1001);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: a value that cannot be copied now is copied the next time") {
  struct brittle {
    explicit brittle(bool& f) : fails(&f) {}
    brittle(const brittle& other) : fails(other.fails) {
      if (*fails) throw std::runtime_error("no copy");
    }
    brittle(brittle&& other) noexcept : fails(other.fails) {}
    bool* fails;
  };
  auto body = []() -> task<> {
    bool fails = true;
    async_cache<std::string, brittle> c(
        [&fails](std::string) -> task<brittle> { co_return brittle(fails); }, 1);
    bool thrown = false;
    try {
      co_await c.get("a");
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
    fails = false;
    const auto copy = co_await c.get("a");
    CHECK(copy.fails == &fails);
    CHECK(c.statistics().hits == 1);
  };
  eddy::run(body());
}

TEST_CASE("async_cache: the end of the loop ends detached getters and their loads") {
  int cancelled = 0;
  {
    std::unique_ptr<squares> c;
    auto body = [](std::unique_ptr<squares>& cache, int& gone) -> task<> {
      auto slow = [&gone](int key) -> task<int> {
        bool ended = false;
        try {
          co_await eddy::sleep(1h);
        } catch (const eddy::cancelled&) {
          ended = true;
        }
        if (ended) ++gone;
        if (ended) throw eddy::cancelled();
        co_return key;
      };
      cache = std::make_unique<squares>(slow, 10);
      spawn(get(*cache, 1)).detach();
      spawn(get(*cache, 1)).detach();
      spawn(get(*cache, 2)).detach();
      co_await let_others_run();
    };
    eddy::run(body(c, cancelled));
    CHECK(c->statistics().loading == 0);
    CHECK(c->statistics().waiting == 0);
  }
  CHECK(cancelled == 2);
}

namespace {

// Getters of a few keys, cancelled at random; loads that take a random number of turns, and fail at
// random. No two loads of a key run at one time unless it was forgotten; each value is right.
class cache_world {
 public:
  explicit cache_world(unsigned seed)
      : random_(seed), cache_([this](int key) { return load(key); }, 1 + random_() % 4) {}

  task<> play() {
    std::vector<eddy::join_handle<>> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(spawn(work()));
    for (int step = 0; step < 20; ++step) {
      co_await eddy::yield();
      if (random_() % 4 == 0) tasks[random_() % tasks.size()].cancel();
      if (random_() % 16 == 0) forget();
    }
    for (auto& t : tasks) {
      try {
        co_await t;
      } catch (const eddy::task_cancelled&) {
      }
    }
    const auto told = cache_.statistics();
    CHECK(told.loading == 0);
    CHECK(told.waiting == 0);
    CHECK(told.size <= cache_.capacity());
    CHECK(running_ == 0);
    CHECK(told.misses >= begun_);
  }

 private:
  static constexpr unsigned keys = 5;

  void forget() {
    if (random_() % 2 == 0) {
      cache_.clear();
    } else {
      (void)cache_.invalidate(static_cast<int>(random_() % keys));
    }
  }

  task<int> load(int key) {
    class running {
     public:
      explicit running(int& n) noexcept : n_(n) { ++n_; }
      ~running() { --n_; }
      running(const running&) = delete;
      running& operator=(const running&) = delete;

     private:
      int& n_;
    };
    const running now(running_);
    ++begun_;
    for (auto turns = random_() % 4; turns > 0; --turns) co_await eddy::yield();
    if (random_() % 8 == 0) throw std::runtime_error("failed");
    co_return 100 * key;
  }

  task<> work() {
    for (int i = 0; i < 6; ++i) {
      const int key = static_cast<int>(random_() % keys);
      try {
        const int value = co_await cache_.get(key);
        CHECK(value == 100 * key);
      } catch (const std::runtime_error&) {
      }
    }
  }

  std::mt19937 random_;
  async_cache<int, int> cache_;
  int running_ = 0;
  std::uint64_t begun_ = 0;
};

}  // namespace

TEST_CASE("model: async_cache") {
  auto body = []() -> task<> {
    for (unsigned seed = 1; seed <= 1000; ++seed) {
      cache_world w(seed);
      co_await w.play();
    }
  };
  eddy::run(body());
}
