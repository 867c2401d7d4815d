// Semaphores, mutex, rw_lock and limiter, with limits of all kinds.
#include <doctest/doctest.h>

#include <algorithm>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/sync/limiter.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/rw_lock.hpp>
#include <eddy/sync/semaphore.hpp>

#include "crowd.hpp"

using eddy::task;
using namespace properties;

namespace {

template <class Semaphore>
struct counted {
  explicit counted(std::size_t n) : s(n) {}
  auto acquire() { return s.acquire(); }
  auto acquire_for(ns d) { return s.acquire_for(d); }
  auto acquire_until(eddy::time_point t) { return s.acquire_until(t); }
  auto try_acquire() { return s.try_acquire(); }
  std::size_t available() const { return s.available(); }
  Semaphore s;
};

struct locked {
  explicit locked(std::size_t) {}
  auto acquire() { return s.lock(); }
  auto acquire_for(ns d) { return s.lock_for(d); }
  auto acquire_until(eddy::time_point t) { return s.lock_until(t); }
  auto try_acquire() { return s.try_lock(); }
  std::size_t available() const { return s.locked() ? 0 : 1; }
  eddy::mutex s;
};

template <class Primitive, int Most>
class permit_crowd final : public crowd {
 public:
  explicit permit_crowd(const schedule& s)
      : crowd(s), permits_(1 + static_cast<std::size_t>(below(Most))), real_(permits_) {}

 private:
  task<> operation() override {
    const int what = below(5);
    const bool waits = real_.available() == 0;
    eddy::detail::held_permit p;
    if (what == 0) {
      p = real_.try_acquire();
      expect(static_cast<bool>(p) == !waits, "a try that does not say what there is");
    } else {
      const int ticket = line_.come();
      try {
        if (what == 1) {
          p = co_await real_.acquire_for(any_time());
        } else if (what == 2) {
          p = co_await real_.acquire_until(eddy::now() + any_time());
        } else {
          p = co_await real_.acquire();
        }
      } catch (const eddy::cancelled&) {
        line_.left(ticket);
        throw;
      }
      if (p) {
        line_.served(ticket, real_.s.statistics().waiting, waits);
      } else {
        line_.left(ticket);
        expect(waits && (what == 1 || what == 2), "no permit, though there was one");
      }
    }
    if (!p) co_return;
    const living holder(held_);
    expect(static_cast<std::size_t>(held_) <= permits_, "more holders than permits");
    check();
    for (int i = below(3); i > 0; --i) co_await pause();
  }

  void check() override {
    const auto now = real_.s.statistics();
    expect(real_.available() == 0 || now.waiting == 0, "somebody waits, and there are permits");
    expect(now.waiting <= line_.inside() && now.waiting <= now.most_waiting, "the line's length");
    const std::size_t held = static_cast<std::size_t>(held_);
    expect(real_.available() + held <= permits_, "a permit was made");
    // Whoever is out of the line and has not gone on may have been granted one.
    expect(real_.available() + held + (line_.inside() - now.waiting) >= permits_,
           "a permit was lost");
  }
  void check_end() override {
    expect(real_.available() == permits_, "a permit was lost or made at the end");
    expect(real_.s.statistics().waiting == 0, "somebody is left in the line");
  }

  std::size_t permits_;
  Primitive real_;
  line line_{*this};
  int held_ = 0;
};

class rw_crowd final : public crowd {
 public:
  using crowd::crowd;

 private:
  task<> operation() override {
    if (chance(40)) {
      co_await hold<eddy::rw_lock::exclusive_guard>(
          writers_, [this] { return real_.lock(); }, [this](ns d) { return real_.lock_for(d); },
          [this] { return real_.try_lock(); });
    } else {
      co_await hold<eddy::rw_lock::shared_guard>(
          readers_, [this] { return real_.lock_shared(); },
          [this](ns d) { return real_.lock_shared_for(d); },
          [this] { return real_.try_lock_shared(); });
    }
  }

