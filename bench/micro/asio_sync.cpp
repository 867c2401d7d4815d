// What Asio has in the place of semaphores and queues: experimental::channel.
#include <asio.hpp>
#include <asio/experimental/channel.hpp>

#include "asio_run.hpp"
#include "checks.hpp"
#include "measuring.hpp"
#include "workloads.hpp"

namespace {

using asio::awaitable;
using asio::use_awaitable;

// A channel full of permits: to receive is to acquire, to send is to release.
class channel_semaphore {
 public:
  channel_semaphore(const asio::any_io_executor& executor, int permits)
      : free_(executor, static_cast<std::size_t>(permits)) {
    for (int i = 0; i < permits; ++i) tell(free_);
  }
  auto acquire() { return free_.async_receive(use_awaitable); }
  bool release() { return tell(free_); }
  bool ready() const { return free_.ready(); }

 private:
  asio_signal free_;
};

awaitable<void> uncontended(benchmark::State& state) {
  channel_semaphore slots(co_await asio::this_coro::executor, 1);
  bool always_taken = true;
  measuring counted(state);
  for (auto _ : state) {
    co_await slots.acquire();
    benchmark::ClobberMemory();
    always_taken &= !slots.ready();
    always_taken &= slots.release();
    benchmark::ClobberMemory();
  }
  counted.stop(iterations_of(state));
  check(state, always_taken && slots.ready());
}
void uncontended_asio(benchmark::State& state) { asio_run(uncontended(state)); }
BENCHMARK(uncontended_asio)->Name("semaphore_uncontended/asio");

awaitable<void> contend(channel_semaphore& slots, holders& inside) {
  const auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < acquisitions_each; ++i) {
    co_await slots.acquire();
    inside.enter();
    co_await asio::post(executor, use_awaitable);
    inside.leave();
    slots.release();
  }
}

awaitable<void> contended(benchmark::State& state) {
  const auto executor = co_await asio::this_coro::executor;
  channel_semaphore slots(executor, contended_permits);
  asio_signal ended(executor, 1);
  holders inside;
  measuring counted(state);
  for (auto _ : state) {
    int left = contenders;
    for (int i = 0; i < contenders; ++i) {
      asio::co_spawn(executor, contend(slots, inside), [&](std::exception_ptr error) {
        check(state, !error);
        if (--left == 0) tell(ended);
      });
    }
    co_await ended.async_receive(use_awaitable);
  }
  const std::int64_t acquisitions = iterations_of(state) * acquisitions_a_round;
  counted.stop(acquisitions);
  state.SetItemsProcessed(acquisitions);
  check(state, inside.now == 0 && inside.most == contended_permits);
}
void contended_asio(benchmark::State& state) { asio_run(contended(state)); }
BENCHMARK(contended_asio)->Name("semaphore_contended/asio");

using item_channel = asio::experimental::channel<void(std::error_code, int)>;

awaitable<void> produce(item_channel& q) {
  for (int i = 0; i < items_a_round; ++i) {
    co_await q.async_send(std::error_code(), i, use_awaitable);
  }
}

awaitable<std::int64_t> consume(item_channel& q) {
  std::int64_t sum = 0;
  for (int i = 0; i < items_a_round; ++i) {
    const int item = co_await q.async_receive(use_awaitable);
    sum += item;
  }
  co_return sum;
}

awaitable<void> queue(benchmark::State& state, std::size_t capacity) {
  const auto executor = co_await asio::this_coro::executor;
  item_channel q(executor, capacity);
  measuring counted(state);
  for (auto _ : state) {
    asio::co_spawn(executor, produce(q), asio::detached);
    const std::int64_t sum = co_await asio::co_spawn(executor, consume(q), use_awaitable);
    check(state, sum == sum_of_round);
  }
  const std::int64_t items = iterations_of(state) * items_a_round;
  counted.stop(items);
  state.SetItemsProcessed(items);
}
template <std::size_t capacity>
void queue_asio(benchmark::State& state) {
  asio_run(queue(state, capacity));
}
BENCHMARK(queue_asio<1>)->Name("queue_cap1/asio");
BENCHMARK(queue_asio<1024>)->Name("queue_cap1024/asio");

}  // namespace
