// Two things that happen to one wait in one turn, for every primitive: what counts is decided by
// one table. In the calm world, where a turn runs all that is ready, and then expires timers.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/condition.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/rw_lock.hpp>
#include <eddy/sync/semaphore.hpp>
#include <optional>

#include "crowd.hpp"

using eddy::task;
using eddy::time_point;
using namespace properties;

namespace {

// A primitive at which one task will wait: for `wait`, until a time if one is given; `grant` lets
// it go on. True of `left`: what was granted is there for another. has_happened: once granted it
// cannot be undone, and a cancellation comes too late.
struct semaphore_row {
  task<bool> wait(std::optional<time_point> until) {
    if (!until) {
      auto p = co_await real.acquire();
      p.forget();
      co_return true;
    }
    auto p = co_await real.acquire_until(*until);
    const bool got = static_cast<bool>(p);
    p.forget();
    co_return got;
  }
  void grant() { real.release(); }
  bool left() { return real.available() == 1; }
  static constexpr bool has_happened = false;
  eddy::semaphore real{0};
};

struct mutex_row {
  task<bool> wait(std::optional<time_point> until) {
    eddy::mutex::guard g;
    if (until) {
      g = co_await real.lock_until(*until);
    } else {
      g = co_await real.lock();
    }
    const bool got = static_cast<bool>(g);
    g.forget();
    co_return got;
  }
  void grant() { held.release(); }
  bool left() { return !real.locked(); }
  static constexpr bool has_happened = false;
  eddy::mutex real;
  eddy::mutex::guard held = real.try_lock();
};

template <bool Exclusive>
struct rw_row {
  task<bool> wait(std::optional<time_point> until) {
    if constexpr (Exclusive) {
      if (until) {
        mine = co_await real.lock_until(*until);
      } else {
        mine = co_await real.lock();
      }
    } else {
      if (until) {
        mine = co_await real.lock_shared_until(*until);
      } else {
        mine = co_await real.lock_shared();
      }
    }
    co_return static_cast<bool>(mine);
  }
  void grant() { held.release(); }
  bool left() { return !real.writing() && real.readers() == 0; }
  static constexpr bool has_happened = false;
  eddy::rw_lock real;
  eddy::rw_lock::exclusive_guard held = real.try_lock();
  eddy::detail::rw_guard<Exclusive> mine;
};

struct event_row {
  task<bool> wait(std::optional<time_point> until) {
    if (until) co_return co_await real.wait_until(*until);
    co_await real.wait();
    co_return true;
  }
  void grant() { real.set(); }
  bool left() { return real.is_set() && real.waiting() == 0; }
  static constexpr bool has_happened = false;
  eddy::event real;
};

struct condition_row {
  task<bool> wait(std::optional<time_point> until) {
    auto g = co_await lock.lock();
    if (until) co_return co_await real.wait_until(g, *until);
    co_await real.wait(g);
    co_return true;
  }
  void grant() { real.notify_one(); }
  bool left() { return real.waiting() == 0 && !lock.locked(); }
  static constexpr bool has_happened = false;
  eddy::mutex lock;
  eddy::condition real;
};

struct barrier_row {
  task<bool> wait(std::optional<time_point> until) {
    if (until) {
      const auto index = co_await real.arrive_and_wait_until(*until);
      co_return index.has_value();
    }
    (void)co_await real.arrive_and_wait();
    co_return true;
  }
  void grant() { other = eddy::spawn(arrive(*this)); }
  static task<> arrive(barrier_row& row) { (void)co_await row.real.arrive_and_wait(); }
  // The other one has arrived and waits.
  bool left() { return real.waiting() == 1; }
  static constexpr bool has_happened = true;
  eddy::barrier real{2};
  eddy::join_handle<> other;
};

template <class Queue>
struct get_row {
  task<bool> wait(std::optional<time_point> until) {
    if (until) {
      const auto i = co_await real.get_until(*until);
      co_return i.has_value();
    }
    (void)co_await real.get();
    co_return true;
  }
  void grant() { (void)real.try_put(1); }
  bool left() { return real.size() == 1; }
  static constexpr bool has_happened = false;
  Queue real;
};

struct put_row {
  put_row() { (void)real.try_put(1); }
  task<bool> wait(std::optional<time_point> until) {
    if (until) co_return co_await real.put_until(2, *until);
    co_await real.put(2);
    co_return true;
  }
  void grant() { (void)real.try_get(); }
  bool left() { return real.empty(); }
  static constexpr bool has_happened = true;
  eddy::queue<int> real{1};
};

struct join_row {
  join_row() {
    (void)real.try_put(1);
    (void)real.try_get();
  }
  task<bool> wait(std::optional<time_point> until) {
    if (until) co_return co_await real.join_until(*until);
    co_await real.join();
    co_return true;
  }
  void grant() { real.task_done(); }
  bool left() { return real.unfinished() == 0 && real.statistics().waiting_joiners == 0; }
  static constexpr bool has_happened = false;
  eddy::queue<int> real;
};

struct receive_row {
  task<bool> wait(std::optional<time_point> until) {
    std::optional<int> i;
    if (until) {
      i = co_await real.receive_until(*until);
    } else {
      i = co_await real.receive();
    }
    co_return i.has_value();
  }
  void grant() { (void)real.try_send(1); }
  bool left() { return real.statistics().depth == 1; }
  static constexpr bool has_happened = false;
  eddy::channel<int> real{1};
};

enum class first { grant, cancel };

// What the wait says: got it, came too late, or was cancelled.
enum class said { nothing, got, late, cancelled };

template <class Row>
task<> waits(Row& row, std::optional<time_point> until, said& what) {
  try {
    const bool got = co_await row.wait(until);
    what = got ? said::got : said::late;
  } catch (const eddy::cancelled&) {
    what = said::cancelled;
  }
}

// Comes when all that was ready has run, and all that was due has fired.
auto next_turn() { return eddy::sleep(ns(1)); }

template <class Row>
task<> with_cancel(first which) {
  Row row;
  said what = said::nothing;
  auto waiter = eddy::spawn(waits(row, std::nullopt, what));
  co_await next_turn();
  if (which == first::grant) {
    row.grant();
    // The barrier is granted by one who has to run first.
    if constexpr (std::is_same_v<Row, barrier_row>) co_await eddy::yield();
    waiter.cancel();
  } else {
    waiter.cancel();
    row.grant();
  }
  co_await next_turn();
  REQUIRE(waiter.done());
  if (which == first::grant && Row::has_happened) {
    CHECK(what == said::got);
    CHECK_FALSE(row.left());
  } else {
    CHECK(what == said::cancelled);
    CHECK(row.left());
  }
}

template <class Row>
task<> grants(Row& row) {
  row.grant();
  co_return;
}
template <class Row>
task<> grants_at(Row& row, time_point t) {
  co_await eddy::sleep_until(t);
  row.grant();
}

template <class Row>
task<> with_limit(first which) {
  Row row;
  said what = said::nothing;
  co_await next_turn();
  const time_point due = eddy::now();
  if (which == first::grant) {
    // Granted in the turn at whose end the limit comes, before the waiter runs again.
    auto waiter = eddy::spawn(waits(row, due, what));
    auto granter = eddy::spawn(grants(row));
    co_await next_turn();
    CHECK(what == said::got);
    CHECK_FALSE((row.left() && !std::is_same_v<Row, event_row> &&
                 !std::is_same_v<Row, condition_row> && !std::is_same_v<Row, join_row>));
    co_return;
  }
  // Both timers fire at the end of one turn; then the granter runs before the waiter.
  auto granter = eddy::spawn(grants_at(row, due));
  auto waiter = eddy::spawn(waits(row, due, what));
  co_await next_turn();
  co_await next_turn();
  CHECK(what == said::late);
  CHECK(row.left());
}

template <class Row>
void all_rows_of(const char* name) {
  CAPTURE(name);
  const auto calm = eddy::sim::options().seed(0).order(eddy::sim::order::fifo);
  eddy::sim::run(with_cancel<Row>(first::grant), calm);
  eddy::sim::run(with_cancel<Row>(first::cancel), calm);
  eddy::sim::run(with_limit<Row>(first::cancel), calm);
  if constexpr (!std::is_same_v<Row, barrier_row>) {
    eddy::sim::run(with_limit<Row>(first::grant), calm);
  }
}

}  // namespace

