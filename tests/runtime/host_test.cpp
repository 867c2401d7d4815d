// A loop that a host program drives, from a plain poll(2) loop: nothing but backend_fd() and
// next_timeout() tell the host when to come back.
#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/process.hpp>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/timer.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "engine_bench.hpp"

using namespace engine_bench;
using namespace std::chrono_literals;

namespace {

// What a host does: sleeps in poll(2), and calls when there is a reason.
class host {
 public:
  explicit host(eddy::loop& l) : loop_(l) {}

  // One sleep and one call. Fails the test if nothing happens for long.
  bool step() {
    pollfd mine{loop_.backend_fd(), POLLIN, 0};
    const auto idle = loop_.next_timeout();
    const auto limit = std::min<std::chrono::nanoseconds>(idle.value_or(20s), 20s);
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(limit);
    const int n = ::poll(&mine, 1, static_cast<int>(rounded.count()));
    REQUIRE_MESSAGE((n > 0 || idle), "the host slept, and nobody woke it");
    ++steps;
    return loop_.poll_once();
  }
  template <class T>
  T finish(eddy::join_handle<T> handle) {
    while (!handle.done()) step();
    return handle.result();
  }

  int steps = 0;

 private:
  eddy::loop& loop_;
};

eddy::task<int> answer_after(std::chrono::milliseconds time) {
  co_await eddy::sleep(time);
  co_return 42;
}

eddy::task<std::string> echo_over(int a, int b, std::string text) {
  awaited out(op_code::write, a, text.data(), text.size());
  co_await out;
  std::string got(text.size(), '\0');
  awaited in(op_code::read, b, got.data(), got.size());
  const int n = co_await in;
  got.resize(static_cast<std::size_t>(n));
  co_return got;
}

eddy::task<> fail_with(const char* what) {
  co_await eddy::yield();
  throw std::runtime_error(what);
}

eddy::task<> wait_for_ever(int* ended) {
  struct on_exit {
    int* count;
    explicit on_exit(int* c) : count(c) {}
    ~on_exit() { ++*count; }
  } mark(ended);
  co_await eddy::sleep(24h);
}

eddy::task<> fail_at_the_end() {
  try {
    co_await eddy::sleep(24h);
  } catch (const eddy::cancelled&) {
    throw std::runtime_error("at the end");
  }
}

int doubled(int n) { return 2 * n; }

}  // namespace

TEST_CASE_FIXTURE(no_leak, "host: timers, and how long it may sleep") {
  eddy::loop loop;
  host h(loop);
  CHECK(&eddy::loop::current() == &loop);
  CHECK_FALSE(loop.next_timeout());
  CHECK_FALSE(loop.poll_once());
  auto task = loop.spawn(answer_after(20ms));
  CHECK(loop.next_timeout() == 0ns);
  CHECK(loop.poll_once());
  const auto idle = loop.next_timeout();
  REQUIRE(idle);
  CHECK(*idle > 0ns);
  CHECK(*idle <= 20ms);
  CHECK(h.finish(std::move(task)) == 42);
  // Spawned, armed, expired: nobody turned in circles meanwhile.
  CHECK(h.steps < 10);
  CHECK_FALSE(loop.next_timeout());
}

TEST_CASE_FIXTURE(no_leak, "host: operations of the engine wake it") {
  eddy::loop loop;
  host h(loop);
  for (const kind k : {kind::unix_stream, kind::tcp}) {
    const auto ends = make_stream(k);
    for (const int fd : ends) engine_here().attach(fd);
    CHECK(h.finish(loop.spawn(echo_over(ends[0], ends[1], "round and round"))) ==
          "round and round");
    // The reader is asleep in the kernel before anything is sent.
    char bytes[16];
    const auto read = [](int fd, char* into) -> eddy::task<int> {
      awaited in(op_code::read, fd, into, 16);
      const int n = co_await in;
      co_return n;
    };
    auto reading = loop.spawn(read(ends[0], bytes));
    loop.poll_once();
    loop.poll_once();
    CHECK_FALSE(reading.done());
    CHECK_FALSE(loop.next_timeout());
    char word[] = "late";
    REQUIRE(::send(ends[1], word, 4, 0) == 4);
    CHECK(h.finish(std::move(reading)) == 4);
    for (const int fd : ends) engine_here().release(fd);
  }
}

