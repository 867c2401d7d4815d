// How feeds end: read by who is cancelled, closed, dropped, cancelled from elsewhere.
#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/map_concurrent.hpp>
#include <eddy/runtime/merge.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::as_completed;
using eddy::collect;
using eddy::feed;
using eddy::generator;
using eddy::map_concurrent;
using eddy::merge;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

generator<tracked> gated(gate& g, int n) {
  const tracked local(0);
  for (int i = 0; i < n; ++i) {
    co_await g.wait();
    co_yield tracked(i);
  }
}

task<tracked> through(gate& g, tracked t) {
  co_await g.wait();
  co_return std::move(t);
}

task<int> fails_when_cancelled(gate& never) {
  bool cancelled = false;
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    cancelled = true;
  }
  if (cancelled) throw std::runtime_error("clean-up failed");
  co_return 0;
}

// Notes when it has ended, some turns after its cancellation.
task<> notes_end(gate& never, std::string& log) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
  for (int i = 0; i < 3; ++i) {
    try {
      co_await yield();
    } catch (const eddy::cancelled&) {
    }
  }
  log += 'e';
}

template <class T>
task<int> next_value(feed<T>& f) {
  auto x = co_await f.next();
  if (!x) co_return -1;
  if constexpr (std::is_same_v<T, tracked>) {
    co_return x->get();
  } else {
    co_return *x;
  }
}

template <class H>
task<> ends_cancelled(H& h) {
  bool cancelled = false;
  try {
    co_await h;
  } catch (const eddy::task_cancelled&) {
    cancelled = true;
  }
  CHECK(cancelled);
}

}  // namespace

TEST_CASE("feed: a next() that is cancelled or timed out has taken nothing") {
  tracked::reset();
  drive([]() -> task<> {
    gate door;
    auto all = merge(gated(door, 6));
    // In a scope that is cancelled already nothing starts.
    auto refused = spawn([&]() -> task<> {
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
      }
      co_await all.next();
    });
    co_await turns(1);
    refused.cancel();
    co_await ends_cancelled(refused);
    co_await turns(3);
    CHECK(door.waiting() == 0);
    // While it waits. The tasks are children of this one, which has called next() first.
    bool late = false;
    try {
      co_await with_timeout(1ms, next_value(all));
    } catch (const eddy::timeout_error&) {
      late = true;
    }
    CHECK(late);
    CHECK(door.waiting() == 1);  // the source waits as before
    auto waiting = spawn(next_value(all));
    co_await turns(4);
    waiting.cancel();
    co_await ends_cancelled(waiting);
    CHECK(door.waiting() == 1);
    // In the turn in which the element comes, after the reader was woken.
    auto woken = spawn(next_value(all));
    co_await turns(2);
    CHECK(door.admit_one());
    auto cancels = [&]() -> task<> {
      woken.cancel();
      co_return;
    };
    auto canceller = spawn(cancels);  // runs between the source and the reader
    co_await canceller;
    co_await ends_cancelled(woken);
    int n = co_await next_value(all);
    CHECK(n == 0);
    // When there is an element at once.
    door.open();
    co_await turns(3);
    auto ready = spawn(next_value(all));
    ready.cancel();
    co_await ends_cancelled(ready);
    for (int i = 1; i < 6; ++i) {
      n = co_await next_value(all);
      CHECK(n == i);
    }
    n = co_await next_value(all);
    CHECK(n == -1);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("feed: elements that are there go through the queue when the turn's budget is spent") {
  drive([]() -> task<> {
    constexpr int many = 3 * eddy::detail::turn_budget;
    std::vector<task<int>> tasks;
    auto at_once = [](int n) -> task<int> { co_return n; };
    for (int i = 0; i < many; ++i) tasks.push_back(at_once(i));
    auto all = as_completed(std::move(tasks));
    co_await next_value(all);
    co_await turns(8);
    bool others_ran = false;
    auto other = spawn([&]() -> task<> {
      others_ran = true;
      co_return;
    });
    int last = 0;
    bool before_the_end = false;
    for (int i = 1; i < many; ++i) {
      const int n = co_await next_value(all);
      CHECK(n == i);
      last = n;
      before_the_end = others_ran;
    }
    CHECK(last == many - 1);
    CHECK(before_the_end);
    co_await other;
  });
}

TEST_CASE("feed: destroyed early it cancels its tasks, and what spawned them waits for their end") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto uses = [&]() -> task<> {
      auto value = []() -> task<> { co_return; };
      auto all = as_completed(value(), notes_end(never, log), notes_end(never, log));
      co_await all.next();
      log += 'd';
    };
    auto reader = spawn(uses);
    co_await reader;
    log += 'j';
    // In a function of the same task: it goes on, and the tasks end meanwhile.
    co_await uses();
    log += 'g';
    co_await turns(9);
  });
  CHECK(log == "deejdgee");
}

