#include "../../net/http/stop_scope.hpp"

#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <stdexcept>

using eddy::task;
using eddy::http::stop_scope;

namespace {

// Counts its turns until it is ended.
task<> run_on(int& turns) {
  for (;;) {
    co_await eddy::yield();
    ++turns;
  }
}

task<> run_for(int count) {
  for (int i = 0; i < count; ++i) co_await eddy::yield();
}

task<> stop_after(stop_scope& scope, int count) {
  co_await run_for(count);
  scope.stop();
}

}  // namespace

TEST_CASE("a task that another one stops has ended when run returns") {
  const auto main = []() -> task<> {
    stop_scope scope;
    int turns = 0;
    eddy::join_handle<> stopper = eddy::spawn(stop_after(scope, 5));
    const bool finished = co_await scope.run(run_on(turns));
    CHECK_FALSE(finished);
    const int then = turns;
    CHECK(then >= 4);
    co_await run_for(3);
    CHECK(turns == then);
    co_await stopper;
  };
  eddy::run(main());
}

TEST_CASE("a stop that comes first lets nothing run, one that comes last changes nothing") {
  const auto main = []() -> task<> {
    stop_scope before;
    before.stop();
    int turns = 0;
    CHECK_FALSE(co_await before.run(run_on(turns)));
    CHECK(turns == 0);
    stop_scope after;
    CHECK(co_await after.run(run_for(2)));
    after.stop();
  };
  eddy::run(main());
}

TEST_CASE("what the task throws is thrown, and a cancellation from outside is one") {
  const auto main = []() -> task<> {
    const auto fail = []() -> task<> {
      co_await eddy::yield();
      throw std::out_of_range("failed");
    };
    stop_scope scope;
    CHECK_THROWS_AS(co_await scope.run(fail()), std::out_of_range);

    stop_scope both;
    int turns = 0;
    bool returned = false;
    const auto wait = [&]() -> task<> {
      co_await both.run(run_on(turns));
      returned = true;
    };
    eddy::join_handle<> waiting = eddy::spawn(wait());
    co_await run_for(3);
    both.stop();
    waiting.cancel();
    CHECK_THROWS_AS(co_await waiting, eddy::task_cancelled);
    CHECK_FALSE(returned);
    CHECK(turns > 0);
  };
  eddy::run(main());
}
