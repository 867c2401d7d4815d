// What CONTRACT 1 (runtime/selector/engine.hpp) promises of waiting, of whichever engine is linked.
// Here the test is the loop; engine_streams_test.cpp drives streams through a real one.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using eddy::detail::never_ns;
namespace system_calls = eddy::detail::system;

TEST_CASE_FIXTURE(no_leak, "every operation goes through a submission queue of two entries") {
  bare b(8, 4096, 2);
  std::vector<std::unique_ptr<wire>> wires;
  std::vector<std::unique_ptr<request>> requests;
  std::vector<std::array<char, 8>> bytes(100);
  for (std::size_t i = 0; i < 100; ++i) {
    wires.push_back(std::make_unique<wire>(b.selector));
    requests.push_back(
        std::make_unique<request>(op_code::read, wires[i]->fd, bytes[i].data(), bytes[i].size()));
    REQUIRE_FALSE(b.submit(*requests[i]));
  }
  for (std::size_t i = 0; i < 100; ++i) {
    if (i % 3 == 0) b.selector.cancel(*requests[i]);
    if (i % 3 == 1) wires[i]->release();
    if (i % 3 == 2) wires[i]->say("yes");
    if (i == 50) b.turn();
  }
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(b.finish(*requests[i]) == (i % 3 == 2 ? 3 : -ECANCELED));
  }
}

TEST_CASE_FIXTURE(no_leak, "an engine ends with what was released still in flight") {
  char bytes[16];
  for (int turns = 0; turns < 3; ++turns) {
    request in(op_code::read, -1, bytes, sizeof bytes);
    int peer = -1;
    {
      bare b;
      wire w(b.selector);
      in.fd = w.fd;
      b.submit(in);
      b.turns(turns);
      w.release();
      peer = std::exchange(w.peer, -1);
    }
    CHECK(in.result == -ECANCELED);
    CHECK(::recv(peer, bytes, 1, 0) == 0);
    ::close(peer);
  }
}

TEST_CASE_FIXTURE(no_leak, "wait returns at the deadline, not rounded to milliseconds") {
  bare b;
  std::int64_t shortest = INT64_MAX;
  for (int i = 0; i < 50; ++i) {
    const std::int64_t start = system_calls::clock_ns();
    const std::int64_t deadline = start + 100'000;
    // Returning early is allowed, but not for ever.
    int returns = 0;
    while (system_calls::clock_ns() < deadline) {
      b.selector.wait(deadline);
      ++returns;
    }
    CHECK(returns < 1000);
    shortest = std::min(shortest, system_calls::clock_ns() - start);
  }
  CHECK(shortest < 900'000);
  const std::int64_t start = system_calls::clock_ns();
  b.selector.wait(1);  // long past
  b.selector.wait(0);
  CHECK(system_calls::clock_ns() - start < 1'000'000'000);
}

TEST_CASE_FIXTURE(no_leak, "wake makes the present or next wait return, from any thread") {
  bare b;
  b.turn();
  for (int i = 0; i < 10'000; ++i) b.selector.wake();
  b.selector.wait(never_ns);
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> woken = false;
    std::thread other([&] {
      woken = true;
      b.selector.wake();
    });
    while (!woken) b.selector.wait(never_ns);
    other.join();
  }
}

namespace {
std::atomic<eddy::detail::engine*> engine_to_wake = nullptr;
}

TEST_CASE_FIXTURE(no_leak, "wake may be called in a signal handler") {
  bare b;
  engine_to_wake = &b.selector;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { engine_to_wake.load()->wake(); };
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  for (int i = 0; i < 20; ++i) {
    ::raise(SIGUSR1);
    b.selector.wait(never_ns);
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}
