// Event, condition and barrier, with limits of all kinds.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/condition.hpp>
#include <eddy/sync/event.hpp>
#include <optional>

#include "crowd.hpp"

using eddy::task;
using namespace properties;

namespace {

class event_crowd final : public crowd {
 public:
  using crowd::crowd;

 private:
  task<> operation() override {
    const int what = below(6);
    if (what == 0) {
      set();
    } else if (what == 1) {
      real_.reset();
    } else {
      const bool waits = !real_.is_set();
      const int sets = sets_;
      const int ticket = line_.come();
      bool was_set = true;
      try {
        if (what == 2) {
          was_set = co_await real_.wait_for(any_time());
        } else {
          co_await real_.wait();
        }
      } catch (const eddy::cancelled&) {
        line_.left(ticket);
        throw;
      }
      expect(!was_set || !waits || sets_ > sets, "woken without a set");
      expect(was_set || waits, "a set event was not seen");
      if (was_set) {
        line_.served(ticket, 0, waits);
      } else {
        line_.left(ticket);
      }
    }
  }
  void set() {
    ++sets_;
    real_.set();
    expect(real_.waiting() == 0, "a set has left somebody");
  }

  void check() override {
    expect(!real_.is_set() || real_.waiting() == 0, "somebody waits for what is set");
    expect(real_.waiting() <= line_.inside(), "the line's length");
  }
  void help() override { set(); }
  void check_end() override { expect(real_.waiting() == 0, "somebody is left in the line"); }

  eddy::event real_;
  line line_{*this};
  int sets_ = 0;
};

// A queue made of a condition and a number: no item lies there while somebody waits for it and
// nobody was told of it.
class condition_crowd final : public crowd {
 public:
  using crowd::crowd;

 private:
  task<> operation() override {
    const int what = below(5);
    if (what <= 1) {
      auto guard = co_await lock_.lock();
      add();
      co_return;
    }
    auto guard = co_await lock_.lock();
    bool there = true;
    while (there && items_ == 0) {
      const int ticket = line_.come();
      bool cancelled = false;
      try {
        if (what == 2) {
          there = co_await real_.wait_for(guard, any_time());
        } else {
          co_await real_.wait(guard);
        }
      } catch (const eddy::cancelled&) {
        cancelled = true;
      }
      expect(static_cast<bool>(guard) && lock_.locked(), "a wait ended without the lock");
      if (there && !cancelled) {
        line_.served(ticket, real_.waiting(), true);
      } else {
        line_.left(ticket);
      }
      if (cancelled) throw eddy::cancelled();
    }
    if (!there) co_return;
    --items_;
    ++taken_;
    check();
  }
  void add() {
    const std::size_t waiting = real_.waiting();
    ++items_;
    ++made_;
    if (chance(80)) {
      real_.notify_one();
      expect(real_.waiting() + 1 == waiting || waiting == 0, "notify_one wakes one");
    } else {
      real_.notify_all();
      expect(real_.waiting() == 0, "notify_all wakes all");
    }
  }

  void check() override {
    if (real_.waiting() == 0) return;
    expect(items_ <= static_cast<int>(line_.inside() - real_.waiting()),
           "a notification was lost");
  }
  void help() override { add(); }
  void check_end() override {
    expect(real_.waiting() == 0 && !lock_.locked(), "something is left of the condition");
    expect(made_ == taken_ + items_, "an item was lost");
  }

  eddy::mutex lock_;
  eddy::condition real_;
  line line_{*this};
  int items_ = 0;
  int made_ = 0;
  int taken_ = 0;
};

class barrier_crowd final : public crowd {
 public:
  explicit barrier_crowd(const schedule& s)
      : crowd(s), parties_(1 + static_cast<std::size_t>(below(4))), real_(parties_) {}

 private:
  task<> operation() override {
    const int what = below(24);
    if (what == 0) {
      real_.abort();
      co_return;
    }
    if (what <= 2) {
      real_.reset();
      co_return;
    }
    std::optional<std::size_t> index;
    try {
      if (what % 3 == 0) {
        index = co_await real_.arrive_and_wait_for(any_time());
      } else {
        index = co_await real_.arrive_and_wait();
      }
    } catch (const eddy::broken_barrier&) {
    }
    if (index) ++passed_[*index];
  }

  void check() override {
    expect(real_.waiting() < parties_, "all have arrived, and wait");
    for (std::size_t i = 0; i < parties_; ++i) {
      expect(passed_[i] <= real_.statistics().trips, "more went through than have arrived");
    }
  }
  void help() override { real_.reset(); }
  void check_end() override {
    expect(real_.waiting() == 0, "somebody is left at the barrier");
    for (std::size_t i = 0; i < parties_; ++i) {
      expect(passed_[i] == real_.statistics().trips, "who has arrived goes through, once");
    }
  }

  std::size_t parties_;
  eddy::barrier real_;
  std::size_t passed_[4] = {};
};

}  // namespace

TEST_CASE("property: event with limits") { property(6000, play_crowd<event_crowd>); }

TEST_CASE("property: condition with limits") { property(6000, play_crowd<condition_crowd>); }

TEST_CASE("property: barrier with limits") { property(6000, play_crowd<barrier_crowd>); }
