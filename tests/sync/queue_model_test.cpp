#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <eddy/sync/queue.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "schedule.hpp"

using eddy::task;
using namespace sync_test;

namespace {

class queue_world final : public world {
 public:
  using item = std::unique_ptr<int>;

  explicit queue_world(std::uint64_t seed)
      : world(seed), capacity_(static_cast<std::size_t>(below(4))), real_(capacity_) {}

  task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await distraction();
      const int what = below(10);
      if (what == 0) {
        try_put();
      } else if (what == 1) {
        try_get();
      } else if (what == 2) {
        co_await one_way_or_another(id, [this](int actor) { return join(actor); });
      } else if (what <= 5) {
        co_await one_way_or_another(id, [this](int actor) { return put(actor); });
      } else {
        co_await one_way_or_another(id, [this](int actor) { return get(actor); });
      }
      check();
    }
  }

  void model_cancel(int actor) override {
    auto& granted = granted_[static_cast<std::size_t>(actor)];
    const auto putter = std::find_if(putters_.begin(), putters_.end(),
                                     [&](const auto& p) { return p.first == actor; });
    if (putter != putters_.end()) putters_.erase(putter);
    take_out(joiners_, actor);
    if (take_out(getters_, actor)) return;
    if (granted == grant::get) {
      --promised_;
      model_offer();
    }
    if (granted != grant::put) granted = grant::none;
  }

  void check() override {
    expect(capacity_ == 0 || real_.size() <= capacity_, "more items than fit");
    if (timed()) return;
    expect(real_.size() == items_.size(), "the number of items");
    expect(real_.unfinished() == unfinished_, "the number of unfinished items");
    expect(real_.waiting_getters() == getters_.size(), "the number of getters");
    expect(real_.waiting_putters() == putters_.size(), "the number of putters");
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
    expect(taken_ == put_, "an item was lost or made");
    expect(real_.unfinished() == 0, "unfinished items");
    expect(real_.waiting_getters() + real_.waiting_putters() == 0, "somebody is left in a line");
  }

 private:
  enum class grant { none, get, put, join };

  task<> put(int actor) {
    auto& granted = granted_[static_cast<std::size_t>(actor)];
    const int number = order_of_puts_.draw();
    if (!timed() && !is_cancelled(actor)) {
      if (model_full()) {
        putters_.emplace_back(actor, number);
      } else {
        granted = grant::put;
        model_add(number);
      }
    }
    item i = std::make_unique<int>(number);
    try {
      co_await real_.put(std::move(i));
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      expect(timed() || granted != grant::put, "a put that was done was cancelled");
      throw;
    }
    put_.push_back(number);
    expect(timed() || std::exchange(granted, grant::none) == grant::put, "a put without room");
    if (chance(50)) co_await distraction();
  }

  task<> get(int actor) {
    auto& granted = granted_[static_cast<std::size_t>(actor)];
    const int ticket = order_of_gets_.draw();
    if (!timed() && !is_cancelled(actor)) {
      getters_.push_back(actor);
      model_offer();
    }
    item i;
    try {
      i = co_await real_.get();
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    }
    expect(order_of_gets_.serve(ticket), "getters are not served first in, first out");
    if (!timed()) {
      expect(std::exchange(granted, grant::none) == grant::get, "an item that was not promised");
      --promised_;
    }
    model_take(*i);
    finishing now(*this);
    if (chance(50)) co_await distraction();
  }

  task<> join(int actor) {
    auto& granted = granted_[static_cast<std::size_t>(actor)];
    if (!timed() && !is_cancelled(actor)) {
      if (unfinished_ == 0) {
        granted = grant::join;
      } else {
        joiners_.push_back(actor);
      }
    }
    try {
      co_await real_.join();
    } catch (const eddy::cancelled&) {
      expect(timed() || is_cancelled(actor), "cancelled out of the blue");
      throw;
    }
    expect(timed() || std::exchange(granted, grant::none) == grant::join, "a join too early");
  }

  void try_put() {
    const int number = order_of_puts_.draw();
    const bool done = real_.try_put(std::make_unique<int>(number));
    if (!timed()) expect(done == !model_full(), "try_put");
    if (!done) return;
    put_.push_back(number);
    model_add(number);
  }

  void try_get() {
    const auto i = real_.try_get();
    if (!timed()) expect(i.has_value() == (items_.size() > promised_), "try_get");
    if (!i) return;
    model_take(**i);
    finishing now(*this);
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

  bool model_full() const { return capacity_ != 0 && items_.size() >= capacity_; }

  void model_add(int number) {
    if (timed()) return;
    items_.push_back(number);
    ++unfinished_;
    model_offer();
  }
  void model_offer() {
    if (items_.size() <= promised_ || getters_.empty()) return;
    ++promised_;
    granted_[static_cast<std::size_t>(getters_.front())] = grant::get;
    getters_.pop_front();
  }
  // An item has been taken. Items come out in the order in which their puts were asked for.
  void model_take(int number) {
    expect(taken_.empty() || taken_.back() < number, "items are not first in, first out");
    taken_.push_back(number);
    if (timed()) return;
    const bool first = !items_.empty() && items_.front() == number;
    expect(first, "another item than the first");
    if (!first) return;
    items_.pop_front();
    if (putters_.empty() || model_full()) return;
    const auto [actor, next] = putters_.front();
    putters_.pop_front();
    granted_[static_cast<std::size_t>(actor)] = grant::put;
    model_add(next);
  }
  void model_done() {
    if (timed() || --unfinished_ > 0) return;
    for (int actor : joiners_) granted_[static_cast<std::size_t>(actor)] = grant::join;
    joiners_.clear();
  }

  std::size_t capacity_;
  eddy::queue<item> real_;
  std::vector<int> put_;    // by number: the puts that came back well
  std::vector<int> taken_;  // in the order of taking
  fifo order_of_puts_;
  fifo order_of_gets_;
  std::deque<int> items_;
  std::size_t promised_ = 0;
  std::size_t unfinished_ = 0;
  std::deque<int> getters_;
  std::deque<std::pair<int, int>> putters_;
  std::deque<int> joiners_;
  grant granted_[actors] = {};
};

}  // namespace

TEST_CASE("model: queue") { play_seeds<queue_world>(); }
