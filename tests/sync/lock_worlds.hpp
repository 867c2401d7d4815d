// Random schedules of condition, barrier and rw_lock beside plain models of them.
#pragma once

#include <deque>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/condition.hpp>
#include <eddy/sync/rw_lock.hpp>

#include "schedule.hpp"

namespace sync_test {

inline std::size_t at(int actor) { return static_cast<std::size_t>(actor); }

class rw_world final : public world {
 public:
  explicit rw_world(std::uint64_t seed) : world(seed) {}

  eddy::task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      if (chance(25)) {
        co_await try_hold(chance(40));
      } else {
        co_await one_way_or_another(id, [this](int actor) { return hold(actor, chance(40)); });
      }
    }
  }

  void model_cancel(int actor) override {
    for (auto it = line_.begin(); it != line_.end(); ++it) {
      if (it->actor != actor) continue;
      line_.erase(it);
      model_serve();
      return;
    }
    const int was = std::exchange(granted_[at(actor)], nothing);
    if (was != nothing) model_unlock(was == alone);
  }

  void check() override {
    expect(!(real_.writing() && real_.readers() > 0), "a writer is not alone");
    if (timed()) return;
    expect(real_.readers() == static_cast<std::size_t>(readers_), "the number of readers");
    expect(real_.writing() == writing_, "writing");
    expect(real_.waiting() == line_.size(), "the number of waiters");
  }

  void check_end() override {
    expect(real_.readers() == 0 && !real_.writing(), "somebody still holds the lock");
    expect(real_.waiting() == 0, "somebody is left in the line");
  }

 private:
  enum grant { nothing, shared, alone };
  struct asked {
    int actor;
    bool exclusive;
  };

  // Inside, in the primitive and in the model.
  template <class Guard>
  class holding {
   public:
    holding(rw_world& w, Guard&& g, bool exclusive)
        : world_(w), guard_(std::move(g)), exclusive_(exclusive) {
      (exclusive_ ? world_.writers_inside_ : world_.readers_inside_) += 1;
      world_.expect(world_.writers_inside_ == 0 ||
                        (world_.writers_inside_ == 1 && world_.readers_inside_ == 0),
                    "a writer is not alone");
    }
    ~holding() {
      (exclusive_ ? world_.writers_inside_ : world_.readers_inside_) -= 1;
      world_.model_unlock(exclusive_);
      guard_.release();
      world_.check();
    }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;

   private:
    rw_world& world_;
    Guard guard_;
    bool exclusive_;
  };

  eddy::task<> hold(int actor, bool exclusive) {
    if (exclusive) {
      co_await hold_as(actor, exclusive, [this] { return real_.lock(); });
    } else {
      co_await hold_as(actor, exclusive, [this] { return real_.lock_shared(); });
    }
  }

  template <class Lock>
  eddy::task<> hold_as(int actor, bool exclusive, Lock lock) {
    const bool waits =
        real_.waiting() > 0 || real_.writing() || (exclusive && real_.readers() > 0);
    const int ticket = order_.draw();
    if (!timed() && !is_cancelled(actor)) {
      line_.push_back({actor, exclusive});
      model_serve();
    }
    decltype(lock().await_resume()) guard;
    try {
      guard = co_await lock();
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    }
    const int was = std::exchange(granted_[at(actor)], nothing);
    expect(timed() || was == (exclusive ? alone : shared), "a lock that was not granted");
    if (waits) expect(in_turn(order_, ticket), "not first in, first out");
    holding now(*this, std::move(guard), exclusive);
    for (int i = below(3); i > 0; --i) co_await distraction();
  }

  eddy::task<> try_hold(bool exclusive) {
    const bool should = line_.empty() && !writing_ && (!exclusive || readers_ == 0);
    if (exclusive) {
      auto guard = real_.try_lock();
      if (!timed()) expect(static_cast<bool>(guard) == should, "try_lock");
      if (!guard) co_return;
      writing_ = true;
      holding now(*this, std::move(guard), true);
      co_await distraction();
    } else {
      auto guard = real_.try_lock_shared();
      if (!timed()) expect(static_cast<bool>(guard) == should, "try_lock_shared");
      if (!guard) co_return;
      ++readers_;
      holding now(*this, std::move(guard), false);
      co_await distraction();
    }
  }

  void model_serve() {
    while (!line_.empty()) {
      const asked first = line_.front();
      if (writing_ || (first.exclusive && readers_ > 0)) return;
      line_.pop_front();
      granted_[at(first.actor)] = first.exclusive ? alone : shared;
      if (first.exclusive) {
        writing_ = true;
      } else {
        ++readers_;
      }
    }
  }
  void model_unlock(bool exclusive) {
    if (exclusive) {
      writing_ = false;
    } else {
      --readers_;
    }
    model_serve();
  }

  eddy::rw_lock real_;
  int writers_inside_ = 0;
  int readers_inside_ = 0;
  fifo order_;
  std::deque<asked> line_;
  int readers_ = 0;
  bool writing_ = false;
  grant granted_[actors] = {};
};

