// Small tasks on a queue, for its tests.
#pragma once

#include <eddy/runtime/task.hpp>
#include <eddy/sync/queue.hpp>
#include <vector>

namespace sync_test {

inline eddy::task<int> get_one(eddy::queue<int>& q) { co_return co_await q.get(); }

inline eddy::task<> put_one(eddy::queue<int>& q, int item) { co_await q.put(item); }

inline eddy::task<> get_into(eddy::queue<int>& q, std::vector<int>& items) {
  const int item = co_await q.get();
  items.push_back(item);
}

inline eddy::task<> join_and_say(eddy::queue<int>& q, int name, std::vector<int>& order) {
  co_await q.join();
  order.push_back(name);
}

// Everything that is in the queue.
template <class Queue>
std::vector<int> drained(Queue& q) {
  std::vector<int> items;
  while (auto item = q.try_get()) items.push_back(*item);
  return items;
}

}  // namespace sync_test
