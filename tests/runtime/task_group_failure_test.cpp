// Groups in which something fails: who is cancelled and when, which error is thrown, and where the
// others go.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timer.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::run_options;
using eddy::spawn;
using eddy::task;
using eddy::task_group;
using eddy::task_group_errors;
using eddy::with_task_group;
using eddy::yield;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

task<> fails_after(int n, std::string text) {
  co_await turns(n);
  throw std::runtime_error(text);
}

// Waits for ever; notes its cancellation.
task<> hangs(gate& never, std::string& log, std::string name) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    log += name;
    throw;
  }
}

// Waits for ever; fails while it is being cancelled.
task<> cleans_up_badly(gate& never, std::string text) {
  bool was_cancelled = false;
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    was_cancelled = true;
  }
  if (was_cancelled) throw std::runtime_error(text);
}

std::string text_of(const std::exception_ptr& error) {
  return message_of<std::exception>([&] { std::rethrow_exception(error); });
}

std::vector<std::string> texts_of(const task_group_errors& errors) {
  std::vector<std::string> texts;
  for (const std::exception_ptr& e : errors) texts.push_back(text_of(e));
  return texts;
}

// The text of what a group of this body throws.
template <class... Args>
task<std::string> error_of(Args&&... args) {
  try {
    co_await with_task_group(args...);
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "no error";
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("task_group failure: a child's failure cancels siblings and body, and is thrown") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    const std::string text = co_await error_of([&](task_group& g) -> task<int> {
      g.spawn(hangs(never, log, "a"));
      g.spawn(fails_after(2, "boom"));
      g.spawn(hangs(never, log, "b"));
      co_await hangs(never, log, "m");
      co_return 1;
    });
    CHECK(text == "boom");
    CHECK(never.waiting() == 0);
    log += 'r';
  });
  CHECK(log.size() == 4);
  CHECK(log.back() == 'r');
}

TEST_CASE("task_group failure: the failing task cancels in its own last step") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    bool looked = false;
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, "a"));
      co_await yield();
      CHECK(never.waiting() == 1);
      g.spawn(fails_after(0, "boom"));
      // Behind it in the queue, and nobody's child: sees what the failure has left.
      spawn([&]() -> task<> {
        looked = true;
        CHECK(never.waiting() == 0);
        CHECK(g.is_cancelled());
        CHECK(log.empty());
        co_return;
      }).detach();
      co_await never.wait();
    });
    CHECK(looked);
    CHECK(text == "boom");
  });
}

TEST_CASE("task_group failure: also while the failing task's own children still run") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    gate slow;
    std::vector<eddy::join_handle<>> kept;
    auto swallows = [&]() -> task<> {
      try {
        co_await slow.wait();
      } catch (const eddy::cancelled&) {
        log += "c ";
      }
      co_await turns(0);
      log += "grandchild ";
    };
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, "sibling "));
      g.spawn([&]() -> task<> {
        kept.push_back(spawn(swallows()));
        co_await turns(2);
        throw std::runtime_error("boom");
      });
      co_return;
    });
    log += 'r';
    CHECK(text == "boom");
    CHECK(kept[0].done());
  });
  CHECK(log == "sibling c grandchild r");
}

TEST_CASE("task_group failure: the body's failure cancels the children and is thrown after them") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, "a"));
      co_await yield();
      throw std::runtime_error("body");
    });
    CHECK(text == "body");
    log += 'r';
    const std::string early = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, "never starts"));
      throw std::runtime_error("early");
      co_return;
    });
    CHECK(early == "early");
  });
  CHECK(log == "ar");
}

