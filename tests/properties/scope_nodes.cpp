// The combinators of a scope_tree: each is played, and has to say what its children did.
#include "scope_tree.hpp"

#include <eddy/runtime/as_completed.hpp>
#include <eddy/runtime/gather_window.hpp>
#include <eddy/runtime/map_concurrent.hpp>

namespace properties {

using eddy::task;

task<> scope_tree::gather_node(place at) {
  brood among;
  std::deque<outcome> ends;
  const std::size_t n = static_cast<std::size_t>(below(4));
  std::vector<task<int>> tasks;
  for (std::size_t i = 0; i < n; ++i) {
    tasks.push_back(node(at.in(make_region(at.where)), ends.emplace_back(), among));
  }
  auto body = [&]() -> task<> {
    const auto values = co_await eddy::gather(std::move(tasks));
    for (std::size_t i = 0; i < n; ++i) expect(values[i] == ends[i].order, "gather: the order");
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "gather returned before its children");
  if (const outcome* first = first_error(among)) {
    expect_error(got, *first, "gather does not throw the failure that came first");
  } else if (count(among, kind::value) == n && got.how != kind::cancelled) {
    expect(got.how == kind::value, "gather threw, though all ended by values");
  } else {
    expect_cancelled(got, *at.where, "gather: cancelled children, and no cancellation");
  }
  pass_on(got);
}

task<> scope_tree::settled_node(place at) {
  brood among;
  std::deque<outcome> ends;
  std::vector<task<int>> tasks;
  const std::size_t n = 1 + static_cast<std::size_t>(below(3));
  for (std::size_t i = 0; i < n; ++i) {
    tasks.push_back(node(at.in(make_region(at.where)), ends.emplace_back(), among));
  }
  auto body = [&]() -> task<> {
    auto all = co_await eddy::gather_settled(std::move(tasks));
    for (std::size_t i = 0; i < n; ++i) {
      try {
        expect(all[i].value() == ends[i].order, "gather_settled: a value");
      } catch (const failure& f) {
        expect(ends[i].how == kind::error && ends[i].error == f.id(), "gather_settled: an error");
      }
    }
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "gather_settled returned before its children");
  if (count(among, kind::value) + count(among, kind::error) == n &&
      got.how != kind::cancelled) {
    expect(got.how == kind::value, "gather_settled threw, though nobody was cancelled");
  } else {
    expect_cancelled(got, *at.where, "gather_settled: cancelled children, and no cancellation");
  }
  pass_on(got);
}

// As gather, but those that have no room yet start when others have ended.
task<> scope_tree::window_node(place at) {
  brood among;
  std::deque<outcome> ends;
  std::vector<task<int>> tasks;
  const std::size_t n = static_cast<std::size_t>(below(5));
  const std::size_t most = 1 + static_cast<std::size_t>(below(3));
  for (std::size_t i = 0; i < n; ++i) {
    tasks.push_back(node(at.in(make_region(at.where)), ends.emplace_back(), among));
  }
  auto body = [&]() -> task<> {
    const auto values = co_await eddy::gather(most, std::move(tasks));
    for (std::size_t i = 0; i < n; ++i) expect(values[i] == ends[i].order, "window: the order");
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "a windowed gather returned before its children");
  if (const outcome* first = first_error(among)) {
    expect_error(got, *first, "a windowed gather does not throw the failure that came first");
  } else if (count(among, kind::value) == n && got.how != kind::cancelled) {
    expect(got.how == kind::value, "a windowed gather threw, though all ended by values");
  } else {
    expect_cancelled(got, *at.where, "a windowed gather: cancelled children, no cancellation");
  }
  pass_on(got);
}

// as_completed: read to the end, or closed; or dropped, and then its tasks are cancelled.
task<> scope_tree::feed_node(place at) {
  region& r = make_region(at.task);
  family& f = families_.emplace_back();
  f.up = at.kin;
  brood& among = broods_of_spawned_.emplace_back();
  std::vector<task<int>> tasks;
  const int n = 1 + below(3);
  for (int i = 0; i < n; ++i) {
    outcome& end = ends_of_spawned_.emplace_back();
    tasks.push_back(node(place{&make_region(&r), &r, &f, at.depth + 1}, end, among));
  }
  const int stop = chance(50) ? below(n) : n;
  bool ended = false;
  int came = 0;
  auto body = [&]() -> task<> {
    auto all = eddy::as_completed(std::move(tasks));
    try {
      while (!ended && came < stop) {
        const auto x = co_await all.next();
        ended = !x;
        if (x) ++came;
      }
      if (!ended && chance(50)) {
        r.cancelled = true;
        co_await all.close();
        ended = true;
      }
    } catch (...) {
      r.cancelled = true;
      throw;
    }
    r.cancelled = true;
  };
  // The first error cancels the others.
  among.cancels_on_error = &r;
  const outcome got = co_await settle(body());
  if (got.how == kind::error) {
    const outcome* const first = first_error(among);
    expect(first && first->error == got.error, "a feed does not throw the failure that came first");
  } else if (got.how == kind::cancelled) {
    expect(at.where->may_be_cancelled(), "a feed's reader was cancelled by nobody");
  } else if (got.how == kind::other) {
    expect(r.may_be_cancelled(), "a feed's tasks were cancelled by nobody");
  } else {
    expect(got.how == kind::value, "a feed ended in an odd way");
    if (ended) expect(f.alive == 0, "a feed ended before its tasks");
  }
  if (got.how != kind::error) unread_.push_back(&among);
  pass_on(got);
}

task<> scope_tree::race_node(place at) {
  brood among;
  std::deque<outcome> ends;
  std::vector<task<int>> tasks;
  const int n = 1 + below(3);
  for (int i = 0; i < n; ++i) {
    region& r = make_region(at.where);
    among.cancels_when_one_ends.push_back(&r);
    tasks.push_back(node(at.in(r), ends.emplace_back(), among));
  }
  const outcome* said = nullptr;
  auto body = [&]() -> task<> {
    const auto result = co_await eddy::race(std::move(tasks));
    said = &ends[result.index()];
    expect(result.value() == said->order, "race: not the winner's value");
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "race returned before its children");
  const outcome* winner = nullptr;
  for (const outcome* o : among.ended) {
    if (!winner && o->how != kind::cancelled) winner = o;
  }
  if (const outcome* first = first_error(among)) {
    expect_error(got, *first, "race does not throw the failure that came first");
  } else if (winner) {
    expect(got.how == kind::value && said == winner, "race: not the first to end");
  } else {
    expect_cancelled(got, *at.where, "race: without a winner and without a cancellation");
  }
  pass_on(got);
}

task<> scope_tree::group_body(eddy::task_group& g, place at, brood& among,
                              std::deque<outcome>& ends, bool& asked) {
  const member here(at.kin);
  const living one(among.alive);
  outcome& mine = ends.emplace_back();
  std::vector<eddy::child_handle<int>> handles;
  try {
    for (int i = below(4); i > 0; --i) {
      region& r = make_region(at.where);
      family& f = families_.emplace_back();
      f.up = at.kin;
      auto h = g.spawn(node(place{&r, &r, &f, at.depth + 1}, ends.emplace_back(), among));
      if (chance(20)) {
        r.cancelled = true;
        h.cancel();
      }
      if (chance(50)) handles.push_back(std::move(h));
    }
    if (chance(60)) co_await step(at);
    if (chance(15)) {
      at.where->cancelled = true;
      asked = true;
      g.cancel();
    }
    while (!handles.empty()) {
      try {
        (void)co_await handles.back();
      } catch (const eddy::task_cancelled&) {
      } catch (const failure&) {
        wrong("a joiner in a group was told of a failure before it was cancelled");
      }
      handles.pop_back();
    }
    mine.how = kind::value;
  } catch (const failure& f) {
    mine.how = kind::error;
    mine.error = f.id();
    note_end(mine, among);
    throw;
  } catch (const eddy::cancelled&) {
    mine.how = kind::cancelled;
    expect(at.where->may_be_cancelled(), "a group's body was cancelled by nobody");
    at.where->cancelled = true;
    note_end(mine, among);
    throw;
  }
  note_end(mine, among);
}

task<> scope_tree::group_node(place at) {
  brood among;
  std::deque<outcome> ends;
  bool asked = false;
  region& inner = make_region(at.where);
  among.cancels_on_error = &inner;
  const bool collects = chance(50);
  eddy::task_group_errors errors;
  auto fn = [&](eddy::task_group& g) -> task<> {
    co_await group_body(g, at.in(inner), among, ends, asked);
  };
  auto body = [&]() -> task<> {
    if (collects) {
      co_await eddy::with_task_group(errors, fn);
    } else {
      co_await eddy::with_task_group(fn);
    }
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "a group returned before its children");
  const outcome* const first = first_error(among);
  std::size_t kept = 0;
  for (const outcome* o : among.ended) {
    if (o->how != kind::error) continue;
    if (collects) {
      int id = 0;
      try {
        if (kept < errors.size()) std::rethrow_exception(errors[kept]);
      } catch (const failure& f) {
        id = f.id();
      }
      expect(id == o->error, "a group's errors are not those of its children, in order");
    } else if (o != first) {
      to_be_told_.insert(o->error);
    }
    ++kept;
  }
  if (collects) expect(errors.size() == kept, "a group has kept more errors than there were");
  if (first) {
    expect_error(got, *first, "a group does not throw the failure that came first");
  } else if (got.how != kind::value) {
    expect_cancelled(got, *at.where, "a group ended in an odd way");
  } else {
    expect(asked || ends.empty() || ends.front().how == kind::value,
           "a group absorbed a cancellation that was not its own");
  }
  pass_on(got);
}

task<> scope_tree::timeout_node(place at) {
  brood among;
  outcome end;
  region& inner = make_region(at.where);
  const ns d = any_time();
  inner.timed = true;
  inner.limit = eddy::now() + d;
  auto inside = node(at.in(inner), end, among);
  auto body = [&]() -> task<> {
    if (chance(50)) {
      (void)co_await eddy::with_timeout(d, std::move(inside));
    } else {
      (void)co_await eddy::with_deadline(inner.limit, std::move(inside));
    }
  };
  const bool must = at.where->must_be_cancelled();
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "with_timeout returned before its body");
  if (end.how == kind::error) {
    expect_error(got, end, "with_timeout lost an error");
  } else if (end.how == kind::value) {
    expect(got.how == kind::value, "with_timeout lost a value");
  } else if (got.how == kind::timed_out) {
    expect(inner.timed_out(), "a timeout before its time");
    expect(!at.where->must_be_cancelled(), "a timeout in a cancelled scope");
  } else {
    expect_cancelled(got, *at.where, "with_timeout ended in an odd way");
  }
  if (must) expect(end.how == kind::none, "with_timeout ran its body in a cancelled scope");
  pass_on(got);
}

