// Small tasks that the sync tests are made of.
#pragma once

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>

namespace sync_test {

// Lets everything that is ready run, and what that makes ready, a few times over.
inline eddy::task<> let_others_run() {
  for (int i = 0; i < 4; ++i) co_await eddy::yield();
}

// In a task that is cancelled meanwhile: the scope stays cancelled, the code goes on.
inline eddy::task<> swallow_cancellation() {
  try {
    co_await eddy::sleep(std::chrono::hours(1));
  } catch (const eddy::cancelled&) {
  }
}

// True if it ended by cancellation. Any other exception leaves this.
template <class T>
eddy::task<bool> was_cancelled(eddy::join_handle<T>& task) {
  bool result = false;
  try {
    co_await task;
  } catch (const eddy::task_cancelled&) {
    result = true;
  }
  co_return result;
}

}  // namespace sync_test