TEST_CASE("task_group failure: a callable that throws before it makes a body fails the group") {
  tracked::reset();
  drive([]() -> task<> {
    auto child = [](tracked) -> task<> { co_await yield(); };
    // Not whatever happens: where a function is sure to throw, clang 16 puts the frames that it
    // makes on its stack, as if they could not outlive it (llvm#59723).
    auto makes = [&](task_group& g) -> task<> {
      g.spawn(child(tracked(1)));
      if (g.size() == 1) throw std::runtime_error("no body");
      return child(tracked(2));
    };
    // A plain function: no co_await in it.
    const std::string text = co_await error_of(makes);
    CHECK(text == "no body");
    auto gives_up = [&](task_group&) -> task<> { throw eddy::cancelled(); };
    bool cancelled = false;
    try {
      co_await with_task_group(gives_up);
    } catch (const eddy::cancelled&) {
      cancelled = true;
    }
    CHECK(cancelled);
    CHECK(tracked::alive() == 0);
  });
  CHECK(tracked::balanced());
}

TEST_CASE("task_group failure: errors are kept in the order of time, the first is thrown") {
  int reported = 0;
  auto body = [&]() -> task<> {
    gate never;
    task_group_errors errors;
    auto all = [&](task_group& g) -> task<> {
      g.spawn(cleans_up_badly(never, "second"));
      g.spawn(fails_after(1, "first"));
      std::string ignored;
      g.spawn(hangs(never, ignored, "a"));
      co_await cleans_up_badly(never, "third");
    };
    const std::string text = co_await error_of(errors, all);
    CHECK(text == "first");
    REQUIRE(errors.size() == 3);
    CHECK(text_of(errors[0]) == "first");
    texts rest = texts_of(errors);
    CHECK((rest == texts{"first", "second", "third"} || rest == texts{"first", "third", "second"}));
    // Emptied by the next group that starts with it.
    co_await with_task_group(errors, [](task_group&) -> task<> { co_return; });
    CHECK(errors.empty());
  };
  drive(body, run_options().on_error([&](std::exception_ptr) { ++reported; }));
  CHECK(reported == 0);
}

TEST_CASE("task_group failure: many errors are kept") {
  drive([]() -> task<> {
    task_group_errors errors;
    gate never;
    auto body = [&](task_group& g) -> task<> {
      for (int i = 0; i < 100; ++i) g.spawn(cleans_up_badly(never, std::to_string(i)));
      co_await turns(2);
      throw std::runtime_error("first");
    };
    const std::string text = co_await error_of(errors, body);
    CHECK(text == "first");
    CHECK(errors.size() == 101);
    std::vector<bool> seen(100);
    for (std::size_t i = 1; i < errors.size(); ++i) {
      seen[static_cast<std::size_t>(std::stoi(text_of(errors[i])))] = true;
    }
    CHECK(seen == std::vector<bool>(100, true));
  });
}

TEST_CASE("task_group failure: errors that nobody collects reach on_error, but not the first") {
  texts seen;
  auto body = [&]() -> task<> {
    gate never;
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(cleans_up_badly(never, "further"));
      co_await yield();
      throw std::runtime_error("first");
    });
    CHECK(text == "first");
    CHECK(seen == texts{"further"});
    co_await yield();  // not cancelled
  };
  drive(body, run_options().on_error([&](std::exception_ptr e) { seen.push_back(text_of(e)); }));
  CHECK(seen.size() == 1);
}

TEST_CASE("task_group failure: without a handler run throws the first such error at its end") {
  bool went_on = false;
  auto two_groups = [&]() -> task<> {
    gate never;
    for (const char* name : {"a", "b"}) {
      auto body = [&](task_group& g) -> task<> {
        g.spawn(cleans_up_badly(never, std::string("further ") + name));
        co_await yield();
        throw std::runtime_error("first");
      };
      const std::string text = co_await error_of(body);
      CHECK(text == "first");
    }
    co_await turns(3);
    went_on = true;
  };
  CHECK(message_of<std::runtime_error>([&] { drive(two_groups); }) == "further a");
  CHECK(went_on);
}