task<> scope_tree::shield_node(place at) {
  brood among;
  outcome end;
  region& inner = make_region(nullptr);
  const bool limited = chance(30);
  const ns d = any_time();
  inner.timed = limited;
  inner.limit = eddy::now() + d;
  auto inside = node(at.in(inner), end, among);
  auto body = [&]() -> task<> {
    if (limited) {
      (void)co_await eddy::shield(d, std::move(inside));
    } else {
      (void)co_await eddy::shield(std::move(inside));
    }
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "shield returned before its body");
  if (end.how == kind::error) {
    expect_error(got, end, "shield lost an error");
  } else if (end.how == kind::value) {
    expect(got.how == kind::value, "shield lost a value");
  } else {
    expect(got.how == kind::timed_out && inner.timed_out(), "a shielded body was cancelled");
  }
  pass_on(got);
}

task<> scope_tree::clean(place at, int& runs, outcome& o, brood& among) {
  ++runs;
  (void)co_await node(at, o, among);
}

task<> scope_tree::finally_node(place at) {
  brood among;
  outcome end;
  outcome cleaned;
  int runs = 0;
  auto inside = node(at.in(make_region(at.where)), end, among);
  auto cleanup = clean(at.in(make_region(nullptr)), runs, cleaned, among);
  auto body = [&]() -> task<> {
    (void)co_await eddy::finally(std::move(inside), std::move(cleanup));
  };
  const outcome got = co_await settle(body());
  expect(among.alive == 0, "finally returned before its body");
  expect(runs == 1, "a clean-up did not run once");
  expect(cleaned.how == kind::value || cleaned.how == kind::error, "a clean-up was cancelled");
  if (cleaned.how == kind::error && end.how != kind::value) to_be_told_.insert(cleaned.error);
  if (end.how == kind::error) {
    expect_error(got, end, "finally lost the body's error");
  } else if (end.how != kind::value) {
    expect_cancelled(got, *at.where, "finally lost a cancellation");
  } else if (cleaned.how == kind::error) {
    expect_error(got, cleaned, "finally lost the clean-up's error");
  } else {
    expect(got.how == kind::value, "finally lost a value");
  }
  pass_on(got);
}