TEST_CASE("feed: destroyed at any point, nothing leaks and nothing dies twice") {
  tracked::reset();
  drive([]() -> task<> {
    for (int reads = 0; reads <= 5; ++reads) {
      for (int more = 0; more <= 4; ++more) {
        gate door;
        if (more % 2 == 0) door.open();
        auto use = [&]() -> task<> {
          auto call = [&](tracked t) { return through(door, std::move(t)); };
          auto a = merge(gated(door, 2), gated(door, 2));
          auto b = map_concurrent(2, gated(door, 4), call);
          auto c = as_completed(through(door, tracked(1)), through(door, tracked(2)));
          for (int i = 0; i < reads && door.is_open(); ++i) {
            co_await a.next();
            co_await b.next();
            co_await c.next();
          }
          co_await turns(more);
        };
        auto user = spawn(use);
        co_await user;
      }
    }
  });
  CHECK(tracked::balanced());
}

TEST_CASE("feed: close cancels, awaits, and destroys what is left; nothing comes after it") {
  tracked::reset();
  std::string log;
  drive([&]() -> task<> {
    gate never;
    gate door;
    door.open();
    auto call = [&](tracked t) { return through(door, std::move(t)); };
    auto mapped = map_concurrent(3, gated(door, 9), call);
    co_await mapped.next();
    co_await turns(9);
    CHECK(tracked::alive() > 1);
    co_await mapped.close();
    CHECK(tracked::alive() == 0);
    int n = co_await next_value(mapped);
    CHECK(n == -1);
    co_await mapped.close();

    auto value = []() -> task<> { co_return; };
    auto all = as_completed(value(), notes_end(never, log));
    co_await all.next();
    co_await all.close();
    CHECK(log == "e");
    // Never started: its tasks never run.
    auto unread = as_completed(notes_end(never, log));
    co_await unread.close();
    const auto none = co_await unread.next();
    CHECK_FALSE(none.has_value());
    CHECK(log == "e");
    // After the end.
    auto ended = merge(gated(door, 1));
    n = co_await next_value(ended);
    CHECK(n == 0);
    n = co_await next_value(ended);
    CHECK(n == -1);
    co_await ended.close();
  });
  CHECK(tracked::balanced());
}

TEST_CASE("feed: close throws an error that no next() has thrown") {
  drive([]() -> task<> {
    gate never;
    auto one = []() -> task<int> { co_return 1; };
    auto bad = as_completed(one(), fails_when_cancelled(never));
    co_await bad.next();
    std::string text;
    try {
      co_await bad.close();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "clean-up failed");
    co_await bad.close();
  });
}

TEST_CASE("feed: a close that is cancelled has cancelled the tasks all the same") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto value = []() -> task<> { co_return; };
    auto all = as_completed(value(), notes_end(never, log));
    co_await all.next();
    auto closes = [&]() -> task<> { co_await all.close(); };
    auto closing = spawn(closes);
    co_await turns(2);
    closing.cancel();
    co_await ends_cancelled(closing);
    CHECK(log.empty());
    const auto none = co_await all.next();  // waits for them
    CHECK_FALSE(none.has_value());
    CHECK(log == "e");
  });
}

TEST_CASE("feed: an error that nobody can read any more reaches on_error") {
  std::string text;
  eddy::run_options options;
  options.on_error([&](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::runtime_error& e) {
      text += e.what();
    }
  });
  drive(
      [&]() -> task<> {
        gate never;
        auto one = []() -> task<int> { co_return 1; };
        auto fails = []() -> task<int> {
          co_await yield();
          throw std::runtime_error("unread.");
        };
        auto use = [&]() -> task<> {
          auto dropped = as_completed(one(), fails_when_cancelled(never));
          co_await dropped.next();
          auto unread = as_completed(one(), fails());
          co_await unread.next();
          co_await turns(5);
        };
        auto user = spawn(use);
        co_await user;
      },
      std::move(options));
  CHECK(text == "unread.clean-up failed");
}