class barrier_world final : public world {
 public:
  explicit barrier_world(std::uint64_t seed)
      : world(seed), parties_(1 + at(below(4))), real_(parties_) {}

  eddy::task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      const int what = below(20);
      if (what == 0) {
        end_model(broken);
        broken_ = true;
        real_.abort();
      } else if (what <= 2) {
        reset();
      } else {
        co_await one_way_or_another(id, [this](int actor) { return arrive(actor); });
      }
      check();
    }
  }

  void model_cancel(int actor) override {
    take_out(line_, actor);
    if (ended_[at(actor)] == broken) ended_[at(actor)] = nothing;
  }

  void check() override {
    if (timed()) return;
    expect(real_.waiting() == line_.size(), "the number of waiters");
    expect(real_.broken() == broken_, "broken");
  }

  void help() override { reset(); }

  void check_end() override {
    expect(real_.waiting() == 0, "somebody is left at the barrier");
    expect(passed_ == real_.statistics().trips * parties_, "who has arrived goes through");
  }

 private:
  enum outcome { nothing, tripped, broken };

  void reset() {
    end_model(broken);
    broken_ = false;
    real_.reset();
  }
  void end_model(outcome how) {
    std::size_t index = 0;
    for (int actor : line_) {
      ended_[at(actor)] = how;
      index_[at(actor)] = index++;
    }
    line_.clear();
  }
  void model_arrive(int actor) {
    if (broken_) {
      ended_[at(actor)] = broken;
      return;
    }
    line_.push_back(actor);
    if (line_.size() == parties_) end_model(tripped);
  }

  eddy::task<> arrive(int actor) {
    auto& ended = ended_[at(actor)];
    if (!timed() && !is_cancelled(actor)) model_arrive(actor);
    try {
      const std::size_t index = co_await real_.arrive_and_wait();
      ++passed_;
      expect(index < parties_, "an index that is no arrival's");
      if (timed()) co_return;
      expect(ended == tripped, "went on alone");
      expect(index == index_[at(actor)], "not the index of the arrival");
    } catch (const eddy::broken_barrier&) {
      expect(timed() || ended == broken, "broken out of the blue");
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      expect(timed() || ended == nothing, "cancelled, though all had arrived");
      throw;
    }
    ended = nothing;
  }

  std::size_t parties_;
  eddy::barrier real_;
  std::size_t passed_ = 0;
  bool broken_ = false;
  std::deque<int> line_;
  outcome ended_[actors] = {};
  std::size_t index_[actors] = {};
};

class condition_world final : public world {
 public:
  explicit condition_world(std::uint64_t seed) : world(seed) {}

