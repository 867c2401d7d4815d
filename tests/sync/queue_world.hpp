// Random schedules of the three queues beside a plain model of them.
#pragma once

#include <algorithm>
#include <deque>
#include <eddy/sync/queue.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "schedule.hpp"

namespace sync_test {

struct numbered {
  int priority;
  int number;  // in the order in which the puts were asked for
};
using queue_item = std::unique_ptr<numbered>;
struct by_priority {
  bool operator()(const queue_item& a, const queue_item& b) const {
    return a->priority < b->priority;
  }
};

// Which of the items, in the order in which they got into the queue, is the next.
struct fifo_kind {
  using queue = eddy::queue<queue_item>;
  static constexpr bool in_order = true;
  static auto next(std::vector<numbered>& items) { return items.begin(); }
};
struct lifo_kind {
  using queue = eddy::lifo_queue<queue_item>;
  static constexpr bool in_order = false;
  static auto next(std::vector<numbered>& items) { return items.end() - 1; }
};
struct priority_kind {
  using queue = eddy::priority_queue<queue_item, by_priority>;
  static constexpr bool in_order = false;
  static auto next(std::vector<numbered>& items) {
    return std::min_element(items.begin(), items.end(), [](const numbered& a, const numbered& b) {
      return a.priority < b.priority;
    });
  }
};

// In a world with time, operations have limits that may come while they wait. In one without, each
// has none, one that never comes, or one that lets it not wait at all: so the model knows.
template <class Kind>
class queue_world final : public world {
 public:
  explicit queue_world(std::uint64_t seed)
      : world(seed), capacity_(static_cast<std::size_t>(below(4))), real_(capacity_) {}