TEST_CASE("one turn: a grant, a cancellation and a limit, for every primitive") {
  all_rows_of<semaphore_row>("semaphore");
  all_rows_of<mutex_row>("mutex");
  all_rows_of<rw_row<true>>("rw_lock, exclusive");
  all_rows_of<rw_row<false>>("rw_lock, shared");
  all_rows_of<event_row>("event");
  all_rows_of<condition_row>("condition");
  all_rows_of<barrier_row>("barrier");
  all_rows_of<get_row<eddy::queue<int>>>("queue, get");
  all_rows_of<get_row<eddy::lifo_queue<int>>>("lifo_queue, get");
  all_rows_of<get_row<eddy::priority_queue<int>>>("priority_queue, get");
  all_rows_of<put_row>("queue, put");
  all_rows_of<join_row>("queue, join");
  all_rows_of<receive_row>("channel, receive");
}

TEST_CASE("one turn: with_timeout and a body whose last timer comes at the same time") {
  auto body = []() -> task<> {
    bool done = false;
    auto inner = [](bool& over) -> task<int> {
      co_await eddy::sleep(ns(10));
      over = true;
      co_return 1;
    };
    bool late = false;
    try {
      (void)co_await eddy::with_timeout(ns(10), inner(done));
    } catch (const eddy::timeout_error&) {
      late = true;
    }
    CHECK(late != done);
  };
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    eddy::sim::run(body(), eddy::sim::options().seed(seed));
  }
}

TEST_CASE("one turn: an operation that is over keeps its result, and the cancellation waits") {
  // An offloaded call has run if and only if its value comes back, whenever the cancellation comes;
  // and the next suspension throws.
  auto body = [](ns when) -> task<> {
    bool started = false;
    bool ran = false;
    bool got = false;
    bool cancelled = false;
    auto fn = [&ran] {
      ran = true;
      return 1;
    };
    auto waiter = [&]() -> task<> {
      started = true;
      try {
        (void)co_await eddy::offload(fn);
        got = true;
        co_await eddy::sleep(std::chrono::hours(1));
      } catch (const eddy::cancelled&) {
        cancelled = true;
      }
    };
    auto h = eddy::spawn(waiter());
    co_await eddy::sleep(when);
    h.cancel();
    const auto soon = eddy::now() + std::chrono::seconds(1);
    while (!h.done()) co_await eddy::sleep(std::chrono::microseconds(1));
    CHECK(eddy::now() < soon);
    CHECK(ran == got);
    CHECK(cancelled == started);
  };
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    eddy::sim::run(body(ns(seed * 500)), eddy::sim::options().seed(seed));
  }
}
