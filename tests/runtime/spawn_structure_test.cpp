// What spawned tasks owe each other: children, detached tasks, errors that nobody joins, handles
// that outlive the loop.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::join_handle;
using eddy::run_options;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

task<> fails_at(gate& g, std::string text) {
  co_await g.wait();
  throw std::runtime_error(text);
}

task<> pass(gate& g) { co_await g.wait(); }

std::string text_of(const std::exception_ptr& error) {
  return message_of<std::exception>([&] { std::rethrow_exception(error); });
}

}  // namespace

TEST_CASE("spawn structure: a result is withheld until the children have ended") {
  drive([]() -> task<> {
    gate g;
    std::vector<join_handle<>> kept;  // outlives the parent, so that its end drops nothing
    auto parent = spawn([&]() -> task<int> {
      kept.push_back(spawn([&]() -> task<> {
        kept.push_back(spawn(pass(g)));  // a grandchild
        co_return;
      }));
      co_return 3;
    });
    co_await turns(5);
    CHECK(kept.size() == 2);
    CHECK_FALSE(kept[0].done());
    CHECK_FALSE(parent.done());
    g.open();
    const int n = co_await parent;
    CHECK(n == 3);
    CHECK(kept[0].done());
    CHECK(kept[1].done());
  });
}

TEST_CASE("spawn structure: the handles that a body drops at its end cancel its children first") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto parent = spawn([&]() -> task<> {
      auto child = spawn([&]() -> task<> {
        struct at_end {
          explicit at_end(std::string& l) : log_(l) {}
          ~at_end() { log_ += 'c'; }
          std::string& log_;
        } const note(log);
        co_await never.wait();
      });
      co_await yield();
      log += 'p';
    });
    co_await parent;
    log += 'j';
  });
  CHECK(log == "pcj");
}

TEST_CASE("spawn structure: cancelling a task cancels what it has spawned or spawns then") {
  drive([]() -> task<> {
    gate never;
    std::vector<join_handle<>> kept;
    bool late_ran = false;
    auto parent = spawn([&]() -> task<> {
      kept.push_back(spawn([&]() -> task<> {
        kept.push_back(spawn(pass(never)));
        co_await never.wait();
      }));
      try {
        co_await never.wait();
      } catch (const eddy::cancelled&) {
        kept.push_back(spawn([&]() -> task<> {
          late_ran = true;
          co_return;
        }));
        throw;
      }
    });
    co_await turns(4);
    CHECK(never.waiting() == 3);
    parent.cancel();
    CHECK(never.waiting() == 0);
    bool told = false;
    try {
      co_await parent;
    } catch (const eddy::task_cancelled&) {
      told = true;
    }
    CHECK(told);
    CHECK(kept.size() == 3);
    for (auto& h : kept) CHECK(h.done());
    CHECK_FALSE(late_ran);
  });
}

TEST_CASE("spawn structure: a detached task outlives its parent and ends with the loop") {
  std::string log;
  drive([&]() -> task<> {
    auto parent = spawn([&]() -> task<> {
      auto child = spawn([&]() -> task<> {
        try {
          for (;;) co_await yield();
        } catch (const eddy::cancelled&) {
          log += 'c';
          throw;
        }
      });
      child.detach();
      CHECK_FALSE(child);
      CHECK(child.done());
      co_return;
    });
    co_await parent;
    log += 'p';
    co_await turns(3);
    log += 'm';
  });
  CHECK(log == "pmc");
}

TEST_CASE("spawn structure: detaching the last child lets the parent end") {
  drive([]() -> task<> {
    gate never;
    join_handle<> child;
    auto parent = spawn([&]() -> task<> {
      child = spawn(pass(never));
      co_return;
    });
    co_await turns(3);
    CHECK_FALSE(parent.done());
    child.detach();
    CHECK(parent.done());
    co_await parent;
    join_handle<int> ended = spawn([]() -> task<int> { co_return 1; });
    co_await turns(2);
    ended.detach();
    CHECK_FALSE(ended);
  });
}

TEST_CASE("spawn structure: errors that nobody can join reach on_error, once each") {
  std::vector<std::string> seen;
  auto body = [&]() -> task<> {
    gate g;
    auto joined = spawn(fails_at(g, "joined"));
    auto held = spawn(fails_at(g, "held"));
    spawn(fails_at(g, "detached")).detach();
    auto cancelled = spawn(pass(g));
    co_await yield();
    cancelled.cancel();
    g.open();
    co_await turns(2);
    CHECK(seen == std::vector<std::string>{"detached"});
    try {
      co_await joined;
    } catch (const std::runtime_error&) {
    }
    held = join_handle<>();  // its error is lost to others from now on
    CHECK(seen == std::vector<std::string>{"detached", "held"});
  };
  drive(body,
        run_options().on_error([&](std::exception_ptr error) { seen.push_back(text_of(error)); }));
  CHECK(seen.size() == 2);
}

