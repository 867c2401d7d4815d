#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"

using eddy::run_options;
using eddy::signal_set;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

void do_nothing(int) {}

using handler = void (*)(int);

handler handler_of(int signal) {
  struct sigaction found = {};
  ::sigaction(signal, nullptr, &found);
  return found.sa_handler;
}

// A disposition for the length of a test.
class disposition {
 public:
  disposition(int signal, handler h) : signal_(signal) {
    struct sigaction mine = {};
    mine.sa_handler = h;
    ::sigaction(signal_, &mine, &before_);
  }
  disposition(const disposition&) = delete;
  disposition& operator=(const disposition&) = delete;
  ~disposition() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ = {};
};

task<int> next_of(signal_set& s) {
  const int signal = co_await s.next();
  co_return signal;
}

}  // namespace

TEST_CASE("signals: raised on the loop's thread, by kill, and by another thread") {
  drive([]() -> task<> {
    signal_set s(SIGUSR1, SIGTERM);
    std::raise(SIGUSR1);
    int got = co_await s.next();
    CHECK(got == SIGUSR1);
    ::kill(::getpid(), SIGTERM);
    got = co_await s.next();
    CHECK(got == SIGTERM);
    const ::pthread_t here = ::pthread_self();
    std::thread sender([here] { ::pthread_kill(here, SIGUSR1); });
    got = co_await s.next();
    sender.join();
    CHECK(got == SIGUSR1);
    std::thread elsewhere([] { std::raise(SIGTERM); });  // handled there
    got = co_await s.next();
    elsewhere.join();
    CHECK(got == SIGTERM);
    CHECK(!s.try_next());
  });
}

TEST_CASE("signals: kept until they are taken, once each, in turns") {
  drive([]() -> task<> {
    signal_set s(SIGUSR1, SIGUSR2, SIGTERM);
    for (int i = 0; i < 3; ++i) std::raise(SIGUSR1);
    std::raise(SIGTERM);
    std::raise(SIGUSR2);
    CHECK(s.try_next() == SIGUSR1);
    std::raise(SIGUSR1);  // does not overtake those that waited
    CHECK(s.try_next() == SIGUSR2);
    CHECK(s.try_next() == SIGTERM);
    CHECK(s.try_next() == SIGUSR1);
    CHECK(!s.try_next());
    co_return;
  });
}

#ifdef SIGRTMIN  // not on macOS
TEST_CASE("signals: from 1 to 64, real-time ones too") {
  drive([]() -> task<> {
    signal_set s;
    s.add(SIGHUP).add(SIGRTMIN).add(SIGRTMAX).add(SIGHUP);
    std::raise(SIGRTMAX);
    CHECK(s.try_next() == SIGRTMAX);
    std::raise(SIGHUP);
    std::raise(SIGRTMIN);
    CHECK(s.try_next() == SIGHUP);
    CHECK(s.try_next() == SIGRTMIN);
    CHECK(!s.try_next());
    co_return;
  });
}
#endif

TEST_CASE("signals: every set gets each, in one loop and in several") {
  drive([]() -> task<> {
    signal_set one(SIGUSR1);
    signal_set two(SIGUSR1, SIGUSR2);
    std::atomic<int> ready = 0;
    std::vector<int> got(2);
    std::vector<std::thread> others;
    const eddy::loop_handle here = eddy::loop::current().handle();
    gate all_listen;
    for (std::size_t i = 0; i < got.size(); ++i) {
      others.emplace_back([&, i] {
        drive([&]() -> task<> {
          signal_set mine(SIGUSR1);
          if (++ready == 2) here.post([&] { all_listen.open(); });
          got[i] = co_await mine.next();
        });
      });
    }
    co_await all_listen.wait();
    std::raise(SIGUSR1);
    const auto both = co_await eddy::gather(next_of(one), next_of(two));
    CHECK(std::get<0>(both) == SIGUSR1);
    CHECK(std::get<1>(both) == SIGUSR1);
    for (std::thread& t : others) t.join();
    CHECK(got == std::vector<int>{SIGUSR1, SIGUSR1});
    CHECK(!one.try_next());
    CHECK(!two.try_next());
  });
}

