// What a loader does to the task that asks, while it is a plain function and no coroutine yet.
#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/sync/async_cache.hpp>
#include <eddy/sync/event.hpp>

using eddy::async_cache;
using eddy::join_handle;
using eddy::spawn;
using eddy::task;

namespace {

task<int> wait_for(eddy::event& go) {
  co_await go.wait();
  co_return 1;
}

task<> ask(async_cache<int, int>& cache) {
  const int value = co_await cache.get(1);
  CHECK(value == 1);
}

}  // namespace

TEST_CASE("async_cache: a loader that cancels who asks cancels the wait that begins then") {
  auto body = []() -> task<> {
    eddy::event never;
    join_handle<> asks;
    async_cache<int, int> cache(
        [&](int) {
          asks.cancel();
          return wait_for(never);
        },
        10);
    asks = spawn(ask(cache));
    bool cancelled = false;
    try {
      co_await asks;
    } catch (const eddy::task_cancelled&) {
      cancelled = true;
    }
    CHECK(cancelled);
    CHECK(cache.statistics().waiting == 0);
    CHECK(cache.statistics().loading == 0);
    CHECK(cache.size() == 0);
  };
  eddy::run(body());
}
