#include "scope_tree.hpp"

#include <algorithm>

namespace properties {

using eddy::task;

eddy::task<> scope_tree::play() {
  std::vector<eddy::join_handle<int>> roots;
  std::vector<region*> where;
  std::vector<family*> kin;
  const int count = 1 + below(3);
  for (int i = 0; i < count; ++i) {
    region& r = make_region(nullptr);
    family& f = families_.emplace_back();
    outcome& o = ends_of_spawned_.emplace_back();
    brood& b = broods_of_spawned_.emplace_back();
    roots.push_back(eddy::spawn(node(place{&r, &r, &f, 0}, o, b), "root"));
    where.push_back(&r);
    kin.push_back(&f);
  }
  for (int i = below(4); i > 0; --i) {
    if (chance(50)) {
      co_await eddy::sleep(any_time());
    } else {
      co_await eddy::yield();
    }
    const auto which = static_cast<std::size_t>(below(count));
    if (!roots[which].done()) where[which]->cancelled = true;
    roots[which].cancel();
  }
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const outcome& o = ends_of_spawned_[i];
    const outcome got = co_await settle([](eddy::join_handle<int>& h) -> task<> {
      (void)co_await h;
    }(roots[i]));
    expect(kin[i]->alive == 0, "a spawned task was joined while its children live");
    if (o.how == kind::error) {
      expect_error(got, o, "a root's error was lost");
    } else if (o.how == kind::value) {
      expect(got.how == kind::value, "a root's value was lost");
    } else {
      expect(got.how == kind::other && where[i]->cancelled, "a root was cancelled by nobody");
    }
  }
  expect(permits_.available() == 2 && permits_.waiting() == 0, "a permit was lost");
  expect(static_cast<int>(items_.size()) == put_ - got_, "an item was lost");
}

void scope_tree::check_end(const std::vector<std::exception_ptr>& told) {
  for (const family& f : families_) expect(f.alive == 0, "a task outlives the run");
  for (const outcome* o : unjoined_) {
    if (o->how == kind::error) to_be_told_.insert(o->error);
  }
  for (const brood* b : unread_) {
    if (const outcome* first = first_error(*b)) to_be_told_.insert(first->error);
  }
  for (const std::exception_ptr& error : told) {
    try {
      std::rethrow_exception(error);
    } catch (const failure& f) {
      const auto found = to_be_told_.find(f.id());
      expect(found != to_be_told_.end(), "on_error was told what somebody else got");
      if (found != to_be_told_.end()) to_be_told_.erase(found);
    } catch (const std::exception& e) {
      wrong(std::string("on_error was told: ") + e.what());
    } catch (...) {
      wrong("on_error was told something odd");
    }
  }
  expect(to_be_told_.empty(), "an error that nobody joined was not told");
}

const outcome* scope_tree::first_error(const brood& among) {
  for (const outcome* o : among.ended) {
    if (o->how == kind::error) return o;
  }
  return nullptr;
}

std::size_t scope_tree::count(const brood& among, kind k) {
  return static_cast<std::size_t>(std::count_if(among.ended.begin(), among.ended.end(),
                                                [k](const outcome* o) { return o->how == k; }));
}

// The combinator hears of it before anything else runs.
void scope_tree::note_end(outcome& o, brood& among) {
  o.order = ++clock_;
  among.ended.push_back(&o);
  if (o.how == kind::error && among.cancels_on_error) among.cancels_on_error->cancelled = true;
  if (o.how == kind::cancelled) return;
  for (region* r : among.cancels_when_one_ends) r->cancelled = true;
}

task<int> scope_tree::node(place at, outcome& o, brood& among) {
  const member here(at.kin);
  const living one(among.alive);
  try {
    co_await work(at);
    o.how = kind::value;
  } catch (const failure& f) {
    o.how = kind::error;
    o.error = f.id();
    note_end(o, among);
    throw;
  } catch (const eddy::cancelled&) {
    o.how = kind::cancelled;
    expect(at.where->may_be_cancelled(), "cancelled in a scope that nobody has cancelled");
    note_end(o, among);
    throw;
  }
  note_end(o, among);
  co_return o.order;
}

task<outcome> scope_tree::settle(task<> t) {
  outcome o;
  try {
    co_await std::move(t);
    o.how = kind::value;
  } catch (const failure& f) {
    o.how = kind::error;
    o.error = f.id();
  } catch (const eddy::timeout_error&) {
    o.how = kind::timed_out;
  } catch (const eddy::task_cancelled&) {
    o.how = kind::other;
  } catch (const eddy::cancelled&) {
    o.how = kind::cancelled;
  }
  co_return o;
}

void scope_tree::pass_on(const outcome& o) {
  if (o.how == kind::cancelled) throw eddy::cancelled();
  if (o.how == kind::error && chance(50)) throw failure(o.error);
  if (o.how == kind::timed_out && chance(30)) throw failure(new_failure());
}

task<> scope_tree::work(place at) {
  const int steps = 1 + below(2);
  for (int i = 0; i < steps; ++i) co_await step(at);
}

task<> scope_tree::step(place at) {
  if (at.depth >= most_depth || ++nodes_ > most_nodes || chance(30)) {
    co_await leaf(at);
    co_return;
  }
  switch (below(10)) {
    case 0: co_await gather_node(at); break;
    case 1: co_await settled_node(at); break;
    case 2: co_await race_node(at); break;
    case 3: co_await group_node(at); break;
    case 4: co_await timeout_node(at); break;
    case 5: co_await shield_node(at); break;
    case 6: co_await finally_node(at); break;
    case 7: co_await window_node(at); break;
    case 8: co_await feed_node(at); break;
    default: co_await spawn_node(at); break;
  }
}

task<> scope_tree::waits(place at, int what) {
  const bool must = at.where->must_be_cancelled();
  if (what <= 3) {
    co_await eddy::yield();
  } else if (what <= 6) {
    co_await eddy::sleep(any_time());
  } else if (what == 7) {
    auto permit = co_await permits_.acquire();
    expect(!must, "a wait in a cancelled scope was not cancelled");
    co_await eddy::yield();
  } else if (what == 8) {
    co_await items_.put(1);
    ++put_;
  } else {
    auto item = co_await items_.get_for(any_time());
    if (item) ++got_;
  }
  expect(!must, "a wait in a cancelled scope was not cancelled");
}

task<> scope_tree::leaf(place at) {
  const int rounds = below(4);
  for (int i = 0; i < rounds; ++i) {
    bool cancelled = false;
    try {
      co_await waits(at, below(10));
    } catch (const eddy::cancelled&) {
      cancelled = true;
    }
    if (!cancelled) continue;
    expect(at.where->may_be_cancelled(), "cancelled in a scope that nobody has cancelled");
    if (chance(80)) throw eddy::cancelled();
    // It swallows the cancellation, which comes again.
    bool again = false;
    try {
      co_await waits(at, below(10));
    } catch (const eddy::cancelled&) {
      again = true;
    }
    expect(again, "a cancellation came only once");
    if (chance(50)) throw eddy::cancelled();
    co_return;
  }
  if (chance(15)) throw failure(new_failure());
}

}  // namespace properties