  template <class Guard, class Lock, class LockFor, class TryLock>
  task<> hold(int& holders, Lock lock, LockFor lock_for, TryLock try_lock) {
    const bool alone = &holders == &writers_;
    const auto before = real_.statistics();
    const bool waits = before.waiting > 0 || before.writing || (alone && before.readers > 0);
    Guard g;
    const int what = below(4);
    if (what == 0) {
      g = try_lock();
      expect(static_cast<bool>(g) == !waits, "a try that does not say what there is");
    } else {
      const int ticket = line_.come();
      const living one(alone ? writers_inside_ : readers_inside_);
      try {
        if (what == 1) {
          g = co_await lock_for(any_time());
        } else {
          g = co_await lock();
        }
      } catch (const eddy::cancelled&) {
        line_.left(ticket);
        throw;
      }
      if (g) {
        line_.served(ticket, real_.waiting(), waits);
      } else {
        line_.left(ticket);
        expect(waits && what == 1, "no lock, though it was free");
      }
    }
    if (!g) co_return;
    const living holder(holders);
    expect(writers_ == 0 || (writers_ == 1 && readers_ == 0), "a writer is not alone");
    check();
    for (int i = below(3); i > 0; --i) co_await pause();
  }

  void check() override {
    const auto now = real_.statistics();
    expect(!now.writing || now.readers == 0, "a writer is not alone");
    expect(static_cast<std::size_t>(readers_) <= now.readers, "the number of readers");
    if (now.waiting == 0) return;
    expect(now.writing || now.readers > 0, "somebody waits for a lock that nobody holds");
    expect(now.writing || writers_inside_ > 0, "readers wait for readers");
  }
  void check_end() override {
    const auto now = real_.statistics();
    expect(now.readers == 0 && !now.writing && now.waiting == 0, "something is left of the lock");
  }

  eddy::rw_lock real_;
  line line_{*this};
  int readers_ = 0;
  int writers_ = 0;
  int readers_inside_ = 0;  // in a wait
  int writers_inside_ = 0;
};

class limiter_crowd final : public crowd {
 public:
  explicit limiter_crowd(const schedule& s)
      : crowd(s),
        most_(1 + static_cast<std::size_t>(below(4))),
        interval_(1 + below(30)),
        real_(most_, interval_) {}

 private:
  task<> operation() override {
    const std::size_t n = 1 + static_cast<std::size_t>(below(static_cast<int>(most_)));
    const int what = below(4);
    bool got = true;
    if (what == 0) {
      got = real_.try_acquire(n);
      expect(!got || real_.waiting() == 0, "a try has overtaken");
    } else {
      const bool behind = real_.waiting() > 0;
      const int ticket = line_.come();
      try {
        if (what == 1) {
          got = co_await real_.acquire_for(any_time(), n);
        } else {
          co_await real_.acquire(n);
        }
      } catch (const eddy::cancelled&) {
        line_.left(ticket);
        throw;
      }
      if (got) {
        line_.served(ticket, real_.waiting(), behind);
      } else {
        line_.left(ticket);
      }
    }
    if (!got) co_return;
    for (std::size_t i = 0; i < n; ++i) times_.push_back(eddy::now());
    for (std::size_t i = most_; i < times_.size(); ++i) {
      expect(times_[i] - times_[i - most_] >= interval_, "more than the limit in an interval");
    }
  }

  void check() override {
    expect(real_.statistics().acquired == times_.size(), "the number of units acquired");
    expect(real_.waiting() <= line_.inside(), "the line's length");
  }
  void check_end() override { expect(real_.waiting() == 0, "somebody is left in the line"); }

  std::size_t most_;
  ns interval_;
  eddy::limiter real_;
  line line_{*this};
  std::vector<eddy::time_point> times_;
};

}  // namespace

TEST_CASE("property: semaphore with limits") {
  property(6000, play_crowd<permit_crowd<counted<eddy::semaphore>, 3>>);
}

TEST_CASE("property: bounded_semaphore with limits") {
  property(6000, play_crowd<permit_crowd<counted<eddy::bounded_semaphore>, 3>>);
}

TEST_CASE("property: mutex with limits") { property(6000, play_crowd<permit_crowd<locked, 1>>); }

TEST_CASE("property: rw_lock with limits") { property(6000, play_crowd<rw_crowd>); }

TEST_CASE("property: limiter") { property(6000, play_crowd<limiter_crowd>); }
