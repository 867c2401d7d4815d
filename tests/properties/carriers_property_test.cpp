// channel and async_cache: what brings values from one task to another.
#include <doctest/doctest.h>

#include <algorithm>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/sync/async_cache.hpp>
#include <eddy/sync/channel.hpp>
#include <optional>
#include <span>
#include <stdexcept>

#include "crowd.hpp"

using eddy::task;
using namespace properties;

namespace {

// Items are numbered when they are asked to be sent.
class channel_crowd final : public crowd {
 public:
  explicit channel_crowd(const schedule& s)
      : crowd(s),
        batches_(chance(50)),
        capacity_(1 + static_cast<std::size_t>(below(3))),
        real_(capacity_) {}

 private:
  task<> operation() override {
    if (below(60) == 0) real_.close();
    const int what = below(batches_ ? 10 : 8);
    if (what <= 3) {
      co_await send(what);
    } else if (what <= 7) {
      co_await receive(what - 4);
    } else if (what == 8) {
      co_await send_many();
    } else {
      co_await receive_many();
    }
  }

  task<> send(int what) {
    const int item = ++drawn_;
    bool done = true;
    try {
      if (what == 0) {
        done = real_.try_send(item);
      } else if (what == 1) {
        done = co_await real_.send_for(any_time(), item);
      } else {
        co_await real_.send(item);
      }
    } catch (const eddy::channel_closed&) {
      expect(real_.closed(), "closed by nobody");
      done = false;
    }
    if (done) sent_.push_back(item);
  }
  task<> send_many() {
    int items[5];
    const std::size_t n = 1 + static_cast<std::size_t>(below(5));
    for (std::size_t i = 0; i < n; ++i) items[i] = ++drawn_;
    const std::span<int> all(items, n);
    std::size_t done = 0;
    try {
      if (chance(50)) {
        done = co_await real_.send_many_for(any_time(), all);
      } else {
        done = co_await real_.send_many(all);
      }
    } catch (const eddy::channel_closed&) {
      expect(real_.closed(), "closed by nobody");
    }
    for (std::size_t i = 0; i < done; ++i) sent_.push_back(items[i]);
  }
  task<> receive(int what) {
    std::optional<int> item;
    const int ticket = receivers_.come();
    try {
      if (what == 0) {
        item = real_.try_receive();
      } else if (what == 1) {
        item = co_await real_.receive_for(any_time());
      } else {
        item = co_await real_.receive();
        expect(item || real_.closed(), "nothing from an open channel");
      }
    } catch (const eddy::cancelled&) {
      receivers_.left(ticket);
      throw;
    }
    if (item && what != 0) {
      receivers_.served(ticket, real_.statistics().waiting_receivers, false);
    } else {
      receivers_.left(ticket);
    }
    if (item) take(*item);
  }
  task<> receive_many() {
    int into[3];
    const std::span<int> room(into, 1 + static_cast<std::size_t>(below(3)));
    const int ticket = receivers_.come();
    std::size_t n = 0;
    try {
      if (chance(50)) {
        n = co_await real_.receive_many_for(any_time(), room);
      } else {
        n = co_await real_.receive_many(room);
        expect(n > 0 || real_.closed(), "nothing from an open channel");
      }
    } catch (const eddy::cancelled&) {
      receivers_.left(ticket);
      throw;
    }
    receivers_.left(ticket);
    for (std::size_t i = 0; i < n; ++i) take(into[i]);
  }
  void take(int item) {
    if (!batches_ && !taken_.empty()) {
      expect(taken_.back() < item, "items are not first in, first out");
    }
    taken_.push_back(item);
  }

  void check() override {
    const auto now = real_.statistics();
    expect(now.depth <= capacity_, "more items than fit");
    expect(now.waiting_senders == 0 || now.depth == capacity_, "a sender waits, and there is room");
    expect(!now.closed || now.waiting_senders == 0, "a sender waits at a closed channel");
    expect(now.waiting_receivers == 0 ||
               now.depth <= (receivers_.inside() - now.waiting_receivers) * (batches_ ? 3 : 1),
           "a receiver waits, and there are items");
    expect(!now.closed || now.depth > 0 || now.waiting_receivers == 0,
           "a receiver waits at a closed channel");
  }
  void help() override {
    real_.close();
    if (const auto item = real_.try_receive()) take(*item);
  }
  void check_end() override {
    while (const auto item = real_.try_receive()) take(*item);
    std::sort(sent_.begin(), sent_.end());
    std::sort(taken_.begin(), taken_.end());
    expect(sent_ == taken_, "what was sent is not what was taken");
    expect(real_.statistics().sent == sent_.size(), "the number of items sent");
    expect(real_.statistics().waiting_receivers + real_.statistics().waiting_senders == 0,
           "somebody is left in a line");
  }

  bool batches_;
  std::size_t capacity_;
  eddy::channel<int> real_;
  line receivers_{*this};
  int drawn_ = 0;
  std::vector<int> sent_;
  std::vector<int> taken_;
};

class cache_crowd final : public crowd {
 public:
  explicit cache_crowd(const schedule& s)
      : crowd(s),
        capacity_(1 + static_cast<std::size_t>(below(3))),
        real_([this](int key) { return load(key); }, capacity_, ns(1 + below(60))) {}

 private:
  using cache = eddy::async_cache<int, int>;
  static constexpr int keys = 4;
  static constexpr int most_loads = 1000;

  task<int> load(int key) {
    const living one(loading_);
    const int number = ++loads_;
    for (int i = below(4); i > 0; --i) co_await pause();
    if (chance(15)) throw std::runtime_error("failed");
    loaded_.insert(number);
    co_return key * most_loads + number;
  }

  task<> operation() override {
    const int key = below(keys);
    const int what = below(12);
    if (what == 0) {
      (void)real_.invalidate(key);
    } else if (what == 1) {
      real_.clear();
    } else if (what == 2) {
      const auto v = real_.try_get(key);
      if (v) check_value(key, *v);
    } else {
      const living one(getters_);
      try {
        const int v = co_await real_.get(key);
        check_value(key, v);
      } catch (const eddy::task_cancelled&) {
        wrong("a load was cancelled that somebody waits for");
      } catch (const std::runtime_error&) {
      }
    }
  }
  void check_value(int key, int value) {
    expect(value / most_loads == key, "another key's value");
    expect(loaded_.contains(value % most_loads), "a value that was not loaded");
  }

  void check() override {
    const auto now = real_.statistics();
    expect(now.size <= capacity_, "more values than fit");
    expect(static_cast<int>(now.waiting) <= getters_, "the number of getters");
    expect(loading_ <= getters_, "a load runs that nobody waits for");
    expect(now.misses >= static_cast<std::uint64_t>(loads_), "the number of loads");
  }
  void check_end() override {
    const auto now = real_.statistics();
    expect(now.loading == 0 && now.waiting == 0 && loading_ == 0, "something is left of the loads");
  }

  std::size_t capacity_;
  cache real_;
  int loading_ = 0;
  int loads_ = 0;
  int getters_ = 0;
  std::set<int> loaded_;
};

}  // namespace

TEST_CASE("property: channel") { property(6000, play_crowd<channel_crowd>); }

TEST_CASE("property: async_cache") { property(6000, play_crowd<cache_crowd>); }
