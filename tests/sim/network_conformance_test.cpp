// CONTRACT 1 (runtime/selector/engine.hpp) over the simulated world: the same points that the
// engine_*_test.cpp of the runtime hold the kernels' engines to with real descriptors. Here both
// ends are the engine's, and every point is tried in the calm world and under seeds.
#include <optional>
#include <thread>
#include <vector>

#include "../runtime/engine_bench.hpp"
#include "network_bench.hpp"

using namespace engine_bench;
namespace system_calls = eddy::detail::system;
using eddy::detail::op_code;

namespace {

constexpr std::uint64_t seeds = 100;

// A bare engine in a world of its own, and two ends that are connected.
class bench {
 public:
  explicit bench(std::uint64_t seed) : world_(eddy::sim::options().seed(seed)) {}

  std::array<int, 2> pair(kind k) {
    if (k == kind::tcp) return tcp_pair();
    int ends[2];
    REQUIRE(system_calls::make_socket_pair(ends) == 0);
    for (const int end : ends) b.selector.attach(end);
    return {ends[0], ends[1]};
  }
  int listener(system_calls::socket_address& at, int backlog = 64) {
    const int fd = b.selector.open_socket(AF_INET, SOCK_STREAM);
    REQUIRE(system_calls::listen_on(fd, loopback(), backlog, false) == 0);
    REQUIRE(system_calls::local_address(fd, at) == 0);
    return fd;
  }
  int dial(system_calls::socket_address& at) {
    const int fd = b.selector.open_socket(AF_INET, SOCK_STREAM);
    request connect(op_code::connect, fd, at.bytes, at.size);
    REQUIRE(b.perform(connect) == 0);
    return fd;
  }
  int write(int fd, std::string_view text) {
    request r(op_code::write, fd, const_cast<char*>(text.data()), text.size());
    return b.perform(r);
  }
  // At most as much as is asked for; empty at the end.
  std::string read(int fd, std::size_t size) {
    std::string out(size, '\0');
    request r(op_code::read, fd, out.data(), size);
    const int got = b.perform(r);
    REQUIRE(got >= 0);
    out.resize(static_cast<std::size_t>(got));
    return out;
  }
  // So that what is under way arrives.
  void settle() {
    b.selector.wait(system_calls::clock_ns() + 1'000'000'000);
    b.turns(50);
  }

 private:
  std::array<int, 2> tcp_pair() {
    system_calls::socket_address at;
    const int server = listener(at);
    const int client = dial(at);
    request next(op_code::accept, server);
    const int accepted = b.perform(next);
    REQUIRE(accepted >= 0);
    b.close(server);
    return {client, accepted};
  }

  eddy::sim::world world_;

 public:
  bare b;
};

template <class Body>
void each_world(Body body) {
  for (const kind k : {kind::unix_stream, kind::tcp}) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      CAPTURE(seed);
      bench here(seed);
      body(here, k);
    }
  }
}

}  // namespace

TEST_CASE("simulated engine 1, 2: operations complete once, and not inside a call") {
  each_world([](bench& here, kind k) {
    const auto [ours, theirs] = here.pair(k);
    char byte = 0;
    request r(op_code::read, ours, &byte, 1);
    CHECK_FALSE(here.b.submit(r));
    here.b.turns(5);
    CHECK(r.completions == 0);
    CHECK(here.write(theirs, "x") == 0);
    CHECK(here.b.finish(r) == 1);
    CHECK(byte == 'x');
    here.settle();
    CHECK(r.completions == 1);
  });
}

TEST_CASE("simulated engine 3: a cancel is followed by a completion, which may be a success") {
  int successes = 0;
  int cancellations = 0;
  each_world([&](bench& here, kind k) {
    const auto [ours, theirs] = here.pair(k);
    for (int i = 0; i < 4; ++i) {
      char bytes[8];
      request r(op_code::read, ours, bytes, sizeof bytes);
      if (here.b.submit(r)) continue;
      if (i == 3) CHECK(here.write(theirs, "late") == 0);
      here.b.selector.cancel(r);
      const int result = here.b.finish(r);
      CHECK((result == -ECANCELED || (i == 3 && result == 4)));
      ++(result > 0 ? successes : cancellations);
      here.b.selector.cancel(r);  // of what is complete: nothing
      here.b.turns(3);
      CHECK(r.completions == 1);
      if (i == 3 && result < 0) CHECK(here.read(ours, 8) == "late");
    }
  });
  CHECK(successes > 0);
  CHECK(cancellations > 500);
}

TEST_CASE("simulated engine 4: release and close end what is in flight") {
  each_world([](bench& here, kind k) {
    const auto [ours, theirs] = here.pair(k);
    char byte = 0;
    const std::string much(1 << 20, 'm');
    request reading(op_code::read, ours, &byte, 1);
    request writing(op_code::write, ours, const_cast<char*>(much.data()), much.size());
    CHECK_FALSE(here.b.submit(reading));
    CHECK_FALSE(here.b.submit(writing));
    here.b.selector.release(ours);
    CHECK(here.b.finish(reading) == -ECANCELED);
    CHECK(here.b.finish(writing) == -ECANCELED);
    request late(op_code::read, ours, &byte, 1);
    CHECK(here.b.perform(late) == -EBADF);
    here.b.close(theirs);
    request closing(op_code::close, theirs);
    CHECK(here.b.perform(closing) == -EBADF);
  });
}

