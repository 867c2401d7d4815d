#include <doctest/doctest.h>

#include <atomic>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::loop;
using eddy::loop_handle;
using eddy::run_options;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

// Posts numbers from several threads, each in order; checks that they arrive so.
void post_from_threads(int threads, int each) {
  std::vector<int> last(static_cast<std::size_t>(threads), -1);
  int delivered = 0;
  int disordered = 0;
  int foreign = 0;
  drive([&]() -> task<> {
    gate all;
    const loop_handle home = loop::current().handle();
    const auto here = std::this_thread::get_id();
    std::vector<std::thread> posters;
    for (int t = 0; t < threads; ++t) {
      posters.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          home.post([&, t, i] {
            int& before = last[static_cast<std::size_t>(t)];
            if (before != i - 1) ++disordered;
            if (std::this_thread::get_id() != here) ++foreign;
            before = i;
            if (++delivered == threads * each) all.open();
          });
        }
      });
    }
    co_await all.wait();
    for (std::thread& t : posters) t.join();
  });
  CHECK(delivered == threads * each);
  CHECK(disordered == 0);
  CHECK(foreign == 0);
}

}  // namespace

TEST_CASE("post: functions of many threads run on the loop's, each thread's in order") {
  post_from_threads(4, 2'000);
}

TEST_CASE("post: a hundred thousand") { post_from_threads(2, 50'000); }

TEST_CASE("post: a loop that sleeps is woken") {
  drive([]() -> task<> {
    for (int i = 0; i < 50; ++i) {
      gate g;
      std::thread poster([&g, home = loop::current().handle()] { home.post([&g] { g.open(); }); });
      co_await g.wait();
      poster.join();
    }
  });
}

TEST_CASE("post: from the loop itself, it runs in a later turn and not inside the call") {
  std::string log;
  drive([&]() -> task<> {
    gate done;
    loop& here = loop::current();
    here.post([&] {
      log += 'a';
      here.post([&] {
        log += 'c';
        done.open();
      });
      log += 'b';
    });
    log += 'm';
    co_await done.wait();
  });
  CHECK(log == "mabc");
}

TEST_CASE("post: what a function spawns is nobody's child") {
  std::string log;
  drive([&]() -> task<> {
    gate started;
    loop::current().post([&] {
      spawn([&]() -> task<> {
        started.open();
        try {
          for (;;) co_await yield();
        } catch (const eddy::cancelled&) {
          log += 'c';
          throw;
        }
      }).detach();
    });
    co_await started.wait();
    log += 'm';
  });
  CHECK(log == "mc");
}

TEST_CASE("post: what a function throws reaches on_error, and leaves run by default") {
  std::vector<std::string> seen;
  auto body = [&]() -> task<> {
    gate done;
    loop& here = loop::current();
    here.post([] { throw std::runtime_error("one"); });
    here.post([] { throw std::runtime_error("two"); });
    here.post([&] { done.open(); });
    co_await done.wait();
  };
  drive(body, run_options().on_error([&](std::exception_ptr error) {
    seen.push_back(message_of<std::runtime_error>([&] { std::rethrow_exception(error); }));
  }));
  CHECK(seen == std::vector<std::string>{"one", "two"});

  bool main_cancelled = false;
  auto waits = [&]() -> task<> {
    loop::current().post([] { throw std::runtime_error("unhandled"); });
    try {
      for (;;) co_await yield();
    } catch (const eddy::cancelled&) {
      main_cancelled = true;
      throw;
    }
  };
  CHECK(message_of<std::runtime_error>([&] { drive(waits); }) == "unhandled");
  CHECK(main_cancelled);
}

TEST_CASE("post: after the loop's end it says false and destroys the function") {
  tracked::reset();
  loop_handle kept;
  CHECK_FALSE(kept.post([] {}));
  drive([&]() -> task<> {
    kept = loop::current().handle();
    CHECK(kept.post([] {}));
    co_return;
  });
  bool ran = false;
  CHECK_FALSE(kept.post([&ran, t = tracked(1)] { ran = t.get() == 1; }));
  CHECK(tracked::balanced());
  const loop_handle copy = kept;
  loop_handle assigned;
  assigned = copy;
  assigned = *&assigned;
  CHECK_FALSE(assigned.post([&] { ran = true; }));
  drive([&]() -> task<> {
    CHECK_FALSE(copy.post([&] { ran = true; }));  // another loop, at the same place perhaps
    co_await turns(2);
  });
  CHECK_FALSE(ran);
}

TEST_CASE("post: an accepted function runs, however late; a task that it starts then does not") {
  tracked::reset();
  int late = 0;
  int expected = 2;
  bool body_ran = false;
  drive([&]() -> task<> {
    loop& here = loop::current();
    here.post([&late, &expected, &body_ran, &here, t = tracked(2)] {
      late += t.get();
      if (here.post([&late] { ++late; })) ++expected;
      auto body = [&body_ran](tracked) -> task<> {
        body_ran = true;
        co_return;
      };
      auto h = spawn(body(tracked(3)));
      h.detach();
    });
    co_return;  // before the mail is looked at
  });
  CHECK(late == expected);
  CHECK_FALSE(body_ran);
  CHECK(tracked::balanced());
}

TEST_CASE("post: threads that post while the loop ends: what was accepted has run") {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> ran = 0;
    std::atomic<int> accepted = 0;
    std::latch begun(2);
    std::vector<std::thread> posters;
    drive([&]() -> task<> {
      const loop_handle home = loop::current().handle();
      for (int t = 0; t < 2; ++t) {
        posters.emplace_back([&, home] {
          begun.count_down();
          while (home.post([&ran] { ++ran; })) ++accepted;
        });
      }
      begun.wait();
      co_await turns(round);
    });
    for (std::thread& t : posters) t.join();
    CHECK(ran == accepted);
  }
}

TEST_CASE("post: the loop of a thread is found on it, and nowhere else") {
  CHECK(contains(message_of<std::logic_error>([] { loop::current(); }), "no loop"));
  drive([]() -> task<> {
    loop* here = &loop::current();
    co_await yield();
    CHECK(here == &loop::current());
    std::string elsewhere;
    std::thread other([&] { elsewhere = message_of<std::logic_error>([] { loop::current(); }); });
    other.join();
    CHECK(contains(elsewhere, "no loop"));
  });
}
