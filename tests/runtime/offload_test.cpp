#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::gather;
using eddy::offload;
using eddy::run_options;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using namespace std::chrono_literals;

namespace {

int add(int a, int b) { return a + b; }
void touch(std::atomic<int>& n) { ++n; }

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

// A call that tells the loop that it has started, and then blocks its thread until it is released.
class blocker {
 public:
  explicit blocker(const eddy::loop_handle& home) : home_(home) {}
  int run() {
    home_.post([this] { started.open(); });
    released_.wait();
    return 17;
  }
  void release() { released_.count_down(); }
  gate started;

 private:
  eddy::loop_handle home_;
  std::latch released_{1};
};

// Notes the threads that destroy it.
class mourned {
 public:
  mourned(std::thread::id home, std::atomic<int>& strays) : home_(home), strays_(&strays) {}
  mourned(const mourned&) = default;
  ~mourned() {
    if (std::this_thread::get_id() != home_) ++*strays_;
  }

 private:
  std::thread::id home_;
  std::atomic<int>* strays_;
};

}  // namespace

TEST_CASE("offload: results of every kind, from another thread") {
  drive([]() -> task<> {
    const int sum = co_await offload(add, 2, 3);
    CHECK(sum == 5);
    const auto here = std::this_thread::get_id();
    const auto there = co_await offload([] { return std::this_thread::get_id(); });
    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);

    std::atomic<int> touched = 0;
    co_await offload(touch, std::ref(touched));
    CHECK(touched == 1);

    auto consume = [](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); };
    const std::unique_ptr<int> box = co_await offload(consume, std::make_unique<int>(8));
    REQUIRE(box);
    CHECK(*box == 9);

    int variable = 1;
    auto reference = [](int* p) -> int& { return *p; };
    int& alias = co_await offload(reference, &variable);
    CHECK(&alias == &variable);

    const std::string word = "kept";
    auto named = [word] { return word + "!"; };
    const std::string text = co_await offload(named);
    CHECK(text == "kept!");
  });
}

TEST_CASE("offload: an exception of the call reaches the awaiter") {
  drive([]() -> task<> {
    auto fails = [](int n) -> int { throw std::out_of_range("at " + std::to_string(n)); };
    std::string text;
    try {
      co_await offload(fails, 4);
    } catch (const std::out_of_range& error) {
      text = error.what();
    }
    CHECK(text == "at 4");
    auto fails_without_result = [] { throw std::runtime_error("void"); };
    try {
      co_await offload(fails_without_result);
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "void");
  });
}

TEST_CASE("offload: the loop goes on meanwhile") {
  drive([]() -> task<> {
    blocker b(eddy::loop::current().handle());
    auto call = spawn([&]() -> task<int> { co_return co_await offload(&blocker::run, &b); });
    co_await b.started.wait();
    co_await eddy::sleep(1ms);
    CHECK_FALSE(call.done());
    b.release();
    const int n = co_await call;
    CHECK(n == 17);
  });
}

TEST_CASE("offload: arguments are copied or moved in, and destroyed on the loop's thread") {
  tracked::reset();
  std::atomic<int> strays = 0;
  drive([&]() -> task<> {
    const mourned argument(std::this_thread::get_id(), strays);
    const tracked value(3);
    auto read = [argument](const mourned&, const tracked& t) { return t.get(); };
    for (int i = 0; i < 50; ++i) {
      const int n = co_await offload(read, argument, value);
      CHECK(n == 3);
    }
    auto make = [](tracked t) { return tracked(t.get() + 1); };
    const tracked made = co_await offload(make, tracked(4));
    CHECK(made.get() == 5);
    co_await offload(make, tracked(4));  // the result is dropped
  });
  CHECK(strays == 0);
  CHECK(tracked::balanced());
}

TEST_CASE("offload: a call that has not started is withdrawn when it is cancelled") {
  std::atomic<int> ran = 0;
  auto body = [&]() -> task<> {
    blocker b(eddy::loop::current().handle());
    auto first = spawn([&]() -> task<int> { co_return co_await offload(&blocker::run, &b); });
    co_await b.started.wait();
    std::vector<eddy::join_handle<>> queued;
    for (int i = 0; i < 5; ++i) {
      queued.push_back(spawn([&]() -> task<> { co_await offload(touch, std::ref(ran)); }));
    }
    co_await turns(2);
    for (const std::size_t i : {2U, 4U, 0U}) {  // the middle, the end and the head of the queue
      queued[i].cancel();
      bool told = false;
      try {
        co_await queued[i];
      } catch (const eddy::task_cancelled&) {
        told = true;
      }
      CHECK(told);
    }
    CHECK_FALSE(first.done());
    b.release();
    const int n = co_await first;
    CHECK(n == 17);
    co_await queued[1];
    co_await queued[3];
    CHECK(ran == 2);
  };
  drive(body, run_options().offload_threads(1));
}

