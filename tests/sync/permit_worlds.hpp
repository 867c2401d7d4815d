// Random schedules of semaphore, mutex and event beside plain models of them.
#pragma once

#include <deque>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/semaphore.hpp>

#include "schedule.hpp"

namespace sync_test {

struct any_semaphore {
  explicit any_semaphore(int permits) : s(static_cast<std::size_t>(permits)) {}
  auto acquire() { return s.acquire(); }
  auto try_acquire() { return s.try_acquire(); }
  std::size_t available() const { return s.available(); }
  std::size_t waiting() const { return s.waiting(); }
  static constexpr int most_permits = 3;
  eddy::semaphore s;
};

struct any_mutex {
  explicit any_mutex(int) {}
  auto acquire() { return m.lock(); }
  auto try_acquire() { return m.try_lock(); }
  std::size_t available() const { return m.locked() ? 0 : 1; }
  std::size_t waiting() const { return m.waiting(); }
  static constexpr int most_permits = 1;
  eddy::mutex m;
};

template <class Primitive>
class permit_world final : public world {
 public:
  using permit = eddy::detail::held_permit;

  explicit permit_world(std::uint64_t seed)
      : world(seed),
        permits_(1 + below(Primitive::most_permits)),
        real_(permits_),
        free_(permits_) {}

  eddy::task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      if (chance(25)) {
        co_await try_hold();
      } else {
        co_await one_way_or_another(id, [this](int actor) { return hold(actor); });
      }
    }
  }

  void model_cancel(int actor) override {
    if (take_out(line_, actor)) return;
    if (std::exchange(granted_[static_cast<std::size_t>(actor)], false)) model_release();
  }

  void check() override {
    if (timed()) return;
    expect(real_.available() == static_cast<std::size_t>(free_), "the number of free permits");
    expect(real_.waiting() == line_.size(), "the number of waiters");
  }

  void check_end() override {
    expect(held_ == 0, "somebody still holds a permit");
    expect(real_.available() == static_cast<std::size_t>(permits_), "a permit was lost or made");
    expect(real_.waiting() == 0, "somebody is left in the line");
  }

 private:
  // Holds a permit in the primitive and in the model.
  class holding {
   public:
    holding(permit_world& w, permit&& p) : world_(w), permit_(std::move(p)) {
      world_.expect(++world_.held_ <= world_.permits_, "more holders than permits");
    }
    ~holding() {
      --world_.held_;
      world_.model_release();
      permit_.release();
      world_.check();
    }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;

   private:
    permit_world& world_;
    permit permit_;
  };

  eddy::task<> hold(int actor) {
    auto& granted = granted_[static_cast<std::size_t>(actor)];
    const bool waits = real_.available() == 0;
    const int ticket = order_.draw();
    if (!is_cancelled(actor)) model_ask(actor);
    permit p;
    try {
      p = co_await real_.acquire();
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    }
    expect(timed() || std::exchange(granted, false), "a permit that was not granted");
    if (waits) expect(in_turn(order_, ticket), "not first in, first out");
    holding now(*this, std::move(p));
    for (int i = below(3); i > 0; --i) co_await distraction();
  }

  eddy::task<> try_hold() {
    permit p = real_.try_acquire();
    if (!timed()) expect(static_cast<bool>(p) == (free_ > 0), "try_acquire");
    if (!p) co_return;
    --free_;
    holding now(*this, std::move(p));
    co_await distraction();
  }

  void model_ask(int actor) {
    if (timed()) return;
    if (free_ > 0) {
      --free_;
      granted_[static_cast<std::size_t>(actor)] = true;
    } else {
      line_.push_back(actor);
    }
  }
  void model_release() {
    if (line_.empty()) {
      ++free_;
    } else {
      granted_[static_cast<std::size_t>(line_.front())] = true;
      line_.pop_front();
    }
  }

  int permits_;
  Primitive real_;
  int held_ = 0;
  fifo order_;
  int free_;
  std::deque<int> line_;
  bool granted_[actors] = {};
};

class event_world final : public world {
 public:
  explicit event_world(std::uint64_t seed) : world(seed) {}

  eddy::task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      const int what = below(4);
      if (what == 0) {
        set();
      } else if (what == 1) {
        real_.reset();
        is_set_ = false;
      } else {
        co_await one_way_or_another(id, [this](int actor) { return wait(actor); });
      }
      check();
    }
  }

  void model_cancel(int actor) override {
    take_out(line_, actor);
    woken_[static_cast<std::size_t>(actor)] = false;
  }

  void check() override {
    expect(real_.is_set() == is_set_, "is_set");
    if (!timed()) expect(real_.waiting() == line_.size(), "the number of waiters");
  }

  void help() override { set(); }
  void check_end() override { expect(real_.waiting() == 0, "somebody is left in the list"); }

 private:
  void set() {
    ++sets_;
    is_set_ = true;
    for (int actor : line_) woken_[static_cast<std::size_t>(actor)] = true;
    line_.clear();
    real_.set();
  }

  eddy::task<> wait(int actor) {
    auto& woken = woken_[static_cast<std::size_t>(actor)];
    const bool waits = !real_.is_set();
    const int sets = sets_;
    const int ticket = order_.draw();
    if (!timed() && !is_cancelled(actor)) {
      if (is_set_) {
        woken = true;
      } else {
        line_.push_back(actor);
      }
    }
    try {
      co_await real_.wait();
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    }
    expect(timed() || std::exchange(woken, false), "a wake-up without a set");
    if (!waits) co_return;
    expect(sets_ > sets, "a wake-up without a set");
    expect(in_turn(order_, ticket), "not first in, first out");
  }

  eddy::event real_;
  int sets_ = 0;
  fifo order_;
  bool is_set_ = false;
  std::deque<int> line_;
  bool woken_[actors] = {};
};

}  // namespace sync_test
