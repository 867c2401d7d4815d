// Every header of runtime and sync in one source: two of them must not give one name to two things.
#include <doctest/doctest.h>

#include <eddy/runtime/as_completed.hpp>
#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/command.hpp>
#include <eddy/runtime/core.hpp>
#include <eddy/runtime/deadline.hpp>
#include <eddy/runtime/descriptor.hpp>
#include <eddy/runtime/feed.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/finally.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/gather_window.hpp>
#include <eddy/runtime/generator.hpp>
#include <eddy/runtime/generator_operators.hpp>
#include <eddy/runtime/job.hpp>
#include <eddy/runtime/lease.hpp>
#include <eddy/runtime/limited_scope.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/loop_handle.hpp>
#include <eddy/runtime/map_concurrent.hpp>
#include <eddy/runtime/merge.hpp>
#include <eddy/runtime/nested_scope.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/operation.hpp>
#include <eddy/runtime/process.hpp>
#include <eddy/runtime/race.hpp>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/run_options.hpp>
#include <eddy/runtime/shield.hpp>
#include <eddy/runtime/siblings.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_files.hpp>
#include <eddy/runtime/sim_network.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/stream.hpp>
#include <eddy/runtime/task.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/async_cache.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/cache_entry.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/channel_ends.hpp>
#include <eddy/sync/condition.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/item_heap.hpp>
#include <eddy/sync/item_memory.hpp>
#include <eddy/sync/item_ring.hpp>
#include <eddy/sync/limiter.hpp>
#include <eddy/sync/line.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/permits.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/queue_base.hpp>
#include <eddy/sync/queue_waits.hpp>
#include <eddy/sync/rw_lock.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/sync/timed.hpp>

TEST_CASE("headers: all of them can be included together") {
  auto body = []() -> eddy::task<int> { co_return 1; };
  CHECK(eddy::run(body()) == 1);
}