TEST_CASE("signals: several waits of one set are served in order") {
  drive([]() -> task<> {
    signal_set s(SIGUSR1, SIGUSR2);
    auto first = spawn(next_of(s));
    auto second = spawn(next_of(s));
    co_await yield();
    std::raise(SIGUSR2);
    const int a = co_await first;
    CHECK(a == SIGUSR2);
    CHECK(!second.done());
    CHECK(!s.try_next());  // a waiting next() is before it
    std::raise(SIGUSR1);
    const int b = co_await second;
    CHECK(b == SIGUSR1);
  });
}

TEST_CASE("signals: a cancelled next() has no effect, whenever the cancel comes") {
  drive([]() -> task<> {
    signal_set s(SIGUSR1);
    auto waits = spawn(next_of(s));
    co_await yield();
    waits.cancel();
    CHECK_THROWS_AS(co_await waits, eddy::task_cancelled);
    std::raise(SIGUSR1);
    auto unborn = spawn(next_of(s));
    unborn.cancel();
    CHECK_THROWS_AS(co_await unborn, eddy::task_cancelled);
    CHECK(s.try_next() == SIGUSR1);

    // Granted, and cancelled before it runs: the next in line has it, else it stays.
    auto granted = spawn(next_of(s));
    auto heir = spawn(next_of(s));
    co_await yield();
    std::raise(SIGUSR1);
    CHECK(!s.try_next());  // hands it to `granted`
    granted.cancel();
    const int got = co_await heir;
    CHECK(got == SIGUSR1);
    CHECK_THROWS_AS(co_await granted, eddy::task_cancelled);
    auto last = spawn(next_of(s));
    co_await yield();
    std::raise(SIGUSR1);
    CHECK(!s.try_next());
    last.cancel();
    CHECK_THROWS_AS(co_await last, eddy::task_cancelled);
    CHECK(s.try_next() == SIGUSR1);
    CHECK_THROWS_AS(
        co_await eddy::with_timeout(std::chrono::milliseconds(1), next_of(s)),
        eddy::timeout_error);
  });
}

TEST_CASE("signals: destroying a set ends its waits, moving it does not") {
  drive([]() -> task<> {
    auto s = std::make_unique<signal_set>(SIGUSR1);
    auto waits = spawn(next_of(*s));
    auto granted = spawn(next_of(*s));
    co_await yield();
    signal_set moved(std::move(*s));
    std::raise(SIGUSR1);
    const int got = co_await waits;
    CHECK(got == SIGUSR1);
    std::string text;
    try {
      co_await s->next();
    } catch (const std::logic_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "moved from"));
    auto ends = spawn(next_of(moved));
    co_await yield();
    std::raise(SIGUSR1);
    CHECK(!moved.try_next());  // hands it to `granted`
    granted.cancel();          // which gives it to `ends`, which gives it back
    moved = signal_set(SIGUSR2);
    ends.cancel();
    CHECK_THROWS_AS(co_await granted, eddy::task_cancelled);
    CHECK_THROWS_AS(co_await ends, eddy::task_cancelled);
    auto last = spawn(next_of(moved));
    co_await yield();
    { const signal_set gone(std::move(moved)); }
    std::error_code code;
    try {
      co_await last;
    } catch (const std::system_error& error) {
      code = error.code();
    }
    CHECK(code == std::errc::operation_canceled);
  });
}

