// Random schedules: tasks that do random things to one primitive and cancel one another at random,
// beside a plain model of it. Everything follows from a seed, so a failing one can be played again.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/semaphore.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sync_test {

inline bool take_out(std::deque<int>& line, int actor) {
  const auto at = std::find(line.begin(), line.end(), actor);
  if (at == line.end()) return false;
  line.erase(at);
  return true;
}

// Tickets are drawn by those who ask; they must be served in that order, but for who gives up.
class fifo {
 public:
  int draw() { return ++drawn_; }
  bool serve(int ticket) { return std::exchange(served_, ticket) < ticket; }

 private:
  int drawn_ = 0;
  int served_ = 0;
};

// What the worlds of the primitives share. A worker has two actors, as it may do two things at once
// with gather: 2 * id and 2 * id + 1. In half of the seeds, the timed ones, workers use
// with_timeout too; the model cannot see when that cancels, so it rests, and only what must hold of
// the outcome is checked.
class world {
 public:
  static constexpr int most_workers = 6;
  static constexpr std::size_t actors = 2 * most_workers;
  static constexpr int rounds = 6;
  static constexpr int steps = 12;

  explicit world(std::uint64_t seed)
      : random_(seed), timed_(seed % 2 == 1), workers_(2 + below(most_workers - 1)) {}
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  virtual ~world() = default;

  virtual eddy::task<> worker(int id) = 0;
  // The scope of an actor is about to be cancelled.
  virtual void model_cancel(int actor) = 0;
  // Compares the primitive with the model.
  virtual void check() = 0;
  // Once a turn at the end: what lets those who still wait go on.
  virtual void help() {}
  // All workers have ended.
  virtual void check_end() = 0;

  // For a world whose loop resumes the ready in any order: grants are first in, first out, but who
  // was granted something first need not run first.
  void in_any_order() { any_order_ = true; }

  // Comes back in a new turn, with all that was ready done and all that was due fired.
  static auto next_turn() { return eddy::sleep(std::chrono::nanoseconds(1)); }

  // What is wrong, or nothing.
  eddy::task<std::string> play() {
    co_await next_turn();
    for (int id = 0; id < workers_; ++id) tasks_.push_back(eddy::spawn(worker(id)));
    for (int step = 0; step < steps; ++step) {
      if (timed_ && chance(30)) {
        co_await next_turn();
      } else {
        co_await eddy::yield();
      }
      if (chance(25)) cancel(below(workers_));
      check();
    }
    for (int turn = 0; turn < patience && !all_done(); ++turn) {
      help();
      co_await next_turn();
    }
    if (!all_done()) expect(false, "somebody waits for ever");
    for (auto& t : tasks_) t.cancel();
    for (auto& t : tasks_) {
      try {
        co_await t;
      } catch (const eddy::task_cancelled&) {
      }
    }
    check_end();
    co_return wrong_;
  }

 protected:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  bool timed() const { return timed_; }
  // Serves a ticket; false if it is not its turn.
  bool in_turn(fifo& line, int ticket) const { return line.serve(ticket) || any_order_; }
  bool is_cancelled(int actor) const { return cancelled_[static_cast<std::size_t>(actor / 2)]; }

  void expect(bool holds, const char* what) {
    if (!holds && wrong_.empty()) wrong_ = what;
  }

  void cancel(int id) {
    if (!is_cancelled(2 * id)) {
      model_cancel(2 * id);
      model_cancel(2 * id + 1);
      cancelled_[static_cast<std::size_t>(id)] = true;
    }
    tasks_[static_cast<std::size_t>(id)].cancel();
    check();
  }

  // Something that has nothing to do with the primitive.
  eddy::task<> distraction() {
    const int what = below(10);
    if (what == 0) {
      // Spends the turn's budget, so that what could complete at once goes through the queue.
      for (int i = 0; i < 300; ++i) auto permit = co_await other_.acquire();
    } else if (what <= 3) {
      cancel(below(workers_));
    } else {
      co_await eddy::yield();
    }
  }

  // One operation by the worker's first actor, or two at once, or one that is timed out at the end
  // of the turn.
  template <class Operation>
  eddy::task<> one_way_or_another(int id, Operation operation) {
    const int way = below(timed_ ? 3 : 2);
    if (way == 0) {
      co_await operation(2 * id);
    } else if (way == 1) {
      co_await eddy::gather(operation(2 * id), operation(2 * id + 1));
    } else {
      try {
        co_await eddy::with_timeout(std::chrono::nanoseconds(0), operation(2 * id));
      } catch (const eddy::timeout_error&) {
      }
    }
  }

 private:
  // Turns that those who can go on need at most to end.
  static constexpr int patience = 1000;

  bool all_done() const {
    for (const auto& t : tasks_) {
      if (!t.done()) return false;
    }
    return true;
  }

  std::mt19937_64 random_;
  bool timed_;
  bool any_order_ = false;
  int workers_;
  std::vector<eddy::join_handle<>> tasks_;
  bool cancelled_[most_workers] = {};
  eddy::semaphore other_{1};
  std::string wrong_;
};

// How many of each primitive.
inline constexpr std::uint64_t seeds = 2000;

// One after the other on one loop; each begins in a turn of its own, as it will when played alone.
template <class World>
void play_seeds(std::uint64_t first = 1, std::uint64_t count = seeds) {
  auto body = [&]() -> eddy::task<> {
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
      World w(seed);
      const std::string wrong = co_await w.play();
      if (wrong.empty()) continue;
      FAIL_CHECK("seed ", seed, ": ", wrong);
      co_return;
    }
  };
  eddy::run(body());
}

}  // namespace sync_test
