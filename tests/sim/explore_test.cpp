// Exploration: orders that a real loop shows by luck, found and played again.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/semaphore.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "../runtime/drive.hpp"

namespace sim = eddy::sim;
using eddy::task;
using namespace std::chrono_literals;

namespace {

// While it lives the variable has this value, or none.
class variable {
 public:
  variable(const char* name, const char* value) : name_(name) {
    if (const char* const found = std::getenv(name)) found_ = found;
    set(value);
  }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { set(found_ ? found_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    if (value) {
      ::setenv(name_, value, 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> found_;
};

// The test itself may be replayed by EDDY_SIM_SEED; this one explores.
class explores {
  variable seed_{"EDDY_SIM_SEED", nullptr};
  variable count_{"EDDY_SIM_COUNT", nullptr};
};

// Reads, waits, writes: an update is lost if another comes between.
task<> deposit(int& balance, int amount) {
  const int found = balance;
  co_await eddy::yield();
  balance = found + amount;
}

// On a real loop the second deposit always begins after the first has ended.
task<> bank() {
  int balance = 0;
  auto first = eddy::spawn(deposit(balance, 10));
  co_await eddy::yield();
  co_await eddy::yield();
  auto second = eddy::spawn(deposit(balance, 5));
  co_await first;
  co_await second;
  if (balance != 15) throw std::runtime_error("the balance is " + std::to_string(balance));
}

// Takes two permits, in either order: philosophers.
task<> dine(eddy::semaphore& left, eddy::semaphore& right) {
  auto one = co_await left.acquire();
  co_await eddy::yield();
  auto other = co_await right.acquire();
}

task<> dinner() {
  eddy::semaphore a(1);
  eddy::semaphore b(1);
  auto first = eddy::spawn(dine(a, b), "first");
  co_await eddy::sleep(1us);
  auto second = eddy::spawn(dine(b, a), "second");
  co_await first;
  co_await second;
}

// What `call` says on standard error in a process of its own, which it may abort.
template <class Call>
std::string said_by(Call call) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::signal(SIGABRT, SIG_DFL);  // not the test program's
    try {
      call();
    } catch (...) {
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  std::size_t size = 0;
  for (;;) {
    const ssize_t n = ::read(ends[0], text.data() + size, text.size() - size);
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

task<> wrong_from(std::uint64_t seed, bool aborts) {
  co_await eddy::yield();
  if (sim::seed() < seed) co_return;
  if (aborts) std::abort();
  throw std::runtime_error("wrong");
}

}  // namespace

TEST_CASE("sim: an order that a real loop never shows is found, and its seed shows it again") {
  const explores free;
  sim::run(bank(), sim::options().seed(0));
  const sim::finding found = sim::search(bank);
  REQUIRE(found.error);
  CHECK(found.runs < 100);
  CHECK(found.seed == found.runs);
  CHECK_THROWS_AS(std::rethrow_exception(found.error), std::runtime_error);
  for (int again = 0; again < 3; ++again) {
    const sim::world here(sim::options().seed(found.seed));
    CHECK_THROWS_AS(eddy::run(bank()), std::runtime_error);
    CHECK(here.trace_hash() == found.trace_hash);
  }
}

TEST_CASE("sim: with order::fifo the ready are resumed as they came") {
  const explores free;
  const sim::finding found =
      sim::search(bank, sim::exploration().with(sim::options().order(sim::order::fifo)));
  CHECK_FALSE(found.error);
  CHECK(found.runs == 1000);
}

TEST_CASE("sim: a deadlock between two is found") {
  const explores free;
  for (const sim::order order : {sim::order::random, sim::order::fifo}) {
    const sim::finding found =
        sim::search(dinner, sim::exploration().with(sim::options().order(order)));
    REQUIRE(found.error);
    const std::string text =
        message_of<sim::deadlock>([&] { std::rethrow_exception(found.error); });
    CHECK(contains(text, "\"first\" (explore_test.cpp:"));
    CHECK(contains(text, "\"second\" (explore_test.cpp:"));
  }
}

TEST_CASE("sim: an exploration tries the seeds that it is told") {
  const explores free;
  std::uint64_t sum = 0;
  const auto add = [&]() -> task<> {
    sum += sim::seed();
    co_return;
  };
  CHECK(sim::explore(add, sim::exploration().first(10).count(3)) == 3);
  CHECK(sum == 10 + 11 + 12);
}

TEST_CASE("sim: EDDY_SIM_SEED is the seed where none was chosen") {
  const explores free;
  const variable chosen("EDDY_SIM_SEED", "42");
  const auto seed = []() -> task<std::uint64_t> { co_return sim::seed(); };
  CHECK(sim::run(seed()) == 42);
  CHECK(sim::run(seed(), sim::options().seed(7)) == 7);
  CHECK(eddy::run(seed()) == 42);
  std::uint64_t last = 0;
  const auto keep = [&]() -> task<> {
    last = sim::seed();
    co_return;
  };
  CHECK(sim::explore(keep) == 1);
  CHECK(last == 42);
}

TEST_CASE("sim: EDDY_SIM_COUNT makes a run of the same tests longer") {
  const explores free;
  const variable longer("EDDY_SIM_COUNT", "12");
  const auto nothing = []() -> task<> { co_return; };
  CHECK(sim::explore(nothing, sim::exploration().count(3)) == 12);
}

TEST_CASE("sim: explore tells how to replay what it has found, an abort as well") {
  const explores free;
  const std::string thrown = said_by([] { sim::explore([] { return wrong_from(7, false); }); });
  CHECK(contains(thrown, "EDDY_SIM_SEED=7 replays it (run 7, trace "));
  const std::string aborted = said_by([] { sim::explore([] { return wrong_from(9, true); }); });
  CHECK(aborted == "EDDY_SIM_SEED=9 replays it\n");
  CHECK(said_by([] { (void)sim::search([] { return wrong_from(7, false); }); }) == "");
}

TEST_CASE("sim: a program that goes on when it is cancelled is aborted, with the reason") {
  const std::string said = said_by([] {
    const auto stubborn = []() -> task<> {
      eddy::event never;
      for (;;) {
        try {
          co_await never.wait();
        } catch (const eddy::cancelled&) {
        }
      }
    };
    sim::run(stubborn(), sim::options().turn_limit(100));
  });
  CHECK(contains(said, "livelock: not ended after 100 turns are these tasks: \"main\" (explore"));
  CHECK(contains(said, "They were cancelled, and go on."));
}
