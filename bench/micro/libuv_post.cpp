// libuv: functions handed to the thread of a loop by uv_async_t, and calls on its thread pool.
#include <uv.h>

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "checks.hpp"
#include "measuring.hpp"
#include "posting.hpp"

namespace {

// uv_async_send carries nothing and several may become one call, so that what is posted stands in a
// queue beside it, as in any program on libuv.
class uv_side {
 public:
  uv_side() {
    uv_loop_init(&loop_);
    async_.data = this;
    uv_async_init(&loop_, &async_,
                  [](uv_async_t* a) { static_cast<uv_side*>(a->data)->run_all(); });
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  uv_side(const uv_side&) = delete;
  uv_side& operator=(const uv_side&) = delete;
  ~uv_side() {
    post([this] { uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr); });
    thread_.join();
    uv_loop_close(&loop_);
  }
  void post(std::function<void()> fn) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(fn));
    }
    uv_async_send(&async_);
  }

 private:
  void run_all() {
    {
      const std::lock_guard lock(mutex_);
      running_.swap(waiting_);
    }
    for (auto& fn : running_) fn();
    running_.clear();
  }

  uv_loop_t loop_{};
  uv_async_t async_{};
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
  std::vector<std::function<void()>> running_;
  std::thread thread_;
};

void round_trip_libuv(benchmark::State& state) { post_round_trips<uv_side>(state); }
BENCHMARK(round_trip_libuv)->Name("cross_thread_post/libuv")->UseRealTime();

void throughput_libuv(benchmark::State& state) { post_many<uv_side>(state); }
BENCHMARK(throughput_libuv)->Name("cross_thread_post_1000/libuv")->UseRealTime();

struct work {
  uv_work_t request{};
  std::int64_t in = 0;
  std::int64_t out = 0;
};

void offload_libuv(benchmark::State& state) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  work one;
  one.request.data = &one;
  std::int64_t sum = 0;
  std::int64_t i = 0;
  measuring m(state);
  for (auto _ : state) {
    one.in = i++;
    uv_queue_work(
        &loop, &one.request,
        [](uv_work_t* r) {
          auto* const w = static_cast<work*>(r->data);
          w->out = 2 * w->in;
        },
        [](uv_work_t*, int) {});
    uv_run(&loop, UV_RUN_DEFAULT);  // until the work's end has been told
    sum += one.out;
  }
  m.stop(iterations_of(state));
  uv_loop_close(&loop);
  const std::int64_t n = iterations_of(state);
  check(state, sum == n * (n - 1));
}
BENCHMARK(offload_libuv)->Name("offload/libuv")->UseRealTime();

}  // namespace
