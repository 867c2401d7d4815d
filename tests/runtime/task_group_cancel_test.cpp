// Groups that are cancelled: from outside, by cancel(), before they start and as they end.
#include <doctest/doctest.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
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
using eddy::with_task_group;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

task<> hangs(gate& never, std::string& log, char name) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    log += name;
    throw;
  }
}

task<> swallows(gate& never) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
}

task<> fails_when_cancelled(gate& never) {
  bool was_cancelled = false;
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
    was_cancelled = true;
  }
  if (was_cancelled) throw std::runtime_error("clean-up");
}

// How the task ended: 'v' a value, 'c' cancelled, 'e' an error.
template <class T>
task<char> end_of(eddy::join_handle<T> h) {
  try {
    co_await h;
  } catch (const eddy::task_cancelled&) {
    co_return 'c';
  } catch (const std::exception&) {
    co_return 'e';
  }
  co_return 'v';
}

}  // namespace

TEST_CASE("task_group cancel: in a cancelled scope nothing starts") {
  tracked::reset();
  bool ran = false;
  drive([&]() -> task<> {
    auto body = [&](task_group&, tracked) -> task<> {
      ran = true;
      co_return;
    };
    eddy::join_handle<> h;
    h = spawn([&]() -> task<> {
      h.cancel();
      co_await with_task_group(body, tracked(1));
    });
    while (!h.done()) co_await yield();
    const char end = co_await end_of(std::move(h));
    CHECK(end == 'c');
  });
  CHECK_FALSE(ran);
  CHECK(tracked::balanced());
}

TEST_CASE("task_group cancel: from outside it reaches the body and all children, and is thrown") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto h = spawn([&]() -> task<int> {
      auto body = [&](task_group& g) -> task<int> {
        g.spawn(hangs(never, log, 'a'));
        g.spawn(hangs(never, log, 'b'));
        co_await hangs(never, log, 'm');
        co_return 1;
      };
      const int n = co_await with_task_group(body);
      log += '?';
      co_return n;
    });
    while (never.waiting() < 3) co_await yield();
    h.cancel();
    CHECK(never.waiting() == 0);
    CHECK(log.empty());
    const char end = co_await end_of(std::move(h));
    CHECK(end == 'c');
  });
  CHECK(log.size() == 3);
}

TEST_CASE("task_group cancel: children that wait when the body has returned, too") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    auto h = spawn([&]() -> task<int> {
      auto body = [&](task_group& g) -> task<int> {
        g.spawn(hangs(never, log, 'a'));
        co_return 1;
      };
      co_return co_await with_task_group(body);
    });
    co_await turns(3);
    h.cancel();
    const char end = co_await end_of(std::move(h));
    CHECK(end == 'c');
  });
  CHECK(log == "a");
}

TEST_CASE("task_group cancel: a value in spite of it is kept, the next suspension throws") {
  bool had_value = false;
  drive([&]() -> task<> {
    gate never;
    auto h = spawn([&]() -> task<> {
      auto body = [&](task_group& g) -> task<int> {
        g.spawn(swallows(never));
        co_await swallows(never);
        co_return 5;
      };
      const int n = co_await with_task_group(body);
      had_value = n == 5;
      co_await yield();
      had_value = false;
    });
    while (never.waiting() < 2) co_await yield();
    h.cancel();
    const char end = co_await end_of(std::move(h));
    CHECK(end == 'c');
  });
  CHECK(had_value);
}

TEST_CASE("task_group cancel: a group that has ended in the same turn keeps its result") {
  bool had_value = false;
  drive([&]() -> task<> {
    gate g;
    auto h = spawn([&]() -> task<> {
      auto body = [&](task_group& group) -> task<int> {
        auto other = group.spawn(turns(100));
        other.cancel();
        co_await g.wait();
        co_return 5;
      };
      const int n = co_await with_task_group(body);
      had_value = n == 5;
      co_await yield();
      had_value = false;
    });
    while (g.waiting() == 0) co_await yield();
    co_await turns(3);
    g.open();
    // Runs after the body, before the one that awaits the group.
    spawn([&]() -> task<> {
      h.cancel();
      co_return;
    }).detach();
    while (!h.done()) co_await yield();
    const char end = co_await end_of(std::move(h));
    CHECK(end == 'c');
  });
  CHECK(had_value);
}

