// The contract of every engine where much happens at once, or goes on for ever.
#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "../support/heap.hpp"
#include "engine_bench.hpp"

using namespace engine_bench;
using namespace std::chrono_literals;

namespace {

// A coroutine that says when it is resumed. Nobody but a loop may do that.
struct resumed_flag {
  struct promise_type {
    resumed_flag get_return_object() {
      return resumed_flag(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept {}
  };
  explicit resumed_flag(std::coroutine_handle<> h) : frame(h) {}
  resumed_flag(const resumed_flag&) = delete;
  resumed_flag& operator=(const resumed_flag&) = delete;
  ~resumed_flag() { frame.destroy(); }
  std::coroutine_handle<> frame;
};

resumed_flag set_when_resumed(bool* flag) {
  *flag = true;
  co_return;
}

// Both ends of a TCP connection of the engine's.
class pair_of_streams {
 public:
  explicit pair_of_streams(bare& b) : bare_(b), ends_(make_stream(kind::tcp)) {
    for (const int fd : ends_) bare_.selector.attach(fd);
  }
  pair_of_streams(const pair_of_streams&) = delete;
  pair_of_streams& operator=(const pair_of_streams&) = delete;
  ~pair_of_streams() {
    for (const int fd : ends_) bare_.close(fd);
  }
  int near() const { return ends_[0]; }
  int far() const { return ends_[1]; }

