// Asio: functions posted to the thread of a context.
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <thread>

#include "checks.hpp"
#include "measuring.hpp"
#include "posting.hpp"

namespace {

class asio_side {
 public:
  asio_side() : thread_([this] { context_.run(); }) {}
  asio_side(const asio_side&) = delete;
  asio_side& operator=(const asio_side&) = delete;
  ~asio_side() {
    guard_.reset();
    thread_.join();
  }
  template <class F>
  void post(F fn) {
    asio::post(context_, std::move(fn));
  }

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_ =
      asio::make_work_guard(context_);
  std::thread thread_;
};

void round_trip_asio(benchmark::State& state) { post_round_trips<asio_side>(state); }
BENCHMARK(round_trip_asio)->Name("cross_thread_post/asio")->UseRealTime();

void throughput_asio(benchmark::State& state) { post_many<asio_side>(state); }
BENCHMARK(throughput_asio)->Name("cross_thread_post_1000/asio")->UseRealTime();

}  // namespace