TEST_CASE("offload: a call that has started is awaited, and its result kept") {
  std::string log;
  drive([&]() -> task<> {
    blocker b(eddy::loop::current().handle());
    auto call = spawn([&]() -> task<int> {
      const int n = co_await offload(&blocker::run, &b);
      log += 'r';
      try {
        co_await yield();
      } catch (const eddy::cancelled&) {
        log += 'c';  // the cancellation is still pending
      }
      co_return n;
    });
    co_await b.started.wait();
    call.cancel();
    co_await turns(300);
    CHECK_FALSE(call.done());
    b.release();
    const int n = co_await call;
    CHECK(n == 17);
  });
  CHECK(log == "rc");
}

TEST_CASE("offload: what was started is awaited before run returns") {
  std::atomic<bool> ended = false;
  drive([&]() -> task<> {
    auto call = [](const eddy::loop_handle& home, gate* started, std::atomic<bool>* done) {
      home.post([started] { started->open(); });
      std::this_thread::yield();
      done->store(true);
    };
    static gate started;  // outlives the body: the detached task is still there
    auto body = [&ended, call]() -> task<> {
      co_await offload(call, eddy::loop::current().handle(), &started, &ended);
    };
    spawn(std::move(body)).detach();
    co_await started.wait();
  });
  CHECK(ended);
}

TEST_CASE("offload: as many threads as the options say when there is work, and never more") {
  constexpr std::size_t most = 3;
  auto body = [&]() -> task<> {
    std::vector<std::unique_ptr<blocker>> blockers;
    std::vector<eddy::join_handle<int>> calls;
    for (std::size_t i = 0; i < 2 * most; ++i) {
      blockers.push_back(std::make_unique<blocker>(eddy::loop::current().handle()));
      calls.push_back(
          spawn([](blocker* b) -> task<int> { co_return co_await offload(&blocker::run, b); },
                blockers.back().get()));
    }
    for (std::size_t i = 0; i < most; ++i) co_await blockers[i]->started.wait();
    co_await eddy::sleep(3ms);  // time for a thread that must not be there
    int started = 0;
    for (auto& b : blockers) started += b->started.is_open() ? 1 : 0;
    CHECK(started == most);
    for (auto& b : blockers) b->release();
    for (auto& c : calls) {
      const int n = co_await c;
      CHECK(n == 17);
    }
  };
  drive(body, run_options().offload_threads(most));
}

TEST_CASE("offload: ten thousand at once, and some of them cancelled") {
  std::atomic<int> ran = 0;
  auto body = [&]() -> task<> {
    auto one = [&](int n) -> task<int> {
      co_await offload(touch, std::ref(ran));
      co_return n & 1;
    };
    std::vector<task<int>> all;
    for (int i = 0; i < 10'000; ++i) all.push_back(one(i));
    const auto values = co_await gather(std::move(all));
    int sum = 0;
    for (const int v : values) sum += v;
    CHECK(sum == 5000);
    CHECK(ran == 10'000);

    ran = 0;
    int finished = 0;
    int cancelled = 0;
    std::vector<eddy::join_handle<int>> handles;
    for (int i = 0; i < 2000; ++i) handles.push_back(spawn(one(i)));
    co_await yield();
    for (std::size_t i = handles.size(); i-- > 0;) {
      if (i % 3 == 0) handles[i].cancel();
    }
    for (auto& h : handles) {
      try {
        co_await h;
        ++finished;
      } catch (const eddy::task_cancelled&) {
        ++cancelled;
      }
    }
    CHECK(finished + cancelled == 2000);
    CHECK(ran == finished);
    CHECK(cancelled <= 667);
  };
  drive(body, run_options().offload_threads(4));
}

TEST_CASE("offload: under a timeout a queued call is given up in time") {
  std::atomic<int> ran = 0;
  auto body = [&]() -> task<> {
    blocker b(eddy::loop::current().handle());
    auto first = spawn([&]() -> task<int> { co_return co_await offload(&blocker::run, &b); });
    co_await b.started.wait();
    auto queued = [&]() -> task<> { co_await offload(touch, std::ref(ran)); };
    bool timed_out = false;
    try {
      co_await eddy::with_timeout(2ms, queued());
    } catch (const eddy::timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    b.release();
    co_await first;
  };
  drive(body, run_options().offload_threads(1));
  CHECK(ran == 0);
}