 private:
  bare& bare_;
  std::array<int, 2> ends_;
};

void reset(int& peer) {
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  ::close(peer);
  peer = -1;
}

}  // namespace

TEST_CASE_FIXTURE(each_kind, "nothing is resumed inside submit, cancel, release or wait") {
  bare b;
  bool ran = false;
  const resumed_flag flag = set_when_resumed(&ran);
  wire w(b.selector, stream);
  char bytes[16];
  for (const op_code code : {op_code::read, op_code::receive}) {
    for (int way = 0; way < 3; ++way) {
      request r(code, w.fd, bytes, sizeof bytes);
      r.frame = flag.frame;
      if (b.submit(r)) continue;
      b.turn();
      if (way == 0) {
        w.say("x");
      } else if (way == 1) {
        b.selector.cancel(r);
      } else if (code == op_code::receive) {
        w.release();
      }
      if (way == 2 && code == op_code::read) b.selector.cancel(r);
      const int n = b.finish(r);
      if (n > 0 && code == op_code::receive) b.recycle(r);
    }
  }
  CHECK_FALSE(ran);
}

TEST_CASE_FIXTURE(each_kind, "half-closed: the end is read, and writing goes on") {
  bare b;
  wire w(b.selector, stream);
  w.say("last words");
  REQUIRE(::shutdown(w.peer, SHUT_WR) == 0);
  char bytes[64];
  request words(op_code::read, w.fd, bytes, sizeof bytes);
  CHECK(b.perform(words) == 10);
  for (int i = 0; i < 2; ++i) {
    request end(op_code::read, w.fd, bytes, sizeof bytes);
    CHECK(b.perform(end) == 0);
  }
  std::vector<char> answer(300'000, 'a');
  request out(op_code::write, w.fd, answer.data(), answer.size());
  b.submit(out);
  std::size_t heard = 0;
  while (heard < answer.size()) {
    b.turn();
    heard += w.hear().size();
  }
  CHECK(b.finish(out) == 0);
  request lent(op_code::receive, w.fd);
  CHECK(b.perform(lent) == 0);
}

TEST_CASE_FIXTURE(no_leak, "a reset with data pending ends both sides, with an error") {
  bare b;
  for (const bool waiting : {false, true}) {
    for (const op_code code : {op_code::read, op_code::receive}) {
      wire w(b.selector, kind::tcp);
      std::vector<char> big(8 << 20);
      char bytes[4];
      request out(op_code::write, w.fd, big.data(), big.size());
      b.submit(out);
      request in(code, w.fd, bytes, sizeof bytes);
      if (waiting) {
        b.submit(in);
        b.turns(2);
      }
      if (!waiting) w.say("pending");
      reset(w.peer);
      const int wrote = b.finish(out);
      CHECK((wrote == -ECONNRESET || wrote == -EPIPE));
      if (!waiting) b.submit(in);
      int n = b.finish(in);
      // What had come may be read first; then comes the error or, once told to the writer, the end.
      for (int left = 10; n > 0 && left > 0; --left) {
        if (code == op_code::receive) b.recycle(in);
        request next(code, w.fd, bytes, sizeof bytes);
        n = b.perform(next);
        if (n > 0 && code == op_code::receive) b.recycle(next);
      }
      CHECK((n == -ECONNRESET || n == 0));
    }
  }
}

TEST_CASE_FIXTURE(no_leak, "10,000 operations cancelled in one turn, with a ring of 8 entries") {
  constexpr int pairs = 5'000;
  allow_descriptors(2 * pairs + 200);
  bare b(8, 4096, 8);
  std::vector<int> ends;
  std::vector<std::unique_ptr<request>> requests;
  std::vector<char> bytes(2 * pairs);
  for (int i = 0; i < pairs; ++i) {
    for (const int fd : make_stream(kind::unix_stream)) {
      b.selector.attach(fd);
      ends.push_back(fd);
    }
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const op_code code = i % 3 == 0 ? op_code::receive : op_code::read;
    requests.push_back(std::make_unique<request>(code, ends[i], &bytes[i], 1));
    REQUIRE_FALSE(b.submit(*requests.back()));
  }
  b.turns(3);
  for (auto& r : requests) b.selector.cancel(*r);
  for (auto& r : requests) REQUIRE(b.finish(*r) == -ECANCELED);
  b.turns(3);
  for (auto& r : requests) REQUIRE(r->completions == 1);
  for (const int fd : ends) b.selector.release(fd);
  b.turns(3);
}

TEST_CASE_FIXTURE(no_leak, "urgent data in the middle hide nothing of what follows") {
  bare b;
  // kqueue(2) says nothing of them on FreeBSD, and the emulation is not macOS enough.
  if (std::string_view(eddy::detail::engine::name()) == "kqueue") return;
  for (const op_code code : {op_code::read, op_code::receive}) {
    wire w(b.selector, kind::tcp);
    char bytes[64];
    request before(code, w.fd, bytes, sizeof bytes);
    b.submit(before);
    b.turns(2);
    w.say("abc");
    REQUIRE(::send(w.peer, "!", 1, MSG_OOB) == 1);
    w.say("def");
    std::string got;
    int n = b.finish(before);
    while (n > 0) {
      const request* last = &before;
      request next(code, w.fd, bytes, sizeof bytes);
      if (!got.empty()) {
        n = b.perform(next);
        last = &next;
      }
      got.append(static_cast<const char*>(last->data), static_cast<std::size_t>(n));
      if (code == op_code::receive) b.recycle(*last);
      if (got.size() >= 6) break;
    }
    CHECK(got == "abcdef");
  }
}

TEST_CASE_FIXTURE(no_leak, "an idle receive holds no memory, also when the buffers are out") {
  constexpr std::size_t buffer = 1 << 20;
  constexpr int idle = 50;
  bare b(1, buffer, 64);
  wire hoarder(b.selector, kind::tcp);
  hoarder.say("x");
  request lent(op_code::receive, hoarder.fd);
  REQUIRE(b.perform(lent) == 1);
  std::vector<std::unique_ptr<wire>> wires;
  std::vector<std::unique_ptr<request>> waiting;
  for (int i = 0; i < idle; ++i) {
    wires.push_back(std::make_unique<wire>(b.selector, kind::tcp));
    waiting.push_back(std::make_unique<request>(op_code::receive, wires.back()->fd));
  }
  const std::size_t before = eddy_tests::heap_in_use();
  for (auto& r : waiting) REQUIRE_FALSE(b.submit(*r));
  b.turns(5);
  CHECK(eddy_tests::heap_in_use() - before < idle * buffer / 10);
  for (int i = 0; i < idle; ++i) {
    wires[static_cast<std::size_t>(i)]->say("later");
    request& r = *waiting[static_cast<std::size_t>(i)];
    REQUIRE(b.finish(r) == 5);
    b.recycle(r);
  }
  b.recycle(lent);
}

TEST_CASE_FIXTURE(no_leak, "a peer that never reads stops nobody else") {
  bare b;
  wire deaf(b.selector, kind::tcp);
  std::vector<char> big(32 << 20);
  request stuck(op_code::write, deaf.fd, big.data(), big.size());
  b.submit(stuck);
  pair_of_streams lively(b);
  for (int i = 0; i < 200; ++i) {
    char ball = static_cast<char>(i);
    char caught = 0;
    request in(op_code::read, lively.far(), &caught, 1);
    b.submit(in);
    request out(op_code::write, lively.near(), &ball, 1);
    REQUIRE(b.perform(out) == 0);
    REQUIRE(b.finish(in) == 1);
    REQUIRE(caught == ball);
  }
  CHECK(stuck.completions == 0);
  b.selector.cancel(stuck);
  CHECK(b.finish(stuck) == -ECANCELED);
  CHECK(stuck.done < big.size());
}

TEST_CASE_FIXTURE(no_leak, "a peer that always has data keeps no timer from firing") {
  for (const op_code code : {op_code::read, op_code::receive}) {
    const auto ends = make_stream(kind::tcp);
    std::atomic<bool> enough = false;
    std::thread flood([&] {
      std::vector<char> bytes(256 << 10, 'f');
      while (!enough) {
        if (eddy_tests::quiet_send(ends[1], bytes.data(), bytes.size()) <= 0) return;
      }
    });
    pollfd begun{ends[0], POLLIN, 0};
    REQUIRE(::poll(&begun, 1, -1) == 1);
    const auto drink = [](int fd, op_code how, std::size_t* total) -> eddy::task<> {
      std::vector<char> room(64);
      while (true) {
        if (how == op_code::receive) {
          awaited_lease r(fd);
          const eddy::lease got = co_await r;
          *total += got.size();
        } else {
          // Small, so that there is always more, and no read has to wait.
          awaited r(how, fd, room.data(), room.size());
          const int n = co_await r;
          *total += static_cast<std::size_t>(n);
        }
      }
    };
    const auto program = [&]() -> eddy::task<> {
      std::size_t total = 0;
      engine_here().attach(ends[0]);
      auto drinking = eddy::spawn(drink(ends[0], code, &total));
      const auto before = std::chrono::steady_clock::now();
      for (int i = 0; i < 5; ++i) co_await eddy::sleep(2ms);
      CHECK(std::chrono::steady_clock::now() - before < 5s);
      CHECK(total > 0);
      drinking.cancel();
      try {
        co_await drinking;
      } catch (const eddy::task_cancelled&) {
      }
      engine_here().release(ends[0]);
    };
    eddy::run(program());
    enough = true;
    flood.join();
    ::close(ends[1]);
  }
}