TEST_CASE("spawn structure: without a handler such an error cancels main and leaves run") {
  std::string log;
  auto body = [&]() -> task<> {
    gate g;
    spawn(fails_at(g, "first")).detach();
    spawn(fails_at(g, "second")).detach();
    co_await yield();
    g.open();
    try {
      for (;;) co_await yield();
    } catch (const eddy::cancelled&) {
      log += "main cancelled";
      throw;
    }
  };
  CHECK(message_of<std::runtime_error>([&] { drive(body); }) == "first");
  CHECK(log == "main cancelled");
}

TEST_CASE("spawn structure: a handler that throws counts as having no handler") {
  auto body = [&]() -> task<> {
    gate g;
    g.open();
    spawn(fails_at(g, "lost")).detach();
    for (;;) co_await yield();
  };
  auto options = run_options().on_error(
      [](std::exception_ptr) { throw std::runtime_error("from the handler"); });
  CHECK(message_of<std::runtime_error>([&] { drive(body, std::move(options)); }) ==
        "from the handler");
}

// A supervisor: the handler runs inside the last step of the task that failed, and must not become
// its child.
TEST_CASE("spawn structure: a handler may start the task anew") {
  int starts = 0;
  auto worker = [&starts]() -> task<> {
    co_await yield();
    if (++starts < 4) throw std::runtime_error("again");
  };
  auto body = [&]() -> task<> {
    spawn(worker()).detach();
    {
      auto dropped = spawn(worker());
      co_await turns(2);
    }
    while (starts < 4) co_await yield();
    co_await turns(10);
  };
  std::vector<join_handle<>> restarted;
  drive(body, run_options().on_error([&](std::exception_ptr) {
    if (restarted.size() == 1) {
      spawn(worker()).detach();
    } else {
      restarted.push_back(spawn(worker()));
    }
  }));
  CHECK(starts >= 4);
  CHECK(restarted.size() >= 1);
  for (auto& h : restarted) CHECK(h.done());
}

TEST_CASE("spawn structure: a handle may outlive its loop") {
  tracked::reset();
  {
    std::optional<join_handle<tracked>> value;
    std::optional<join_handle<>> error;
    std::optional<join_handle<>> dropped;
    gate g;  // not in the body: these tasks run after its end
    g.open();
    drive([&]() -> task<> {
      value.emplace(spawn([]() -> task<tracked> { co_return tracked(5); }));
      error.emplace(spawn(fails_at(g, "late")));
      dropped.emplace(spawn(fails_at(g, "never seen")));
      co_return;
    });
    CHECK(value->done());
    value->cancel();
    dropped.reset();
    drive([&]() -> task<> {
      const tracked t = co_await *value;
      CHECK(t.get() == 5);
      std::string text;
      try {
        co_await *error;
      } catch (const std::runtime_error& e) {
        text = e.what();
      }
      CHECK(text == "late");
    });
  }
  CHECK(tracked::balanced());
}

TEST_CASE("spawn structure: handles in the arguments of main are freed with it") {
  tracked::reset();
  auto keeps = [](tracked t) -> task<tracked> {
    co_await yield();
    co_return std::move(t);
  };
  auto body = [&](std::vector<join_handle<tracked>> handles) -> task<> {
    for (int i = 0; i < 10; ++i) handles.push_back(spawn(keeps(tracked(i))));
    co_return;
  };
  eddy::run(body({}));
  CHECK(tracked::balanced());
}

TEST_CASE("spawn structure: main's result is withheld until what it spawned has ended") {
  int ended = 0;
  std::vector<join_handle<>> kept;
  const int n = drive([&]() -> task<int> {
    for (int i = 0; i < 3; ++i) {
      kept.push_back(spawn([&]() -> task<> {
        co_await turns(5);
        ++ended;
      }));
    }
    co_return 1;
  });
  CHECK(n == 1);
  CHECK(ended == 3);
}

TEST_CASE("spawn structure: a hundred thousand tasks at once, joined in order") {
  const long long sum = drive([]() -> task<long long> {
    std::vector<join_handle<int>> handles;
    for (int i = 0; i < 100'000; ++i) {
      handles.push_back(spawn(
          [](int n) -> task<int> {
            co_await yield();
            co_return n & 1;
          },
          i));
    }
    long long total = 0;
    for (auto& h : handles) {
      const int n = co_await h;
      total += n;
    }
    co_return total;
  });
  CHECK(sum == 50'000);
}
