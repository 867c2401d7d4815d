// Two tasks let each other run: an item is one way through the ready queue. That each finds the
// other one step further shows that nobody went on without leaving.
#include <condition_variable>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <mutex>
#include <thread>

#include "checks.hpp"
#include "floor.hpp"
#include "measuring.hpp"

namespace {

struct turns {
  std::int64_t taken = 0;
  bool over = false;
};

void finish(benchmark::State& state, measuring& counted, const turns& partner) {
  const std::int64_t own = iterations_of(state);
  counted.stop(2 * own);
  state.SetItemsProcessed(2 * own);
  check(state, partner.taken == own || partner.taken == own + 1);
}

eddy::task<> partner_of(turns& mine) {
  while (!mine.over) {
    ++mine.taken;
    co_await eddy::yield();
  }
}

void yield_eddy(benchmark::State& state) {
  eddy::run([](benchmark::State& s) -> eddy::task<> {
    turns partner;
    auto handle = eddy::spawn(partner_of(partner));
    measuring counted(s);
    for (auto _ : s) co_await eddy::yield();
    finish(s, counted, partner);
    partner.over = true;
    co_await handle;
  }(state));
}
BENCHMARK(yield_eddy)->Name("yield/eddy");

bare::task bare_partner_of(turns& mine) {
  while (!mine.over) {
    ++mine.taken;
    co_await bare::yield();
  }
  co_return 0;
}

bare::task bare_yield(benchmark::State& state) {
  turns partner;
  bare::task other = bare_partner_of(partner);
  other.spawn();
  measuring counted(state);
  for (auto _ : state) co_await bare::yield();
  finish(state, counted, partner);
  partner.over = true;
  co_await other.join();
  co_return 0;
}
void yield_floor(benchmark::State& state) { bare::run(bare_yield(state)); }
BENCHMARK(yield_floor)->Name("yield/floor");

// std::this_thread::yield does not say that another runs; handing over the turn does.
class baton {
 public:
  void hand_over(bool to_partner) {
    std::unique_lock lock(mutex_);
    with_partner_ = to_partner;
    turned_.notify_one();
    turned_.wait(lock, [&] { return over_ || with_partner_ != to_partner; });
  }
  void wait_as_partner() {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return over_ || with_partner_; });
  }
  void end() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    turned_.notify_one();
  }
  bool over() {
    const std::lock_guard lock(mutex_);
    return over_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable turned_;
  bool with_partner_ = false;
  bool over_ = false;
};

void yield_threads(benchmark::State& state) {
  baton turn;
  turns partner;
  std::thread other([&] {
    turn.wait_as_partner();
    while (!turn.over()) {
      ++partner.taken;
      turn.hand_over(false);
    }
  });
  measuring counted(state);
  for (auto _ : state) turn.hand_over(true);
  turn.end();
  other.join();
  finish(state, counted, partner);
}
BENCHMARK(yield_threads)->Name("yield/threads")->UseRealTime();

}  // namespace