TEST_CASE_FIXTURE(no_leak, "host: posts, offloaded work and foreign descriptors wake it") {
  eddy::loop loop;
  host h(loop);
  int posted = 0;
  // Before the first turn, and while the host sleeps.
  for (int round = 0; round < 50; ++round) {
    std::thread other([&] { loop.post([&posted] { ++posted; }); });
    while (posted == round) h.step();
    other.join();
  }
  CHECK(posted == 50);
  const auto work = []() -> eddy::task<int> {
    const int n = co_await eddy::offload(doubled, 21);
    co_return n;
  };
  CHECK(h.finish(loop.spawn(work())) == 42);

  const auto ends = eddy_tests::plain_pipe();
  REQUIRE(ends[0] >= 0);
  REQUIRE(eddy_tests::set_non_blocking(ends[0]));
  const auto wait = [](int fd) -> eddy::task<bool> {
    co_await eddy::wait_readable(fd);
    co_return true;
  };
  auto waiting = loop.spawn(wait(ends[0]));
  loop.poll_once();
  CHECK_FALSE(waiting.done());
  REQUIRE(::write(ends[1], "x", 1) == 1);
  CHECK(h.finish(std::move(waiting)));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(no_leak, "host: what it cancels and drops between two turns is not forgotten") {
  eddy::loop loop;
  host h(loop);
  const auto read = [](int fd) -> eddy::task<int> {
    char bytes[16];
    awaited in(op_code::read, fd, bytes, sizeof bytes);
    const int n = co_await in;
    co_return n;
  };
  const auto ends = make_stream(kind::tcp);
  engine_here().attach(ends[0]);
  auto reading = loop.spawn(read(ends[0]));
  for (int i = 0; i < 3; ++i) loop.poll_once();
  reading.cancel();
  while (!reading.done()) h.step();
  CHECK_THROWS_AS(reading.result(), eddy::task_cancelled);

  auto second = loop.spawn(read(ends[0]));
  for (int i = 0; i < 3; ++i) loop.poll_once();
  engine_here().release(ends[0]);
  while (!second.done()) h.step();
  CHECK(second.result() == -ECANCELED);
  // The peer hears of it, though the loop has nothing else to do.
  char byte;
  while (loop.next_timeout()) h.step();
  CHECK(::recv(ends[1], &byte, 1, 0) == 0);
  ::close(ends[1]);

  const auto pipe_ends = eddy_tests::plain_pipe();
  const auto wait = [](int fd) -> eddy::task<> { co_await eddy::wait_readable(fd); };
  auto waiting = loop.spawn(wait(pipe_ends[0]));
  for (int i = 0; i < 3; ++i) loop.poll_once();
  eddy::forget(pipe_ends[0]);
  while (!waiting.done()) h.step();
  CHECK_THROWS_AS(waiting.result(), std::system_error);
  for (const int fd : pipe_ends) ::close(fd);
}

TEST_CASE_FIXTURE(no_leak, "host: signals, files and children wake it") {
  eddy::loop loop;
  host h(loop);
  const auto take = []() -> eddy::task<int> {
    eddy::signal_set set(SIGUSR1);
    const int first = co_await set.next();
    const int second = co_await set.next();
    co_return first == second ? first : 0;
  };
  // From inside a turn, at each place of one, and from outside.
  const auto raise_later = []() -> eddy::task<> {
    co_await eddy::sleep(1ms);
    ::raise(SIGUSR1);
  };
  auto taking = loop.spawn(take());
  auto raising = loop.spawn(raise_later());
  while (!raising.done()) h.step();
  while (loop.next_timeout()) h.step();
  ::raise(SIGUSR1);
  CHECK(h.finish(std::move(taking)) == SIGUSR1);

  const auto read_file = []() -> eddy::task<std::size_t> {
    eddy::file null = co_await eddy::file::open("/dev/zero", eddy::file_mode::read);
    std::array<std::byte, 100> room;
    const std::size_t n = co_await null.read_some(room);
    co_await null.close();
    co_return n;
  };
  CHECK(h.finish(loop.spawn(read_file())) == 100);
  const auto child = []() -> eddy::task<int> {
    const eddy::process_result got = co_await eddy::run_command(eddy::command("false"));
    co_return got.status.code();
  };
  CHECK(h.finish(loop.spawn(child())) == 1);
}

TEST_CASE_FIXTURE(no_leak, "host: an idle loop does not wake its host") {
  eddy::loop loop;
  host h(loop);
  int ended = 0;
  auto sleeper = loop.spawn(wait_for_ever(&ended));
  for (int i = 0; i < 5; ++i) loop.poll_once();
  loop.post([] {});
  h.step();
  loop.poll_once();
  pollfd mine{loop.backend_fd(), POLLIN, 0};
  CHECK(::poll(&mine, 1, 30) == 0);
  REQUIRE(loop.next_timeout());
  CHECK(*loop.next_timeout() > 23h);
}

TEST_CASE_FIXTURE(no_leak, "host: poll_once waits as long as it is told") {
  eddy::loop loop;
  const auto before = std::chrono::steady_clock::now();
  CHECK_FALSE(loop.poll_once(15ms));
  CHECK(std::chrono::steady_clock::now() - before >= 15ms);
  auto task = loop.spawn(answer_after(5ms));
  while (!task.done()) loop.poll_once(1h);
  CHECK(task.result() == 42);
}

TEST_CASE_FIXTURE(no_leak, "host: errors leave poll_once, results and errors leave result()") {
  eddy::loop loop;
  auto task = loop.spawn(fail_with("joined"), "failing");
  CHECK_THROWS_WITH_AS(task.result(), "the result of task \"failing\": it has not ended",
                       std::logic_error);
  while (!task.done()) loop.poll_once();
  CHECK_THROWS_WITH_AS(task.result(), "joined", std::runtime_error);
  CHECK_THROWS_AS(task.result(), std::logic_error);

  loop.spawn(fail_with("nobody's")).detach();
  CHECK_THROWS_WITH_AS(
      while (true) { loop.poll_once(10ms); }, "nobody's", std::runtime_error);
  auto after = loop.spawn(answer_after(0ms));
  while (!after.done()) loop.poll_once(1s);
  CHECK(after.result() == 42);

  auto cut = loop.spawn(answer_after(1h));
  loop.poll_once();
  cut.cancel();
  while (!cut.done()) loop.poll_once(1s);
  CHECK_THROWS_AS(cut.result(), eddy::task_cancelled);
}

TEST_CASE_FIXTURE(no_leak, "host: close cancels what is left and waits for it") {
  int ended = 0;
  {
    eddy::loop loop;
    auto kept = loop.spawn(wait_for_ever(&ended));
    loop.spawn(wait_for_ever(&ended)).detach();
    loop.spawn(fail_at_the_end()).detach();
    auto unborn = loop.spawn(wait_for_ever(&ended));
    loop.poll_once();
    CHECK(ended == 0);
    CHECK_THROWS_WITH_AS(loop.close(), "at the end", std::runtime_error);
    CHECK(ended == 3);
    CHECK(kept.done());
    CHECK_THROWS_AS(kept.result(), eddy::task_cancelled);
    CHECK_THROWS_AS(unborn.result(), eddy::task_cancelled);
    CHECK_NOTHROW(loop.close());
    CHECK_THROWS_AS(loop.poll_once(), std::logic_error);
    CHECK_THROWS_AS(eddy::loop::current(), std::logic_error);
    CHECK_FALSE(loop.post([] {}));
  }
  eddy::loop next;  // the thread is free again
  auto sleeper = next.spawn(wait_for_ever(&ended));
  next.poll_once();
}

TEST_CASE_FIXTURE(no_leak, "host: whose loop it is") {
  eddy::loop loop;
  CHECK_THROWS_AS(eddy::loop(), std::logic_error);
  CHECK_THROWS_AS(eddy::run(answer_after(0ms)), std::logic_error);
  CHECK_THROWS_AS(eddy::loop(eddy::run_options().cancel_on_interrupt()), std::invalid_argument);
  std::thread([&] {
    CHECK_THROWS_AS(loop.poll_once(), std::logic_error);
    CHECK_THROWS_AS((void)loop.spawn(answer_after(0ms)), std::logic_error);
    CHECK_THROWS_AS(loop.backend_fd(), std::logic_error);
    CHECK_THROWS_AS((void)loop.next_timeout(), std::logic_error);
    // Another thread may have a loop of its own.
    CHECK(eddy::run(answer_after(0ms)) == 42);
  }).join();
  const auto inside = [](eddy::loop* l) -> eddy::task<> {
    co_await eddy::yield();
    CHECK_THROWS_AS(l->poll_once(), std::logic_error);
    CHECK_THROWS_AS(l->close(), std::logic_error);
  };
  auto task = loop.spawn(inside(&loop));
  while (!task.done()) loop.poll_once(1s);
  task.result();
}

TEST_CASE("host: run's own loop is not to be driven by others") {
  const auto program = []() -> eddy::task<> {
    eddy::loop& mine = eddy::loop::current();
    CHECK_THROWS_AS(mine.poll_once(), std::logic_error);
    CHECK_THROWS_AS(mine.close(), std::logic_error);
    auto free_task = mine.spawn(answer_after(0ms));
    const int n = co_await free_task;
    CHECK(n == 42);
  };
  eddy::run(program());
}
