// What the simulated world has instead of threads, disks and signals.
#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_files.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "../runtime/drive.hpp"

namespace sim = eddy::sim;
using eddy::file;
using eddy::file_mode;
using eddy::task;
using namespace std::chrono_literals;

namespace {

const sim::options calm = sim::options().seed(0);

void count(int* calls) { ++*calls; }

task<std::string> read_whole(const char* path) {
  file in = co_await file::open(path, file_mode::read);
  std::string text = co_await in.read_all();
  co_await in.close();
  co_return text;
}

task<> write_whole(const char* path, std::string text, file_mode mode = file_mode::write) {
  file out = co_await file::open(path, mode);
  co_await out.write_all(text);
  co_await out.close();
}

std::error_code error_of(task<> call) {
  try {
    eddy::run(std::move(call));
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

}  // namespace

TEST_CASE("sim: offloaded calls run, in virtual time, on the loop's own thread") {
  const auto body = []() -> task<> {
    const auto here = std::this_thread::get_id();
    const auto begin = eddy::now();
    const auto there = co_await eddy::offload([] { return std::this_thread::get_id(); });
    CHECK(there == here);
    CHECK(eddy::now() > begin);
    CHECK(eddy::now() < begin + 100ms);
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) sim::run(body(), sim::options().seed(seed));
}

TEST_CASE("sim: a seed decides which of several offloaded calls ends first") {
  const auto body = []() -> task<std::string> {
    std::string order;
    const auto one = [](std::string& log, char name) -> task<> {
      co_await eddy::offload([] {});
      log += name;
    };
    co_await eddy::gather(one(order, 'a'), one(order, 'b'), one(order, 'c'));
    co_return order;
  };
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    orders.insert(sim::run(body(), sim::options().seed(seed).order(sim::order::fifo)));
  }
  CHECK(orders.size() == 6);
  CHECK(sim::run(body(), calm) == "abc");
}

TEST_CASE("sim: a cancelled offload was withdrawn, or has run") {
  int ran = 0;
  int withdrawn = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    int calls_made = 0;
    bool was_cancelled = false;
    const auto calls = [&]() -> task<> { co_await eddy::offload(count, &calls_made); };
    const auto body = [&]() -> task<> {
      auto call = eddy::spawn(calls());
      co_await eddy::sleep(std::chrono::microseconds(sim::random(100)));
      call.cancel();
      try {
        co_await call;
      } catch (const eddy::task_cancelled&) {
        was_cancelled = true;
      }
    };
    sim::run(body(), sim::options().seed(seed));
    CHECK(calls_made == (was_cancelled ? 0 : 1));
    (calls_made ? ran : withdrawn) += 1;
  }
  CHECK(ran > 10);
  CHECK(withdrawn > 10);
}

TEST_CASE("sim: a bounded pool runs so many calls at once") {
  const auto body = []() -> task<std::chrono::nanoseconds> {
    const auto begin = eddy::now();
    std::vector<task<>> calls;
    const auto one = []() -> task<> { co_await eddy::offload([] {}); };
    for (int i = 0; i < 8; ++i) calls.push_back(one());
    co_await eddy::gather(std::move(calls));
    co_return eddy::now() - begin;
  };
  const auto took = [&](unsigned threads) {
    const sim::world here(calm);
    return eddy::run(body(), eddy::run_options().offload_threads(threads));
  };
  CHECK(took(8) < took(4));
  CHECK(took(4) < took(1));
}

TEST_CASE("sim: other threads may post, and are waited for if there are some") {
  const auto body = []() -> task<int> {
    int posted = 0;
    auto to = eddy::loop::current().handle();
    std::thread other([&posted, to] { to.post([&posted] { posted = 42; }); });
    while (posted == 0) co_await eddy::sleep(1s);
    other.join();
    co_return posted;
  };
  CHECK(sim::run(body(), sim::options().other_threads()) == 42);
}

TEST_CASE("sim: files are in memory, and last as long as their world") {
  const auto body = []() -> task<> {
    co_await write_whole("/etc/motd", "hello\n");
    co_await write_whole("/etc/motd", "world\n", file_mode::append);
    CHECK(co_await read_whole("/etc/motd") == "hello\nworld\n");
    CHECK(sim::read_file("/etc/motd") == "hello\nworld\n");
    co_await write_whole("/etc/motd", "new");
    CHECK(co_await read_whole("/etc/motd") == "new");
    CHECK(sim::remove_file("/etc/motd"));
    CHECK_FALSE(sim::remove_file("/etc/motd"));
    CHECK_FALSE(sim::read_file("/etc/motd"));
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim::run(body(), sim::options().seed(seed));
    sim::run(body(), sim::options().seed(seed).order(sim::order::fifo));
  }
}