task<> scope_tree::spawn_node(place at) {
  region& r = make_region(at.task);
  family& f = families_.emplace_back();
  f.up = at.kin;
  outcome& end = ends_of_spawned_.emplace_back();
  brood& among = broods_of_spawned_.emplace_back();
  auto h = eddy::spawn(node(place{&r, &r, &f, at.depth + 1}, end, among), "inner");
  const int what = below(4);
  bool joined = false;
  auto body = [&]() -> task<> {
    if (what == 0) co_return;
    if (what == 1) co_await eddy::sleep(any_time());
    if (what == 2) {
      if (!h.done()) r.cancelled = true;
      h.cancel();
    }
    try {
      (void)co_await h;
      joined = true;
    } catch (const eddy::cancelled&) {
      throw;
    } catch (...) {
      joined = true;
      throw;
    }
  };
  const outcome got = co_await settle(body());
  if (!joined) {
    unjoined_.push_back(&end);
    if (!h.done()) r.cancelled = true;
    pass_on(got);
    co_return;
  }
  expect(f.alive == 0, "a spawned task was joined while its children live");
  if (end.how == kind::error) {
    expect_error(got, end, "a join lost an error");
  } else if (end.how == kind::value) {
    expect(got.how == kind::value, "a join lost a value");
  } else {
    expect(got.how == kind::other, "the join of a cancelled task");
    expect(r.may_be_cancelled(), "a task was cancelled by nobody");
  }
  pass_on(got);
}

}  // namespace properties