TEST_CASE("task_group cancel: a failure that came first stays a failure, and so does one after") {
  for (const bool failure_first : {true, false}) {
    drive([failure_first]() -> task<> {
      gate never;
      gate trigger;
      auto h = spawn([&]() -> task<> {
        co_await with_task_group([&](task_group& g) -> task<> {
          g.spawn(swallows(never));
          g.spawn([&]() -> task<> {
            if (!failure_first) co_await fails_when_cancelled(never);
            co_await trigger.wait();
            throw std::runtime_error("first");
          });
          co_return;
        });
      });
      co_await turns(4);
      if (failure_first) {
        trigger.open();
        spawn([&]() -> task<> {
          h.cancel();
          co_return;
        }).detach();
      } else {
        h.cancel();
      }
      while (!h.done()) co_await yield();
      const char end = co_await end_of(std::move(h));
      CHECK(end == 'e');
    });
  }
}

TEST_CASE("task_group cancel: cancel() ends body and children, and the group absorbs it") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    co_await with_task_group([&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, 'a'));
      g.spawn([&]() -> task<> {
        co_await turns(2);
        g.cancel();
        CHECK(g.is_cancelled());
      });
      co_await hangs(never, log, 'm');
      log += '?';
    });
    log += 'r';
    co_await yield();  // the surrounding scope is not cancelled
    log += 'y';
  });
  CHECK((log == "amry" || log == "mary"));
}

TEST_CASE("task_group cancel: after cancel() in the body it may still return its result") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    const int n = co_await with_task_group([&](task_group& g) -> task<int> {
      g.spawn(hangs(never, log, 'a'));
      co_await yield();
      g.cancel();
      g.cancel();
      co_return 4;
    });
    CHECK(n == 4);
  });
  CHECK(log == "a");
}

TEST_CASE("task_group cancel: a body with a result that cancel() has ended is task_cancelled") {
  drive([]() -> task<> {
    gate never;
    std::string text;
    try {
      co_await with_task_group([&](task_group& g) -> task<int> {
        g.spawn([&g]() -> task<> {
          g.cancel();
          co_return;
        });
        co_await never.wait();
        co_return 1;
      });
    } catch (const eddy::task_cancelled& error) {
      text = error.what();
    }
    CHECK(contains(text, "task_group::cancel"));
    co_await yield();
  });
}

TEST_CASE("task_group cancel: by a plain function, its body never runs") {
  tracked::reset();
  bool ran = false;
  drive([&]() -> task<> {
    auto body = [&](tracked) -> task<> {
      ran = true;
      co_return;
    };
    auto makes = [&](task_group& g) {
      g.cancel();
      return body(tracked(1));
    };
    co_await with_task_group(makes);
  });
  CHECK_FALSE(ran);
  CHECK(tracked::balanced());
}

TEST_CASE("task_group cancel: what is spawned while it winds down is born cancelled") {
  tracked::reset();
  bool ran = false;
  drive([&]() -> task<> {
    gate never;
    auto late = [&](tracked) -> task<> {
      ran = true;
      co_return;
    };
    auto body = [&](task_group& g) -> task<> {
      g.spawn([&]() -> task<> {
        try {
          co_await never.wait();
        } catch (const eddy::cancelled&) {
          g.spawn(late(tracked(1)));
          g.spawn(late, tracked(2));
          throw;
        }
      });
      co_await turns(3);
      g.cancel();
    };
    co_await with_task_group(body);
    CHECK(tracked::alive() == 0);
  });
  CHECK_FALSE(ran);
  CHECK(tracked::balanced());
}

