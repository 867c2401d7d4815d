// Functions handed from one thread to another that runs a loop: there and back, and many in a row.
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>

#include <atomic>
#include <future>
#include <semaphore>
#include <thread>

#include "checks.hpp"
#include "measuring.hpp"
#include "posting.hpp"
#include "work_queue.hpp"

namespace {

// A thread whose loop runs until this object goes.
class eddy_side {
 public:
  eddy_side() : thread_([this] { eddy::run(serve()); }), loop_(started_.get_future().get()) {}
  eddy_side(const eddy_side&) = delete;
  eddy_side& operator=(const eddy_side&) = delete;
  ~eddy_side() {
    loop_.post([this] { ended_->set(); });
    thread_.join();
  }
  template <class F>
  void post(F fn) {
    loop_.post(std::move(fn));
  }

 private:
  eddy::task<> serve() {
    eddy::event ended;
    ended_ = &ended;
    started_.set_value(eddy::loop::current().handle());
    co_await ended.wait();
  }

  std::promise<eddy::loop_handle> started_;
  eddy::event* ended_ = nullptr;
  std::thread thread_;
  eddy::loop_handle loop_;
};

// A queue of functions with a mutex and a condition variable, and a thread that empties it.
class thread_side {
 public:
  thread_side() : thread_([this] { work_.run(); }) {}
  thread_side(const thread_side&) = delete;
  thread_side& operator=(const thread_side&) = delete;
  ~thread_side() {
    work_.stop();
    thread_.join();
  }
  template <class F>
  void post(F fn) {
    work_.push(std::move(fn));
  }

 private:
  work_queue work_;
  std::thread thread_;
};

// Nothing but the kernel's wake-ups: two semaphores, nothing is handed over.
void round_trip_floor(benchmark::State& state) {
  std::binary_semaphore there(0);
  std::binary_semaphore back(0);
  std::atomic<bool> ended = false;
  std::int64_t answered = 0;
  std::thread other([&] {
    for (there.acquire(); !ended; there.acquire()) {
      ++answered;
      back.release();
    }
  });
  measuring m(state);
  for (auto _ : state) {
    there.release();
    back.acquire();
  }
  m.stop(iterations_of(state));
  ended = true;
  there.release();
  other.join();
  check(state, answered == iterations_of(state));
}
BENCHMARK(round_trip_floor)->Name("cross_thread_post/floor")->UseRealTime();

void round_trip_eddy(benchmark::State& state) { post_round_trips<eddy_side>(state); }
BENCHMARK(round_trip_eddy)->Name("cross_thread_post/eddy")->UseRealTime();

void round_trip_threads(benchmark::State& state) { post_round_trips<thread_side>(state); }
BENCHMARK(round_trip_threads)->Name("cross_thread_post/threads")->UseRealTime();

void throughput_eddy(benchmark::State& state) { post_many<eddy_side>(state); }
BENCHMARK(throughput_eddy)->Name("cross_thread_post_1000/eddy")->UseRealTime();

void throughput_threads(benchmark::State& state) { post_many<thread_side>(state); }
BENCHMARK(throughput_threads)->Name("cross_thread_post_1000/threads")->UseRealTime();

}  // namespace