  eddy::task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      if (below(ends_one_in) == 0) shut_down();
      const int what = below(10);
      if (what == 0) {
        try_put();
      } else if (what == 1) {
        try_get();
      } else if (what == 2) {
        co_await one_way_or_another(id, [this](int actor) { return join(actor, any_limit()); });
      } else if (what <= 5) {
        co_await one_way_or_another(id, [this](int actor) { return put(actor, any_limit()); });
      } else {
        co_await one_way_or_another(id, [this](int actor) { return get(actor, any_limit()); });
      }
      check();
    }
  }

  void model_cancel(int actor) override {
    auto& granted = grant_of(actor);
    const auto putter = std::find_if(putters_.begin(), putters_.end(),
                                     [&](const auto& p) { return p.first == actor; });
    if (putter != putters_.end()) putters_.erase(putter);
    take_out(joiners_, actor);
    if (take_out(getters_, actor)) return;
    if (granted == grant::get) {
      --promised_;
      model_offer();
    }
    if (granted != grant::put && granted != grant::put_refused) granted = grant::none;
  }

  void check() override {
    const eddy::queue_statistics real = real_.statistics();
    expect(capacity_ == 0 || real.size <= capacity_, "more items than fit");
    expect(real.high_water >= real.size, "a high water below the water");
    expect(real.shut_down == shut_down_, "shut down or not");
    if (timed()) return;
    expect(real.size == items_.size(), "the number of items");
    expect(real.high_water == high_water_, "the largest number of items");
    expect(real.total_put == total_put_, "the number of puts");
    expect(real.unfinished == unfinished_, "the number of unfinished items");
    expect(real.waiting_getters == getters_.size(), "the number of getters");
    expect(real.waiting_putters == putters_.size(), "the number of putters");
    expect(real.waiting_joiners == joiners_.size(), "the number of joiners");
  }

  void help() override {
    if (real_.waiting_getters() > 0) {
      try_put();
    } else {
      try_get();
    }
    check();
  }

  void check_end() override {
    for (std::size_t left = real_.size(); left > 0; --left) try_get();
    std::sort(put_.begin(), put_.end());
    std::sort(taken_.begin(), taken_.end());
    expect(std::includes(put_.begin(), put_.end(), taken_.begin(), taken_.end()),
           "an item was made");
    expect(put_.size() == taken_.size() + dropped_, "an item was lost");
    expect(real_.statistics().total_put == put_.size(), "the number of puts at the end");
    expect(real_.unfinished() == 0, "unfinished items");
    expect(real_.waiting_getters() + real_.waiting_putters() == 0, "somebody is left in a line");
  }

 private:
  // Rounds of a worker, of which one shuts the queue down.
  static constexpr int ends_one_in = 60;
  static constexpr int priorities = 3;

  // What an actor has got and does not know yet.
  enum class grant { none, get, put, join, get_refused, put_refused, late };

  // Nothing, or the nanoseconds of a limit.
  using limit = std::optional<std::chrono::nanoseconds>;
  limit any_limit() {
    const int what = below(timed() ? 6 : 4);
    if (what == 0) return std::chrono::nanoseconds(0);
    if (what == 1) return std::chrono::hours(1);
    if (what >= 4) return std::chrono::nanoseconds(1);
    return std::nullopt;
  }
  static bool is_none(const limit& l) { return l && l->count() == 0; }

  eddy::task<> put(int actor, limit within) {
    const int number = order_of_puts_.draw();
    const int priority = below(priorities);
    if (!timed() && !is_cancelled(actor)) model_put(actor, {priority, number}, is_none(within));
    auto i = std::make_unique<numbered>(numbered{priority, number});
    bool done = true;
    bool refused = false;
    try {
      if (within) {
        done = co_await real_.put_for(std::move(i), *within);
      } else {
        co_await real_.put(std::move(i));
      }
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      expect(timed() || grant_of(actor) != grant::put, "a put that was done was cancelled");
      throw;
    } catch (const eddy::queue_shut_down&) {
      refused = true;
    }
    settle(actor, refused ? grant::put_refused : done ? grant::put : grant::late, "put");
    if (refused || !done) co_return;
    put_.push_back(number);
    if (chance(50)) co_await distraction();
  }

  eddy::task<> get(int actor, limit within) {
    const int ticket = order_of_gets_.draw();
    if (!timed() && !is_cancelled(actor)) model_get(actor, is_none(within));
    std::optional<queue_item> i;
    bool refused = false;
    try {
      if (within) {
        i = co_await real_.get_for(*within);
      } else {
        i = co_await real_.get();
      }
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    } catch (const eddy::queue_shut_down&) {
      refused = true;
      expect(real_.empty(), "a get was refused though there are items");
    }
    settle(actor, refused ? grant::get_refused : i ? grant::get : grant::late, "get");
    if (!i) co_return;
    expect(in_turn(order_of_gets_, ticket), "getters are not served first in, first out");
    if (!timed()) --promised_;
    model_take((*i)->number);
    finishing now(*this);
    if (chance(50)) co_await distraction();
  }

  eddy::task<> join(int actor, limit within) {
    if (!timed() && !is_cancelled(actor)) model_join(actor, is_none(within));
    bool done = true;
    try {
      if (within) {
        done = co_await real_.join_for(*within);
      } else {
        co_await real_.join();
      }
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    }
    settle(actor, done ? grant::join : grant::late, "join");
  }

  void try_put() {
    const int number = order_of_puts_.draw();
    const int priority = below(priorities);
    bool done = false;
    try {
      done = real_.try_put(std::make_unique<numbered>(numbered{priority, number}));
      expect(!shut_down_, "try_put after shutdown");
    } catch (const eddy::queue_shut_down&) {
      expect(shut_down_, "try_put refused");
      return;
    }
    if (!timed()) expect(done == !model_full(), "try_put");
    if (!done) return;
    put_.push_back(number);
    model_add({priority, number});
  }

  void try_get() {
    std::optional<queue_item> i;
    try {
      i = real_.try_get();
    } catch (const eddy::queue_shut_down&) {
      expect(shut_down_ && real_.empty(), "try_get refused");
      return;
    }
    expect(i || !shut_down_ || !real_.empty(), "try_get of nothing after shutdown");
    if (!timed()) expect(i.has_value() == (items_.size() > promised_), "try_get");
    if (!i) return;
    model_take((*i)->number);
    finishing now(*this);
  }

  void shut_down() {
    const bool immediate = chance(40);
    if (immediate) dropped_ += real_.size();
    real_.shutdown(immediate ? eddy::queue_shutdown::immediate : eddy::queue_shutdown::drain);
    shut_down_ = true;
    if (!timed()) model_shut_down(immediate);
    check();
  }

  // Reports task_done when the work on an item ends, in whatever way.
  class finishing {
   public:
    explicit finishing(queue_world& w) : world_(w) {}
    ~finishing() {
      world_.real_.task_done();
      world_.model_done();
      world_.check();
    }
    finishing(const finishing&) = delete;
    finishing& operator=(const finishing&) = delete;

   private:
    queue_world& world_;
  };

  grant& grant_of(int actor) { return granted_[static_cast<std::size_t>(actor)]; }
  // An operation came back with `outcome`.
  void settle(int actor, grant outcome, const char* what) {
    if (!timed()) expect(std::exchange(grant_of(actor), grant::none) == outcome, what);
  }
  bool model_full() const { return capacity_ != 0 && items_.size() >= capacity_; }

  void model_put(int actor, numbered item, bool now_or_never) {
    if (shut_down_) {
      grant_of(actor) = grant::put_refused;
    } else if (!model_full()) {
      grant_of(actor) = grant::put;
      model_add(item);
    } else if (now_or_never) {
      grant_of(actor) = grant::late;
    } else {
      putters_.emplace_back(actor, item);
    }
  }
  void model_get(int actor, bool now_or_never) {
    if (now_or_never && items_.size() <= promised_ && !(shut_down_ && items_.empty())) {
      grant_of(actor) = grant::late;
      return;
    }
    getters_.push_back(actor);
    model_offer();
    model_refuse_getters();
  }
  void model_join(int actor, bool now_or_never) {
    if (unfinished_ == 0) {
      grant_of(actor) = grant::join;
    } else if (now_or_never) {
      grant_of(actor) = grant::late;
    } else {
      joiners_.push_back(actor);
    }
  }
  void model_add(numbered item) {
    if (timed()) return;
    items_.push_back(item);
    high_water_ = std::max(high_water_, items_.size());
    ++unfinished_;
    ++total_put_;
    model_offer();
  }
  void model_offer() {
    if (items_.size() <= promised_ || getters_.empty()) return;
    ++promised_;
    grant_of(getters_.front()) = grant::get;
    getters_.pop_front();
  }
  void model_refuse_getters() {
    if (!shut_down_ || !items_.empty()) return;
    for (int actor : getters_) grant_of(actor) = grant::get_refused;
    getters_.clear();
  }
  // An item has been taken.
  void model_take(int number) {
    if constexpr (Kind::in_order) {
      expect(taken_.empty() || taken_.back() < number, "items are not first in, first out");
    }
    taken_.push_back(number);
    if (timed()) return;
    const bool some = !items_.empty();
    expect(some, "an item out of nothing");
    if (!some) return;
    const auto next = Kind::next(items_);
    expect(next->number == number, "another item than the next");
    items_.erase(next);
    model_refuse_getters();
    if (putters_.empty() || model_full()) return;
    const auto [actor, item] = putters_.front();
    putters_.pop_front();
    grant_of(actor) = grant::put;
    model_add(item);
  }
  void model_done() {
    if (!timed()) model_finished(1);
  }
  void model_finished(std::size_t count) {
    unfinished_ -= count;
    if (unfinished_ > 0) return;
    for (int actor : joiners_) grant_of(actor) = grant::join;
    joiners_.clear();
  }
  void model_shut_down(bool immediate) {
    if (immediate) {
      for (auto& granted : granted_) {
        if (granted == grant::get) granted = grant::get_refused;
      }
      promised_ = 0;
      model_finished(items_.size());
      items_.clear();
    }
    model_refuse_getters();
    for (const auto& [actor, item] : putters_) grant_of(actor) = grant::put_refused;
    putters_.clear();
  }

  std::size_t capacity_;
  typename Kind::queue real_;
  std::vector<int> put_;    // by number: the puts that came back well
  std::vector<int> taken_;  // in the order of taking
  std::size_t dropped_ = 0;
  bool shut_down_ = false;
  fifo order_of_puts_;
  fifo order_of_gets_;
  std::vector<numbered> items_;  // in the order in which they got in
  std::size_t promised_ = 0;
  std::size_t high_water_ = 0;
  std::size_t total_put_ = 0;
  std::size_t unfinished_ = 0;
  std::deque<int> getters_;
  std::deque<std::pair<int, numbered>> putters_;
  std::deque<int> joiners_;
  grant granted_[actors] = {};
};

}  // namespace sync_test
