// channel<T> between threads and loops, beside a hand-written queue of a mutex and two condition
// variables between two threads.
#include <eddy/runtime/run.hpp>
#include <eddy/sync/channel.hpp>
#include <string>
#include <thread>
#include <vector>

#include "blocking_queue.hpp"
#include "checks.hpp"
#include "measuring.hpp"

namespace {

constexpr std::size_t batch_size = 100;

using channel = eddy::channel<int>;

// What stands at the two ends. Each sends the numbers below `count`, or returns their sum.
struct mutex_condvar {
  using queue = blocking_queue;
  static void send(queue& q, int count) {
    for (int i = 0; i < count; ++i) q.put(i);
  }
  static void send_batches(queue& q, int count) {
    std::vector<int> batch;
    for (int i = 0; i < count;) {
      batch.clear();
      while (batch.size() < batch_size && i < count) batch.push_back(i++);
      q.put_many(batch);
    }
  }
  static std::int64_t receive(queue& q, int count) {
    std::int64_t sum = 0;
    for (int i = 0; i < count; ++i) sum += q.get();
    return sum;
  }
  static std::int64_t receive_batches(queue& q, int count) {
    std::vector<int> batch(batch_size);
    std::int64_t sum = 0;
    for (int left = count; left > 0;) {
      const std::size_t got = q.get_many(batch);
      for (std::size_t i = 0; i < got; ++i) sum += batch[i];
      left -= static_cast<int>(got);
    }
    return sum;
  }
};

struct blocking_ends {
  using queue = channel;
  static void send(queue& q, int count) {
    for (int i = 0; i < count; ++i) q.send_blocking(i);
  }
  static void send_batches(queue& q, int count) {
    std::vector<int> batch;
    for (int i = 0; i < count;) {
      batch.clear();
      while (batch.size() < batch_size && i < count) batch.push_back(i++);
      (void)q.send_many_blocking(batch);
    }
  }
  static std::int64_t receive(queue& q, int count) {
    std::int64_t sum = 0;
    for (int i = 0; i < count; ++i) sum += *q.receive_blocking();
    return sum;
  }
  static std::int64_t receive_batches(queue& q, int count) {
    std::vector<int> batch(batch_size);
    std::int64_t sum = 0;
    for (int left = count; left > 0;) {
      const std::size_t got = q.receive_many_blocking(batch);
      for (std::size_t i = 0; i < got; ++i) sum += batch[i];
      left -= static_cast<int>(got);
    }
    return sum;
  }
};

eddy::task<> send_all(channel q, int count) {
  for (int i = 0; i < count; ++i) co_await q.send(i);
}

eddy::task<> send_all_batches(channel q, int count) {
  std::vector<int> batch;
  for (int i = 0; i < count;) {
    batch.clear();
    while (batch.size() < batch_size && i < count) batch.push_back(i++);
    (void)co_await q.send_many(batch);
  }
}

eddy::task<std::int64_t> receive_all(channel q, int count) {
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const auto item = co_await q.receive();
    sum += *item;
  }
  co_return sum;
}

eddy::task<std::int64_t> receive_all_batches(channel q, int count) {
  std::vector<int> batch(batch_size);
  std::int64_t sum = 0;
  for (int left = count; left > 0;) {
    const std::size_t got = co_await q.receive_many(batch);
    for (std::size_t i = 0; i < got; ++i) sum += batch[i];
    left -= static_cast<int>(got);
  }
  co_return sum;
}

struct loop_ends {
  using queue = channel;
  static void send(queue& q, int count) { eddy::run(send_all(q, count)); }
  static void send_batches(queue& q, int count) { eddy::run(send_all_batches(q, count)); }
  static std::int64_t receive(queue& q, int count) { return eddy::run(receive_all(q, count)); }
  static std::int64_t receive_batches(queue& q, int count) {
    return eddy::run(receive_all_batches(q, count));
  }
};

// Large enough that starting the thread and the loops, some 50 us, is little of a round.
constexpr int items_a_round = 20'000;

template <class Sender, class Receiver, bool batches, std::size_t capacity>
void through(benchmark::State& state) {
  typename Sender::queue q(capacity);
  measuring m(state);
  for (auto _ : state) {
    std::thread sender([&q] {
      if (batches) {
        Sender::send_batches(q, items_a_round);
      } else {
        Sender::send(q, items_a_round);
      }
    });
    const std::int64_t sum = batches ? Receiver::receive_batches(q, items_a_round)
                                     : Receiver::receive(q, items_a_round);
    sender.join();
    check(state, sum == std::int64_t{items_a_round} * (items_a_round - 1) / 2);
  }
  m.stop(iterations_of(state) * items_a_round);
  state.SetItemsProcessed(iterations_of(state) * items_a_round);
}

// `eddy` is what a program of two loops has; the others are of a loop and a thread, and of two
// threads.
template <bool batches, std::size_t capacity>
void measure(const std::string& name) {
  const auto add = [&](const char* who, void (*what)(benchmark::State&)) {
    benchmark::RegisterBenchmark((name + who).c_str(), what)->UseRealTime();
  };
  add("/eddy", through<loop_ends, loop_ends, batches, capacity>);
  add("/eddy-thread-to-loop", through<blocking_ends, loop_ends, batches, capacity>);
  add("/eddy-loop-to-thread", through<loop_ends, blocking_ends, batches, capacity>);
  add("/eddy-thread-to-thread", through<blocking_ends, blocking_ends, batches, capacity>);
  add("/threads", through<mutex_condvar, mutex_condvar, batches, capacity>);
}

const bool registered = [] {
  measure<false, 1>("channel_cap1");
  measure<false, 1024>("channel_cap1024");
  measure<true, 1>("channel_batch_cap1");
  measure<true, 1024>("channel_batch_cap1024");
  return true;
}();

}  // namespace
