// Groups of very many children: linear time, memory given back at once.
#include <doctest/doctest.h>

#include <ctime>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timer.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"

using eddy::child_handle;
using eddy::spawn;
using eddy::task;
using eddy::task_group;
using eddy::task_group_errors;
using eddy::with_task_group;
using eddy::yield;

namespace {

// Counts itself, cheaply: a million of them live in a group.
class counted {
 public:
  explicit counted(long& alive) noexcept : alive_(alive) { ++alive_; }
  counted(const counted& other) noexcept : alive_(other.alive_) { ++alive_; }
  counted& operator=(const counted&) = delete;
  ~counted() { --alive_; }

 private:
  long& alive_;
};

task<> ends_at_once(counted) { co_return; }

task<> hangs(counted, gate& never) { co_await never.wait(); }

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Spawns `count` children, some of which end by themselves; the others are cancelled together.
double seconds_for(int count) {
  const double start = cpu_seconds();
  long alive = 0;
  drive([&]() -> task<> {
    gate never;
    co_await with_task_group([&](task_group& g) -> task<> {
      for (int i = 0; i < count; i += 2) {
        g.spawn(hangs(counted(alive), never));
        g.spawn(ends_at_once(counted(alive)));
      }
      CHECK(alive == count);
      while (never.waiting() < static_cast<std::size_t>(count / 2)) co_await yield();
      co_await yield();
      CHECK(alive == count / 2);  // those that have ended are gone
      CHECK(g.size() == static_cast<std::size_t>(count / 2));
      g.cancel();
    });
    CHECK(alive == 0);
  });
  return cpu_seconds() - start;
}

}  // namespace

TEST_CASE("task_group scale: ten times the children take about ten times the time") {
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  constexpr int few = 100'000;
#else
  constexpr int few = 5'000;
#endif
  // Quadratic would be a hundred. Noise of a busy machine is on both sides.
  constexpr double most = 40;
  double ratio = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const double one = seconds_for(few);
    const double ten = seconds_for(10 * few);
    ratio = ten / (one > 0 ? one : 1e-6);
    if (ratio < most) break;
  }
  CHECK(ratio < most);
}

TEST_CASE("task_group scale: children of children, joined by those who spawned them") {
  int ended = 0;
  drive([&]() -> task<> {
    struct tree {
      static task<int> grow(task_group& g, int depth, int& count) {
        co_await yield();
        ++count;
        if (depth == 0) co_return 1;
        auto left = g.spawn(grow(g, depth - 1, count));
        auto right = g.spawn(grow(g, depth - 1, count));
        const int a = co_await left;
        const int b = co_await right;
        co_return a + b;
      }
    };
    const int leaves = co_await with_task_group([&](task_group& g) -> task<int> {
      auto root = g.spawn(tree::grow(g, 12, ended));
      co_return co_await root;
    });
    CHECK(leaves == 4096);
  });
  CHECK(ended == 8191);
}

namespace {

// What a random group did, to be compared with what it must do.
struct tally {
  long started = 0;
  long ended = 0;
  long failed = 0;
  long kept = 0;  // errors that groups have kept
  long alive = 0;
};

class noted {
 public:
  explicit noted(tally& t) noexcept : t_(t) { ++t_.started; }
  noted(const noted&) = delete;
  noted& operator=(const noted&) = delete;
  ~noted() { ++t_.ended; }

 private:
  tally& t_;
};

class random_group {
 public:
  random_group(unsigned seed, tally& t) : random_(seed), tally_(t) {}

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  // Yields, waits, spawns, cancels, joins, fails, opens a group inside; ends in every way.
  task<> member(task_group& g, int depth, counted) {
    const noted note(tally_);
    const int steps = below(6);
    for (int i = 0; i < steps; ++i) co_await step(g, depth);
  }

  task<> group(int depth) {
    task_group_errors errors;
    bool failed = false;
    auto body = [this, depth](task_group& g) -> task<> {
      for (int i = below(5); i >= 0; --i) g.spawn(member(g, depth, counted(tally_.alive)));
      co_await member(g, depth, counted(tally_.alive));
    };
    try {
      co_await with_task_group(errors, body);
    } catch (const std::runtime_error&) {
      failed = true;
    } catch (const eddy::cancelled&) {
      CHECK(errors.empty());
      throw;
    }
    CHECK(failed == !errors.empty());
    tally_.kept += static_cast<long>(errors.size());
    if (depth == most_depth) CHECK(tally_.started == tally_.ended);
  }
  void drop_handles() noexcept { handles_.clear(); }

  gate never;
  static constexpr int most_depth = 3;

 private:
  task<> step(task_group& g, int depth) {
    switch (below(9)) {
      case 0:
      case 1:
        co_await yield();
        break;
      case 2:
        co_await never.wait();
        break;
      case 3:
        g.spawn(member(g, depth, counted(tally_.alive)));
        break;
      case 4:
        if (below(3) == 0) g.cancel();
        break;
      case 5:
        if (below(3) != 0) break;
        ++tally_.failed;
        throw std::runtime_error("random");
      case 6: {
        auto h = g.spawn(member(g, depth, counted(tally_.alive)));
        if (below(2) == 0) h.cancel();
        try {
          co_await h;
        } catch (const eddy::task_cancelled&) {
        }
        break;
      }
      case 7:
        if (depth > 0) co_await group(depth - 1);
        break;
      default:
        handles_.push_back(g.spawn(member(g, depth, counted(tally_.alive))));
        if (below(2) == 0) handles_[static_cast<std::size_t>(below(3)) % handles_.size()].cancel();
        if (below(2) == 0) handles_.clear();
    }
  }

  std::mt19937 random_;
  tally& tally_;
  std::vector<child_handle<>> handles_;
};

}  // namespace

TEST_CASE("task_group scale: random groups in groups, cancelled at random, lose nothing") {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    tally t;
    {
      random_group all(seed, t);
      drive([&]() -> task<> {
        auto h = spawn(all.group(random_group::most_depth));
        const int patience = all.below(40);
        for (int i = 0; i < patience && !h.done(); ++i) co_await yield();
        h.cancel();
        for (int i = 0; i < 100'000 && !h.done(); ++i) co_await yield();
        REQUIRE(h.done());
        all.drop_handles();
      });
    }
    REQUIRE(t.started == t.ended);
    REQUIRE(t.kept == t.failed);
    REQUIRE(t.alive == 0);
  }
}
