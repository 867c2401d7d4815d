// Random trees of scopes: gather, gather_settled, windowed gather, as_completed, race, task groups,
// timeouts, deadlines, shields, finally and spawned tasks inside one another, whose leaves sleep,
// yield, throw, and wait for permits and items. Each node knows what its children did, and so what
// its combinator has to say.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/finally.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/shield.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "property.hpp"

namespace properties {

// What leaves throw. Each has a number of its own, so that none can be lost unnoticed.
class failure : public std::runtime_error {
 public:
  explicit failure(int id) : std::runtime_error("failure " + std::to_string(id)), id_(id) {}
  int id() const noexcept { return id_; }

 private:
  int id_;
};

// A scope of the library as the test knows it. A region is asked whether somebody may have, or must
// have, cancelled it.
struct region {
  const region* outer = nullptr;
  bool cancelled = false;  // for certain, by what the test did or saw
  bool timed = false;
  eddy::time_point limit{};

  bool timed_out() const { return timed && eddy::now() >= limit; }
  bool may_be_cancelled() const {
    if (cancelled || timed_out()) return true;
    return outer && outer->may_be_cancelled();
  }
  bool must_be_cancelled() const { return cancelled || (outer && outer->must_be_cancelled()); }
};

// How a task, or a combinator, has ended.
struct outcome {
  enum class kind { none, value, error, cancelled, timed_out, other };
  kind how = kind::none;
  int error = 0;
  int order = 0;
};

class scope_tree : public verdict {
 public:
  scope_tree() = default;
  scope_tree(const scope_tree&) = delete;
  scope_tree& operator=(const scope_tree&) = delete;

  // The main task.
  eddy::task<> play();
  // After the end of the run, with the errors that on_error was told.
  void check_end(const std::vector<std::exception_ptr>& told);

 private:
  using kind = outcome::kind;
  using ns = std::chrono::nanoseconds;
  static constexpr int most_depth = 5;
  static constexpr int most_nodes = 60;

  // The tasks that are alive in a spawned task and in those that it spawned.
  struct family {
    int alive = 0;
    family* up = nullptr;
  };
  class member {
   public:
    explicit member(family* f) noexcept : family_(f) {
      for (family* at = family_; at; at = at->up) ++at->alive;
    }
    member(const member&) = delete;
    member& operator=(const member&) = delete;
    ~member() {
      for (family* at = family_; at; at = at->up) --at->alive;
    }

   private:
    family* family_;
  };
  // Where a task of the tree runs.
  struct place {
    region* where;  // its scope
    region* task;   // the scope of its spawned task
    family* kin;    // those of its spawned task
    int depth;
    place in(region& r) const { return {&r, task, kin, depth + 1}; }
  };
  // The tasks of one combinator: how many are alive, and how they ended, in the order of time.
  struct brood {
    int alive = 0;
    std::vector<outcome*> ended;
    region* cancels_on_error = nullptr;            // a group's
    std::vector<region*> cancels_when_one_ends;    // a race's
  };

  region& make_region(const region* outer) {
    regions_.emplace_back();
    regions_.back().outer = outer;
    return regions_.back();
  }
  static ns any_time() { return ns(below(4) == 0 ? 0 : below(40)); }

  // The body of every task of the tree. Returns its number in time.
  eddy::task<int> node(place at, outcome& o, brood& among);
  void note_end(outcome& o, brood& among);
  eddy::task<> work(place at);
  eddy::task<> step(place at);
  eddy::task<> leaf(place at);
  eddy::task<> waits(place at, int what);
  eddy::task<> gather_node(place at);
  eddy::task<> settled_node(place at);
  eddy::task<> window_node(place at);
  eddy::task<> feed_node(place at);
  eddy::task<> race_node(place at);
  eddy::task<> group_node(place at);
  eddy::task<> group_body(eddy::task_group& g, place at, brood& among, std::deque<outcome>& ends,
                          bool& asked);
  eddy::task<> timeout_node(place at);
  eddy::task<> shield_node(place at);
  eddy::task<> finally_node(place at);
  eddy::task<> spawn_node(place at);
  eddy::task<> clean(place at, int& runs, outcome& o, brood& among);
  eddy::task<outcome> settle(eddy::task<> t);
  // What becomes of what a combinator threw: a cancellation and half of the rest go on.
  void pass_on(const outcome& o);
  int new_failure() { return ++failures_; }

  static const outcome* first_error(const brood& among);
  static std::size_t count(const brood& among, kind k);
  void expect_error(const outcome& got, const outcome& first, const char* what) {
    expect(got.how == kind::error && got.error == first.error, what);
  }
  void expect_cancelled(const outcome& got, const region& where, const char* what) {
    expect(got.how == kind::cancelled, what);
    expect(where.may_be_cancelled(), "cancelled in a scope that nobody has cancelled");
  }

  std::deque<region> regions_;
  std::deque<family> families_;
  std::deque<outcome> ends_of_spawned_;
  std::deque<brood> broods_of_spawned_;
  std::vector<const outcome*> unjoined_;
  std::vector<const brood*> unread_;  // of feeds that were left before they threw
  std::multiset<int> to_be_told_;
  int nodes_ = 0;
  int failures_ = 0;
  int clock_ = 0;
  eddy::semaphore permits_{2};
  eddy::queue<int> items_{0};
  int put_ = 0;
  int got_ = 0;
};

}  // namespace properties