TEST_CASE("feed: tasks that somebody else cancelled are no end: task_cancelled, once") {
  drive([]() -> task<> {
    gate never;
    std::optional<feed<tracked>> shared;
    auto starts = [&]() -> task<> {
      shared.emplace(merge(gated(never, 1), gated(never, 1)));
      co_await turns(1);
      co_await shared->next();
    };
    auto starter = spawn(starts);
    co_await turns(4);
    starter.cancel();  // and with it the tasks, which are its children
    co_await ends_cancelled(starter);
    std::string text;
    try {
      co_await shared->next();
    } catch (const eddy::task_cancelled& error) {
      text = error.what();
    }
    CHECK(text == "the tasks of merge were cancelled");
    const auto after = co_await shared->next();
    CHECK_FALSE(after.has_value());
    // To close() it is what was asked for.
    auto another = spawn(starts);
    co_await turns(4);
    another.cancel();
    co_await ends_cancelled(another);
    co_await shared->close();
  });
}

TEST_CASE("feed: a task that ends as cancelled by itself ends the others") {
  drive([]() -> task<> {
    gate never;
    auto gives_up = []() -> task<tracked> {
      co_await yield();
      throw eddy::cancelled();
    };
    auto all = as_completed(through(never, tracked(1)), gives_up());
    bool told = false;
    try {
      co_await all.next();
    } catch (const eddy::task_cancelled&) {
      told = true;
    }
    CHECK(told);
  });
}

TEST_CASE("feed: cancelling the spawned task that reads it cancels its tasks and it") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto reads = [&]() -> task<> {
      auto all = as_completed(notes_end(never, log), notes_end(never, log));
      co_await all.next();
    };
    auto reader = spawn(reads);
    co_await turns(4);
    reader.cancel();
    co_await ends_cancelled(reader);
    CHECK(log == "ee");
    auto unborn = spawn(reads);
    unborn.cancel();
    co_await ends_cancelled(unborn);
  });
  CHECK(log == "ee");
}

TEST_CASE("feed: in the turn of its start, cancelled before its tasks have run") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    std::optional<feed<std::monostate>> kept;
    auto note = [&]() -> task<std::monostate> {
      log += 'x';
      co_return std::monostate();
    };
    std::optional<eddy::join_handle<>> starter;
    auto starts = [&]() -> task<> {
      kept.emplace(as_completed(note()));
      co_await kept->next();
    };
    starter.emplace(spawn(starts));
    auto cancels = [&]() -> task<> {
      starter->cancel();
      co_return;
    };
    auto canceller = spawn(cancels);
    co_await ends_cancelled(*starter);
    co_await canceller;
    bool told = false;
    try {
      co_await kept->next();
    } catch (const eddy::task_cancelled&) {
      told = true;
    }
    CHECK(told);
  });
  CHECK(log.empty());
}

TEST_CASE("feed: a second next() while one waits, and one of nothing, is a logic_error") {
  drive([]() -> task<> {
    gate door;
    auto all = merge(gated(door, 1));
    auto first = spawn(next_value(all));
    co_await turns(3);
    std::string text;
    try {
      co_await all.next();
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    CHECK(text == "merge: next() while another next() or close() of it waits");
    try {
      co_await all.close();
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    CHECK(text == "merge: close() while another next() or close() of it waits");
    door.open();
    const int n = co_await first;
    CHECK(n == 0);
    auto moved = std::move(all);
    bool refused = false;
    try {
      co_await all.next();  // NOLINT: the moved-from state is what is tested
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
    const int end = co_await next_value(moved);
    CHECK(end == -1);
    moved = merge(gated(door, 2));
    const int again = co_await next_value(moved);
    CHECK(again == 0);
  });
}

TEST_CASE("feed: outlives its loop, started or not") {
  std::optional<feed<int>> unstarted;
  std::optional<feed<int>> ended;
  auto one = []() -> task<int> { co_return 1; };
  drive([&]() -> task<> {
    unstarted.emplace(as_completed(one()));
    ended.emplace(as_completed(one(), one()));
    co_await ended->next();
  });
  unstarted.reset();
  ended.reset();
  // A loop later it can still be read.
  auto made = as_completed(one());
  const int n = drive([&]() -> task<int> { co_return co_await next_value(made); });
  CHECK(n == 1);
}

TEST_CASE("feed: read by two children of gather in turn") {
  drive([]() -> task<> {
    gate door;
    door.open();
    auto all = merge(gated(door, 1), gated(door, 1));
    auto reads = [&](int pause) -> task<int> {
      co_await turns(pause);
      co_return co_await next_value(all);
    };
    const auto got = co_await eddy::gather(reads(0), reads(9));
    CHECK(std::get<0>(got) == 0);
    CHECK(std::get<1>(got) == 0);
  });
}