TEST_CASE("task_group cancel: an outer cancellation comes before cancel()") {
  for (const bool own_first : {true, false}) {
    std::string log;
    drive([&]() -> task<> {
      gate never;
      task_group* group = nullptr;
      auto h = spawn([&]() -> task<> {
        co_await with_task_group([&](task_group& g) -> task<> {
          group = &g;
          g.spawn(hangs(never, log, 'a'));
          co_await never.wait();
        });
        log += '?';
      });
      while (never.waiting() < 2) co_await yield();
      if (own_first) group->cancel();
      h.cancel();
      group->cancel();
      const char end = co_await end_of(std::move(h));
      CHECK(end == 'c');
    });
    CHECK(log == "a");
  }
}

TEST_CASE("task_group cancel: a body that throws `cancelled` of its own accord ends the group") {
  std::string log;
  drive([&]() -> task<> {
    gate never;
    try {
      co_await with_task_group([&](task_group& g) -> task<> {
        g.spawn(hangs(never, log, 'a'));
        co_await yield();
        throw eddy::cancelled();
      });
    } catch (const eddy::cancelled&) {
      log += 'c';
    }
  });
  CHECK(log == "ac");
}

TEST_CASE("task_group cancel: around a timeout and inside one") {
  drive([]() -> task<> {
    gate never;
    std::string log;
    auto body = [&](task_group& g) -> task<> {
      g.spawn(hangs(never, log, 'a'));
      co_await never.wait();
    };
    auto grouped = [&]() -> task<> { co_await with_task_group(body); };
    bool timed_out = false;
    try {
      co_await with_timeout(1ms, grouped());
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(log == "a");
    // The child's timeout is a failure like any other.
    timed_out = false;
    try {
      co_await with_task_group([&](task_group& g) -> task<> {
        g.spawn([&]() -> task<> { co_await with_timeout(1ms, hangs(never, log, 'b')); });
        co_await hangs(never, log, 'm');
      });
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(log == "abm");
  });
}

TEST_CASE("task_group cancel: a child that swallows it is reported by name, and starves nobody") {
  std::vector<std::string> seen;
  auto body = [&]() -> task<> {
    co_await with_task_group([&](task_group& g) -> task<> {
      auto stubborn = [](int times) -> task<> {
        for (int i = 0; i < times; ++i) {
          try {
            co_await yield();
          } catch (const eddy::cancelled&) {
          }
        }
      };
      g.spawn("stubborn", stubborn, 3000);
      co_await turns(2);
      g.cancel();
    });
  };
  drive(body, run_options().on_error([&](std::exception_ptr error) {
    seen.push_back(message_of<std::logic_error>([&] { std::rethrow_exception(error); }));
  }));
  REQUIRE(seen.size() == 1);
  CHECK(contains(seen[0], "stubborn"));
}

TEST_CASE("task_group cancel: a hundred thousand nested groups do not overflow the stack") {
  drive([]() -> task<> {
    gate never;
    struct nest {
      static task<> in(task_group& g, int depth, gate& at) {
        if (depth == 0) {
          co_await at.wait();
          co_return;
        }
        g.spawn(down(depth - 1, at));
      }
      static task<> down(int depth, gate& at) {
        co_await with_task_group(&nest::in, depth, std::ref(at));
      }
    };
    for (const bool cancel : {true, false}) {
      auto h = spawn(nest::down(100'000, never));
      while (never.waiting() == 0) co_await yield();
      if (cancel) {
        h.cancel();
      } else {
        never.open();
      }
      const char end = co_await end_of(std::move(h));
      CHECK(end == (cancel ? 'c' : 'v'));
    }
  });
}

TEST_CASE("task_group cancel: the end of run ends the groups of detached tasks") {
  std::string log;
  drive([&]() -> task<> {
    auto loops = [&](char name) -> task<> {
      try {
        for (;;) co_await yield();
      } catch (const eddy::cancelled&) {
        log += name;
        throw;
      }
    };
    auto service = [&]() -> task<> {
      co_await with_task_group([&](task_group& g) -> task<> {
        g.spawn(loops('a'));
        co_await loops('b');
      });
    };
    spawn("service", service).detach();
    co_await turns(3);
    log += 'm';
  });
  CHECK((log == "mab" || log == "mba"));
}