TEST_CASE("sim: reads are short in some worlds, and in the calm one as long as they can be") {
  const auto reads = []() -> task<int> {
    sim::write_file("data", std::string(10'000, 'x'));
    file in = co_await file::open("data", file_mode::read);
    std::array<std::byte, 1000> room;
    int calls = 0;
    std::size_t total = 0;
    for (;;) {
      const std::size_t n = co_await in.read_some(room);
      if (n == 0) break;
      ++calls;
      total += n;
    }
    CHECK(total == 10'000);
    co_return calls;
  };
  CHECK(sim::run(reads(), calm) == 10);
  int most = 0;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    most = std::max(most, sim::run(reads(), sim::options().seed(seed)));
  }
  CHECK(most > 10);
}

TEST_CASE("sim: calls on files fail by script") {
  const sim::world here(calm);
  CHECK(error_of(write_whole("a", "1")) == std::error_code());
  sim::fail_file(sim::file_call::open, "a", EACCES);
  CHECK(error_of(write_whole("a", "2")).value() == EACCES);
  CHECK(sim::read_file("a") == "1");
  sim::fail_file(sim::file_call::write, "a", ENOSPC, 1);
  CHECK(error_of(write_whole("a", "3333")) == std::error_code());
  CHECK(error_of(write_whole("b", "3")) == std::error_code());
  CHECK(error_of(write_whole("a", "4444")).value() == ENOSPC);
  CHECK(sim::read_file("a") == "44");
  sim::fail_file(sim::file_call::close, "a", EIO);
  CHECK(error_of(write_whole("a", "5")).value() == EIO);
  CHECK(error_of(write_whole("a", "6")) == std::error_code());
  CHECK_THROWS_AS(eddy::run(read_whole("nowhere")), std::system_error);
}

TEST_CASE("sim: calls on files fail by seed") {
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const sim::world here(sim::options().seed(seed).file_faults(200));
    failed += error_of(write_whole("a", "text")) != std::error_code();
  }
  CHECK(failed > 20);
  CHECK(failed < 80);
}

TEST_CASE("sim: a cancelled call on a file has no effect, or all of it") {
  int whole = 0;
  int none = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const sim::world here(sim::options().seed(seed));
    const auto body = []() -> task<> {
      file out = co_await file::open("a", file_mode::write);
      const auto write = [](file& to) -> task<> { co_await to.write_all("text"); };
      auto call = eddy::spawn(write(out));
      co_await eddy::sleep(std::chrono::microseconds(sim::random(200)));
      call.cancel();
      try {
        co_await call;
      } catch (const eddy::task_cancelled&) {
      }
      co_await out.close();
    };
    eddy::run(body());
    const auto text = sim::read_file("a");
    CHECK((text == "" || text == "text"));
    (text == "" ? none : whole) += 1;
  }
  CHECK(whole > 10);
  CHECK(none > 10);
}

TEST_CASE("sim: signals are raised by the program, and reach all who wait for them") {
  const auto body = []() -> task<> {
    CHECK_FALSE(sim::raise(SIGUSR1));
    eddy::signal_set a(SIGUSR1, SIGTERM);
    eddy::signal_set b(SIGUSR1);
    CHECK(sim::raise(SIGUSR1));
    CHECK(co_await a.next() == SIGUSR1);
    CHECK(co_await b.next() == SIGUSR1);
    auto later = eddy::spawn([](eddy::signal_set& set) -> task<int> {
      const int got = co_await set.next();
      co_return got;
    }(a));
    co_await eddy::sleep(1s);
    CHECK(sim::raise(SIGTERM));
    CHECK(co_await later == SIGTERM);
    CHECK_THROWS_AS(a.add(SIGKILL), std::invalid_argument);
  };
  for (std::uint64_t seed = 0; seed < 10; ++seed) sim::run(body(), sim::options().seed(seed));
}

TEST_CASE("sim: an interrupt cancels the main task") {
  const sim::world here(calm);
  const auto body = []() -> task<> {
    CHECK(sim::raise(SIGINT));
    co_await eddy::sleep(1h);
  };
  CHECK_THROWS_AS(eddy::run(body(), eddy::run_options().cancel_on_interrupt()), eddy::interrupted);
  CHECK_FALSE(sim::raise(SIGINT));
}