  eddy::task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      const int what = below(6);
      if (what <= 1) {
        notify(what == 0);
      } else {
        co_await one_way_or_another(id, [this](int actor) { return wait(actor); });
      }
      check();
    }
  }

  void model_cancel(int actor) override {
    auto& a = model_[at(actor)];
    if (take_out(waiting_, actor)) {
      a.in = stage::reacquires;
      model_ask(actor);
    } else if (a.in == stage::notified_alone) {
      a.in = stage::reacquires;
      model_notify(true);
    } else if (a.in == stage::notified) {
      a.in = stage::reacquires;
    } else if (a.in == stage::locking) {
      a.in = stage::outside;
      if (take_out(line_, actor)) return;
      a.granted = false;
      model_release();
    }
  }

  void check() override {
    if (timed()) return;
    expect(real_.waiting() == waiting_.size(), "the number of waiters");
    expect(lock_.waiting() == line_.size(), "the number of those who wait for the lock");
    expect(lock_.locked() == locked_, "locked");
  }

  void help() override { notify(false); }

  void check_end() override {
    expect(real_.waiting() == 0, "somebody is left in the line");
    expect(!lock_.locked(), "somebody still holds the lock");
  }

 private:
  enum class stage { outside, locking, inside, waits, notified, notified_alone, reacquires };
  struct actor_model {
    stage in = stage::outside;
    bool granted = false;  // the lock, not yet picked up
  };

  void notify(bool one) {
    model_notify(one);
    if (one) {
      real_.notify_one();
    } else {
      real_.notify_all();
    }
  }
  void model_notify(bool one) {
    while (!waiting_.empty()) {
      const int first = waiting_.front();
      waiting_.pop_front();
      model_[at(first)].in = one ? stage::notified_alone : stage::notified;
      model_ask(first);
      if (one) return;
    }
  }
  void model_ask(int actor) {
    if (locked_) {
      line_.push_back(actor);
    } else {
      locked_ = true;
      model_[at(actor)].granted = true;
    }
  }
  void model_release() {
    if (line_.empty()) {
      locked_ = false;
    } else {
      model_[at(line_.front())].granted = true;
      line_.pop_front();
    }
  }

  // The actor goes on with the lock.
  void enter(int actor, const eddy::mutex::guard& guard) {
    expect(static_cast<bool>(guard) && lock_.locked(), "inside without the lock");
    expect(++inside_ == 1, "two inside");
    if (timed()) return;
    expect(std::exchange(model_[at(actor)].granted, false), "a lock that was not granted");
    model_[at(actor)].in = stage::inside;
  }
  void leave(int actor) {
    --inside_;
    if (timed()) return;
    model_[at(actor)].in = stage::outside;
    model_release();
  }

  // Leaves the lock, in the model when it does in the primitive.
  class exit_of {
   public:
    exit_of(condition_world& w, int actor, eddy::mutex::guard& g)
        : world_(w), actor_(actor), guard_(g) {}
    ~exit_of() {
      world_.leave(actor_);
      guard_.release();
      world_.check();
    }
    exit_of(const exit_of&) = delete;
    exit_of& operator=(const exit_of&) = delete;

   private:
    condition_world& world_;
    int actor_;
    eddy::mutex::guard& guard_;
  };

  eddy::task<> wait(int actor) {
    auto& model = model_[at(actor)];
    if (!timed() && !is_cancelled(actor)) {
      model.in = stage::locking;
      model_ask(actor);
    }
    auto guard = co_await lock_.lock();
    enter(actor, guard);
    exit_of leaves(*this, actor, guard);
    if (chance(30)) co_await distraction();
    const int ticket = order_.draw();
    const bool refused = is_cancelled(actor);
    --inside_;
    if (!timed() && !refused) {
      model.in = stage::waits;
      waiting_.push_back(actor);
      model_release();
    }
    bool notified = true;
    try {
      co_await real_.wait(guard);
    } catch (const eddy::cancelled&) {
      notified = false;
    }
    if (!timed() && refused) model.granted = true;  // it has kept the lock
    const stage was = model.in;
    enter(actor, guard);
    if (!notified) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      expect(timed() || refused || was == stage::reacquires, "a notification was lost");
      throw eddy::cancelled();
    }
    expect(timed() || was == stage::notified || was == stage::notified_alone,
           "went on without a notification");
    expect(in_turn(order_, ticket), "not first in, first out");
    if (chance(30)) co_await distraction();
  }

  eddy::mutex lock_;
  eddy::condition real_;
  int inside_ = 0;
  fifo order_;
  bool locked_ = false;
  std::deque<int> line_;
  std::deque<int> waiting_;
  actor_model model_[actors];
};

}  // namespace sync_test