TEST_CASE("task_group failure: what main throws comes before the errors that came after it") {
  auto uncaught = []() -> task<> {
    gate never;
    co_await with_task_group([&](task_group& g) -> task<> {
      g.spawn(cleans_up_badly(never, "further"));
      co_await yield();
      throw std::runtime_error("first");
    });
  };
  CHECK(message_of<std::runtime_error>([&] { drive(uncaught); }) == "first");
  auto gives_up = []() -> task<> {
    gate never;
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(cleans_up_badly(never, "further"));
      co_await yield();
      throw std::runtime_error("first");
    });
    throw eddy::cancelled();
  };
  CHECK(message_of<std::runtime_error>([&] { drive(gives_up); }) == "further");
}

TEST_CASE("task_group failure: a host's loop throws further errors from its turn") {
  eddy::loop loop;
  auto work = []() -> task<> {
    gate never;
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(cleans_up_badly(never, "further"));
      co_await yield();
      throw std::runtime_error("first");
    });
  };
  auto h = loop.spawn(work());
  std::string text;
  while (!h.done()) {
    const std::string thrown = message_of<std::runtime_error>([&] { loop.poll_once(); });
    if (thrown != "no exception") text += thrown;
  }
  CHECK(text == "further");
  loop.close();
}

TEST_CASE("task_group failure: cancellations are no errors") {
  int reported = 0;
  auto body = [&]() -> task<> {
    gate never;
    task_group_errors errors;
    std::string log;
    auto group = [&](task_group& g) -> task<int> {
      auto a = g.spawn(hangs(never, log, "a"));
      auto b = g.spawn([]() -> task<> {
        co_await yield();
        throw eddy::cancelled();
      });
      co_await turns(2);
      a.cancel();
      co_await turns(2);
      CHECK(b.done());
      CHECK_FALSE(g.is_cancelled());
      co_return 3;
    };
    const int n = co_await with_task_group(errors, group);
    CHECK(n == 3);
    CHECK(errors.empty());
    CHECK(log == "a");
  };
  drive(body, run_options().on_error([&](std::exception_ptr) { ++reported; }));
  CHECK(reported == 0);
}

TEST_CASE("task_group failure: a joiner outside sees the error too; one inside is cancelled") {
  int reported = 0;
  auto body = [&]() -> task<> {
    std::optional<eddy::child_handle<>> child;
    std::string outside;
    std::string inside;
    auto joiner = spawn([&]() -> task<> {
      try {
        co_await *child;
      } catch (const std::runtime_error& error) {
        outside = error.what();
      }
    });
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      child.emplace(g.spawn(fails_after(3, "boom")));
      co_return;
    });
    CHECK(text == "boom");
    co_await joiner;
    CHECK(outside == "boom");

    const std::string again = co_await error_of([&](task_group& g) -> task<> {
      auto failing = g.spawn(fails_after(3, "again"));
      try {
        co_await failing;
      } catch (const eddy::cancelled&) {
        inside = "cancelled";
        throw;
      }
    });
    CHECK(again == "again");
    CHECK(inside == "cancelled");

    // The error of a child whose handle is dropped unread has reached the group.
    const std::string unread = co_await error_of([&](task_group& g) -> task<> {
      child.emplace(g.spawn(fails_after(1, "unread")));
      co_return;
    });
    CHECK(unread == "unread");
    child.reset();
  };
  drive(body, run_options().on_error([&](std::exception_ptr) { ++reported; }));
  CHECK(reported == 0);
}

TEST_CASE("task_group failure: a failure comes out of nested groups and gathers") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto inner = [&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, "i"));
      g.spawn(fails_after(3, "deep"));
      co_return;
    };
    auto in_group = [&]() -> task<> { co_await with_task_group(inner); };
    auto in_gather = [&]() -> task<> { co_await eddy::gather(in_group(), turns(1)); };
    const std::string text = co_await error_of([&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, "o"));
      g.spawn(in_gather());
      co_return;
    });
    CHECK(text == "deep");
    CHECK((log == "io" || log == "oi"));
  });
}
