// A task cancelled at each of its suspension points in turn: at the first, at the second, and so on
// until it ends by itself; in worlds of many orders. What others need is there afterwards.
#include <doctest/doctest.h>

#include <eddy/runtime/as_completed.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/finally.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/shield.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/sync/async_cache.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/condition.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/limiter.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/rw_lock.hpp>
#include <eddy/sync/semaphore.hpp>

#include "crowd.hpp"

using eddy::task;
using namespace properties;

namespace {

// Each scene: a victim, others that must end whatever becomes of it, and what holds at the end.

struct permits_scene {
  task<> victim() {
    auto g = co_await lock.lock();
    auto p = co_await permits.acquire();
    co_await eddy::yield();
    auto q = co_await permits.acquire_for(ns(30));
    g.release();
    p.release();
    co_await eddy::sleep(ns(5));
    auto w = co_await rw.lock();
    w.release();
    auto r = co_await rw.lock_shared();
    co_await eddy::yield();
  }
  task<> other() {
    for (int i = 0; i < 3; ++i) {
      auto g = co_await lock.lock();
      co_await eddy::yield();
      auto p = co_await permits.acquire();
      auto r = co_await rw.lock_shared();
      co_await eddy::sleep(ns(10));
    }
  }
  bool holds() const {
    return !lock.locked() && permits.available() == 1 && rw.readers() == 0 && !rw.writing();
  }
  eddy::mutex lock;
  eddy::semaphore permits{1};
  eddy::rw_lock rw;
};

template <class Queue>
struct queue_scene {
  task<> passes_on() {
    while (true) {
      const int x = co_await in.get();
      const living has(held);
      ++got;
      in.task_done();
      co_await out.put(x);
      ++put;
    }
  }
  task<> victim() {
    try {
      co_await passes_on();
    } catch (const eddy::queue_shut_down&) {
    }
    co_await in.join();
  }
  task<> other() {
    for (int i = 0; i < 3; ++i) {
      const bool done = co_await in.put_for(i, ns(50));
      if (done) ++sent;
    }
    in.shutdown();
    co_await eddy::sleep(ns(100));
    out.shutdown();
    while (!in.empty()) {
      if (in.try_get()) {
        ++got;
        in.task_done();
      } else {
        co_await eddy::yield();  // it has been promised to the victim
      }
    }
    co_await in.join();
  }
  bool holds() {
    for (; !out.empty(); ++came) (void)out.try_get();
    return got == sent && came == put && held == 0 && in.unfinished() == 0;
  }
  Queue in{1};
  Queue out{2};
  int held = 0;
  int sent = 0;
  int got = 0;
  int put = 0;
  int came = 0;
};

struct channel_scene {
  task<> victim() {
    for (int i = 0; i < 2; ++i) {
      const auto x = co_await in.receive();
      if (x) ++got;
      co_await out.send(1);
      ++put;
    }
    const auto late = co_await in.receive_for(ns(20));
    if (late) ++got;
  }
  task<> other() {
    for (int i = 0; i < 3; ++i) {
      const bool done = co_await in.send_for(ns(40), i);
      if (done) ++sent;
    }
    co_await eddy::sleep(ns(100));
    in.close();
    while (const auto x = co_await in.receive()) ++got;
    while (const auto x = out.try_receive()) ++came;
  }
  bool holds() {
    while (const auto x = out.try_receive()) ++came;
    return got == sent && came == put;
  }
  eddy::channel<int> in{1};
  eddy::channel<int> out{2};  // room for all that the victim sends, if others have gone
  int sent = 0;
  int got = 0;
  int put = 0;
  int came = 0;
};

struct meeting_scene {
  task<> victim() {
    co_await go.wait();
    try {
      (void)co_await all.arrive_and_wait();
      ++through;
    } catch (const eddy::broken_barrier&) {
    }
    auto g = co_await lock.lock();
    co_await changed.wait(g, [this] { return said; });
    auto again = co_await go.wait_for(ns(10));
    (void)again;
  }
  task<> other() {
    co_await eddy::yield();
    go.set();
    const auto index = co_await all.arrive_and_wait_for(ns(50));
    if (index) ++through;
    all.abort();
    co_await eddy::sleep(ns(20));
    auto g = co_await lock.lock();
    said = true;
    changed.notify_one();
  }
  bool holds() const {
    return !lock.locked() && changed.waiting() == 0 && all.waiting() == 0 &&
           (through == 0 || through == 2);
  }
  eddy::event go;
  eddy::barrier all{2};
  eddy::mutex lock;
  eddy::condition changed;
  int through = 0;
  bool said = false;
};

struct cache_scene {
  task<int> load(int key) {
    const living one(loading);
    co_await eddy::yield();
    co_await eddy::sleep(ns(10));
    co_return key;
  }
  task<> victim() {
    for (int key = 0; key < 2; ++key) {
      co_await slow.acquire();
      (void)co_await real.get(key);
    }
  }
  task<> other() {
    for (int key = 0; key < 2; ++key) {
      const int v = co_await real.get(key);
      if (v != key) ++bad;
      co_await slow.acquire();
    }
  }
  bool holds() const { return bad == 0 && loading == 0 && real.statistics().waiting == 0; }
  int loading = 0;
  int bad = 0;
  eddy::limiter slow{1, ns(10)};
  eddy::async_cache<int, int> real{[this](int key) { return load(key); }, 1};
};

// Scopes of all kinds around a permit that nobody else may miss.
struct scopes_scene {
  task<int> child(int n) {
    const living one(alive);
    auto p = co_await permits.acquire();
    for (int i = 0; i < n; ++i) co_await eddy::yield();
    co_await eddy::sleep(ns(n));
    co_return n;
  }
  task<> cleanup() {
    ++cleaned;
    co_await eddy::yield();
    co_await eddy::sleep(ns(3));
    ++cleaned;
  }
  task<> shielded() {
    ++shields;
    co_await eddy::sleep(ns(3));
    auto p = co_await permits.acquire();
    co_await eddy::yield();
    ++shields;
  }
  task<> in_scopes() {
    (void)co_await eddy::gather(child(1), child(2));
    (void)co_await eddy::race(child(1), child(3), child(0));
    auto body = [this](eddy::task_group& g) -> task<> {
      (void)g.spawn(child(2));
      auto h = g.spawn(child(1));
      (void)co_await h;
    };
    co_await eddy::with_task_group(body);
    try {
      (void)co_await eddy::with_timeout(ns(4), child(9));
    } catch (const eddy::timeout_error&) {
    }
    co_await eddy::shield(shielded());
    std::vector<task<int>> some;
    some.push_back(child(1));
    some.push_back(child(2));
    auto results = eddy::as_completed(std::move(some));
    while (auto x = co_await results.next()) ++came;
    auto h = eddy::spawn(child(2));
    (void)co_await h;
  }
  task<> victim() {
    started = true;
    co_await eddy::finally(in_scopes(), cleanup());
  }
  task<> other() {
    for (int i = 0; i < 3; ++i) {
      auto p = co_await permits.acquire();
      co_await eddy::sleep(ns(7));
    }
  }
  bool holds() const {
    return alive == 0 && permits.available() == 1 && shields % 2 == 0 &&
           cleaned == (started ? 2 : 0);
  }
  eddy::semaphore permits{1};
  bool started = false;
  int alive = 0;
  int cleaned = 0;
  int shields = 0;
  int came = 0;
};

constexpr int most_points = 400;

// The k-th suspension point. True: the victim had ended before.
template <class Scene>
task<bool> cancelled_at(int k, Scene& scene) {
  auto other = eddy::spawn(scene.other(), "other");
  auto victim = eddy::spawn(scene.victim(), "victim");
  // A resumption of this after another; now and then all that is ready runs, and time passes.
  for (int i = 0; i < k && !victim.done(); ++i) {
    if (i % 4 == 3) {
      co_await eddy::sleep(ns(1));
    } else {
      co_await eddy::yield();
    }
  }
  const bool over = victim.done();
  victim.cancel();
  try {
    co_await victim;
  } catch (const eddy::task_cancelled&) {
  }
  co_await other;
  co_return over;
}

template <class Scene>
std::string sweep(const schedule& s) {
  for (int k = 0; k < most_points; ++k) {
    Scene scene;
    if (k > 0) count_schedule();
    const bool over = run_in(s, cancelled_at(k, scene));
    if (!scene.holds()) return "cancelled at point " + std::to_string(k) + ": something is lost";
    if (over) return {};
  }
  return "the victim does not end";
}

}  // namespace

TEST_CASE("sweep: permits and locks") { property(100, sweep<permits_scene>); }

TEST_CASE("sweep: queues") {
  property(100, sweep<queue_scene<eddy::queue<int>>>);
  property(100, sweep<queue_scene<eddy::lifo_queue<int>>>);
  property(100, sweep<queue_scene<eddy::priority_queue<int>>>);
}

TEST_CASE("sweep: channel") { property(100, sweep<channel_scene>); }

TEST_CASE("sweep: event, barrier and condition") { property(100, sweep<meeting_scene>); }

TEST_CASE("sweep: async_cache and limiter") { property(100, sweep<cache_scene>); }

TEST_CASE("sweep: scopes") { property(200, sweep<scopes_scene>); }