TEST_CASE("simulated engine 5: receive and read by turns lose and reorder nothing") {
  each_world([](bench& here, kind k) {
    const auto [ours, theirs] = here.pair(k);
    dice d(7);
    std::string said;
    std::string heard;
    for (int i = 0; i < 40; ++i) {
      std::string text(1 + d.below(9000), static_cast<char>('a' + i % 26));
      CHECK(here.write(theirs, text) == 0);
      said += text;
      while (heard.size() < said.size()) {
        std::string room(1 + d.below(5000), '\0');
        const bool leased = d.below(2) == 0;
        request r(leased ? op_code::receive : op_code::read, ours, room.data(), room.size());
        if (!here.b.submit(r) && d.below(3) == 0) here.b.selector.cancel(r);
        const int got = here.b.finish(r);
        if (got == -ECANCELED) continue;
        REQUIRE(got > 0);
        heard.append(text_of(r, got));
        if (leased) here.b.recycle(r);
      }
    }
    CHECK(heard == said);
  });
}

TEST_CASE("simulated engine 6: accepting, cancelled and not; a listener closes what it holds") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    bench here(seed);
    system_calls::socket_address at;
    const int server = here.listener(at);
    request first(op_code::accept, server);
    CHECK_FALSE(here.b.submit(first));
    here.b.selector.cancel(first);
    CHECK(here.b.finish(first) == -ECANCELED);
    const int client = here.dial(at);
    request second(op_code::accept, server);
    const int accepted = here.b.perform(second);
    REQUIRE(accepted >= 0);
    CHECK(here.write(accepted, "welcome") == 0);
    CHECK(here.read(client, 7) == "welcome");
    const int queued = here.dial(at);
    here.settle();
    here.b.close(server);
    char byte = 0;
    request gone(op_code::read, queued, &byte, 1);
    CHECK(here.b.perform(gone) == -ECONNRESET);
  }
}

TEST_CASE("simulated engine 7: writes take all of their bytes or fail") {
  each_world([](bench& here, kind k) {
    const auto [ours, theirs] = here.pair(k);
    const std::string much(700'000, 'w');
    request writing(op_code::write, ours, const_cast<char*>(much.data()), much.size());
    CHECK_FALSE(here.b.submit(writing));
    std::size_t heard = 0;
    while (heard < much.size()) heard += here.read(theirs, 65'536).size();
    CHECK(here.b.finish(writing) == 0);
    CHECK(writing.done == much.size());
    const std::vector<std::string_view> small = {"", "a", "", "", "bc", ""};
    pieces_request few(ours, small);
    CHECK(here.b.perform(few) == 0);
    CHECK(here.read(theirs, 9) == "abc");
    here.b.close(theirs);
    here.settle();
    if (k == kind::tcp) CHECK(here.write(ours, "the first goes through") == 0);
    here.settle();
    CHECK(here.write(ours, "y") == -EPIPE);
  });
}

TEST_CASE("simulated engine 8: waiting for descriptors of somebody else's") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    bench here(seed);
    int ends[2];
    REQUIRE(system_calls::make_socket_pair(ends) == 0);
    here.b.selector.attach(ends[1]);
    request room(op_code::wait_writable, ends[0]);
    CHECK(here.b.perform(room) == 0);
    request input(op_code::wait_readable, ends[0]);
    CHECK_FALSE(here.b.submit(input));
    request another(op_code::wait_readable, ends[0]);
    CHECK(here.b.perform(another) == -EBUSY);
    CHECK(here.write(ends[1], "x") == 0);
    CHECK(here.b.finish(input) == 0);
    request again(op_code::wait_readable, ends[0]);
    CHECK(here.b.perform(again) == 0);  // level-triggered
    request ours(op_code::wait_readable, ends[1]);
    CHECK(here.b.perform(ours) == -EBUSY);
    request none(op_code::wait_readable, 77);
    CHECK(here.b.perform(none) == -EBADF);
    char path[] = "/x";
    request open(op_code::file_open, -1, path,
                 static_cast<std::size_t>(system_calls::open_mode::write));
    const int file = here.b.perform(open);
    REQUIRE(file >= 0);
    request never(op_code::wait_readable, file);
    CHECK(here.b.perform(never) == -EPERM);
    int more[2];
    REQUIRE(system_calls::make_socket_pair(more) == 0);
    request forgotten(op_code::wait_readable, more[0]);
    CHECK_FALSE(here.b.submit(forgotten));
    here.b.selector.forget(more[0]);
    CHECK(here.b.finish(forgotten) == -ECANCELED);
  }
}

TEST_CASE("simulated engine 9, 10, 12: waking, deadlines and turns") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    bench here(seed);
    eddy::detail::loop_core none;
    CHECK(here.b.selector.begin_turn(none) >= 1);
    const std::int64_t begin = system_calls::clock_ns();
    here.b.selector.wait(begin + 3'600'000'000'000);
    CHECK(system_calls::clock_ns() - begin >= 3'600'000'000'000);
    std::thread other([&] { here.b.selector.wake(); });
    other.join();
    const std::int64_t woken = system_calls::clock_ns();
    here.b.selector.wait(woken + 3'600'000'000'000);
    CHECK(system_calls::clock_ns() - woken < 1'000'000'000);
    CHECK_FALSE(here.b.selector.has_untold());
  }
}