TEST_CASE("signals: the last set restores the disposition that the first found") {
  const disposition mine(SIGUSR1, do_nothing);
  const disposition ignored(SIGUSR2, SIG_IGN);
  drive([]() -> task<> {
    {
      signal_set one(SIGUSR1);
      CHECK((handler_of(SIGUSR1) != do_nothing));
      {
        const signal_set two(SIGUSR1, SIGUSR2);
        CHECK((handler_of(SIGUSR2) != SIG_IGN));
      }
      CHECK((handler_of(SIGUSR2) == SIG_IGN));
      CHECK((handler_of(SIGUSR1) != do_nothing));
      std::raise(SIGUSR1);
      CHECK(one.try_next() == SIGUSR1);
    }
    CHECK((handler_of(SIGUSR1) == do_nothing));
    co_return;
  });
  // A set that outlives its loop is dead from the loop's end on.
  std::unique_ptr<signal_set> kept;
  drive([&]() -> task<> {
    kept = std::make_unique<signal_set>(SIGUSR1);
    co_return;
  });
  CHECK((handler_of(SIGUSR1) == do_nothing));
  CHECK(message_of<std::logic_error>([&] { kept->add(SIGUSR2); }) ==
        "add() to a signal_set whose loop has ended");
  kept.reset();
}

TEST_CASE("signals: what cannot be watched is named") {
  CHECK(contains(message_of<std::logic_error>([] { signal_set s(SIGUSR1); }), "signal_set"));
  drive([]() -> task<> {
    const auto refusal = [](int signal) {
      return message_of<std::invalid_argument>([signal] { signal_set s(SIGUSR1, signal); });
    };
    CHECK(refusal(SIGKILL) == "signal_set: signal 9: SIGKILL cannot be caught");
    CHECK(contains(refusal(SIGSTOP), "SIGSTOP"));
    CHECK(contains(refusal(SIGSEGV), "fault"));
    for (const int none : {0, -1, 65, 1000, 32}) {
      CHECK(refusal(none) ==
            "signal_set: signal " + std::to_string(none) + ": there is no such signal");
    }
    CHECK((handler_of(SIGUSR1) == SIG_DFL));
    co_return;
  });
}

TEST_CASE("signals: SIGINT of a set and of cancel_on_interrupt, both get it") {
  const disposition mine(SIGINT, do_nothing);
  auto body = []() -> task<> {
    {
      signal_set s(SIGINT);
      std::raise(SIGINT);
      std::raise(SIGINT);  // without the set this would end the process
      CHECK((handler_of(SIGINT) != SIG_DFL));
      CHECK(s.try_next() == SIGINT);
    }
    CHECK((handler_of(SIGINT) == SIG_DFL));  // the one that was let through has come
    for (;;) co_await yield();
  };
  CHECK_THROWS_AS(drive(body, run_options().cancel_on_interrupt()), eddy::interrupted);
  CHECK((handler_of(SIGINT) == do_nothing));
  auto unharmed = []() -> task<int> {
    { const signal_set s(SIGINT); }
    CHECK((handler_of(SIGINT) != SIG_DFL));
    CHECK((handler_of(SIGINT) != do_nothing));
    signal_set other(SIGUSR1);
    std::raise(SIGUSR1);
    const int got = co_await other.next();
    co_return got;
  };
  CHECK(drive(unharmed, run_options().cancel_on_interrupt()) == SIGUSR1);
  CHECK((handler_of(SIGINT) == do_nothing));
}

TEST_CASE("signals: a storm while sets come and go") {
  constexpr int storm = 10'000;
  const disposition harmless(SIGUSR1, SIG_IGN);
  const disposition too(SIGUSR2, SIG_IGN);
  std::atomic<bool> over = false;
  std::vector<std::thread> loops;
  for (int t = 0; t < 2; ++t) {
    loops.emplace_back([&over] {
      drive([&over]() -> task<> {
        while (!over.load()) {
          signal_set s(SIGUSR1, SIGUSR2);
          auto waits = spawn(next_of(s));
          co_await yield();
          const signal_set short_lived(SIGUSR2);
          (void)s.try_next();
          co_await yield();
        }
      });
    });
  }
  std::thread sender([] {
    for (int i = 0; i < storm; ++i) ::kill(::getpid(), i % 2 ? SIGUSR1 : SIGUSR2);
  });
  sender.join();
  over = true;
  for (std::thread& t : loops) t.join();
  CHECK((handler_of(SIGUSR1) == SIG_IGN));
  drive([]() -> task<> {
    signal_set s(SIGUSR1);
    std::raise(SIGUSR1);
    const int got = co_await s.next();
    CHECK(got == SIGUSR1);
  });
}
