// Streams through the engine under a real loop: no byte is lost, reordered or delivered to another,
// whatever is cancelled, switched or closed on the way.
#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t stream_bytes = 4 << 20;

// Both ends belong to the engine.
class pair_of_ends {
 public:
  explicit pair_of_ends(kind k = kind::unix_stream) {
    const auto ends = make_stream(k);
    a = ends[0];
    b = ends[1];
    engine_here().attach(a);
    engine_here().attach(b);
  }
  pair_of_ends(const pair_of_ends&) = delete;
  pair_of_ends& operator=(const pair_of_ends&) = delete;
  ~pair_of_ends() {
    close(a);
    close(b);
  }
  static void close(int& fd) {
    if (fd >= 0) engine_here().release(fd);
    fd = -1;
  }
  int a = -1;
  int b = -1;
};

eddy::task<> pump(pair_of_ends* ends, std::size_t total, stream_hash* hash, std::uint64_t seed) {
  dice d(seed);
  std::vector<char> piece;
  while (hash->bytes() < total) {
    piece.resize(std::min(total - hash->bytes(), 1 + d.below(d.below(8) == 0 ? 60'000 : 3'000)));
    for (char& c : piece) c = static_cast<char>(d.next() >> 20);
    awaited write(op_code::write, ends->a, piece.data(), piece.size());
    const int result = co_await write;
    REQUIRE(result == 0);
    REQUIRE(write.done == piece.size());
    hash->add(piece.data(), piece.size());
    // Often long enough that the reader has to wait.
    for (std::size_t n = d.below(2) * d.below(12); n > 0; --n) co_await eddy::yield();
  }
  pair_of_ends::close(ends->a);
}

eddy::task<std::size_t> read_into(int fd, std::vector<char>* out) {
  awaited read(op_code::read, fd, out->data(), out->size());
  const int n = co_await read;
  REQUIRE(n >= 0);
  co_return static_cast<std::size_t>(n);
}

eddy::task<eddy::lease> receive(int fd) {
  awaited_lease r(fd);
  eddy::lease got = co_await r;
  co_return got;
}

enum class how { receive_only, switching, cancelled_receive, everything };

// Reads to the end of the stream; says how often an operation was cut short.
eddy::task<int> consume(int fd, stream_hash* hash, how manner, std::uint64_t seed) {
  dice d(seed);
  std::deque<eddy::lease> held;
  std::vector<char> out;
  int cut = 0;
  for (bool open = true; open;) {
    const bool plain = manner == how::switching    ? d.below(5) < 2
                       : manner == how::everything ? d.below(2) == 0
                                                   : false;
    const bool hurried =
        (manner == how::cancelled_receive || manner == how::everything) && d.below(3) == 0;
    const auto patience = hurried ? std::chrono::nanoseconds(d.below(2) * d.below(20'000))
                                  : std::chrono::nanoseconds(30s);
    try {
      if (plain) {
        out.resize(1 + d.below(d.below(4) == 0 ? 40'000 : 500));
        const std::size_t n = co_await eddy::with_timeout(patience, read_into(fd, &out));
        hash->add(out.data(), n);
        open = n > 0;
      } else {
        eddy::lease got = co_await eddy::with_timeout(patience, receive(fd));
        hash->add(got.bytes().data(), got.size());
        open = !got.empty();
        if (d.below(2) == 0) held.push_back(std::move(got));
        while (held.size() > 10 || (!held.empty() && d.below(8) == 0)) held.pop_front();
      }
    } catch (const eddy::timeout_error&) {
      ++cut;
    }
    if (d.below(4) == 0) co_await eddy::yield();
  }
  co_return cut;
}

eddy::task<int> stream_once(how manner, kind k, std::uint64_t seed) {
  pair_of_ends ends(k);
  stream_hash sent;
  stream_hash got;
  auto results = co_await eddy::gather(pump(&ends, stream_bytes, &sent, seed),
                                       consume(ends.b, &got, manner, seed + 1));
  CHECK(got.bytes() == stream_bytes);
  CHECK(got.bytes() == sent.bytes());
  CHECK(got.value() == sent.value());
  co_return std::get<1>(results);
}

int run_stream(how manner, std::uint64_t seed, unsigned buffers, unsigned entries) {
  CAPTURE(seed);
  CAPTURE(buffers);
  CAPTURE(entries);
  int cut = 0;
  for (const kind k : {kind::unix_stream, kind::tcp}) {
    CAPTURE(static_cast<int>(k));
    cut += eddy::run(stream_once(manner, k, seed),
                     eddy::run_options().receive_buffers(buffers, 4096).ring_entries(entries));
  }
  return cut;
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "received leases carry the stream in order, also out of the heap") {
  for (const unsigned buffers : {2u, 64u}) run_stream(how::receive_only, 11, buffers, 256);
}

TEST_CASE_FIXTURE(no_leak, "changing between receive and read loses no byte") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    run_stream(how::switching, seed, seed % 2 ? 64 : 2, seed < 3 ? 256 : 2);
  }
}

// Over the fallbacks every send has reached its receiver before the clock is read: nothing is cut.
TEST_CASE_FIXTURE(no_leak, "a cancelled receive loses no byte") {
  int cut = 0;
  for (std::uint64_t seed = 21; seed <= 24; ++seed) {
    cut += run_stream(how::cancelled_receive, seed, seed % 2 ? 64 : 2, seed < 23 ? 256 : 2);
  }
  CHECK((cut > 0 || over_fallbacks()));
}

TEST_CASE_FIXTURE(no_leak, "reads and receives cancelled at any moment lose no byte") {
  int cut = 0;
  for (std::uint64_t seed = 31; seed <= 34; ++seed) {
    cut += run_stream(how::everything, seed, seed % 2 ? 64 : 2, seed < 33 ? 256 : 2);
  }
  CHECK((cut > 0 || over_fallbacks()));
  MESSAGE(cut << " operations were cut short");
}

namespace {

// Small pieces at any moment, from outside the loop.
void send_from_a_thread(int fd, std::size_t total, stream_hash* hash, std::uint64_t seed) {
  dice d(seed);
  std::vector<char> piece;
  while (hash->bytes() < total) {
    piece.resize(std::min(total - hash->bytes(), 1 + d.below(200)));
    for (char& c : piece) c = static_cast<char>(d.next() >> 20);
    if (eddy_tests::quiet_send(fd, piece.data(), piece.size()) !=
        static_cast<ssize_t>(piece.size())) {
      return;
    }
    hash->add(piece.data(), piece.size());
    if (d.below(4) == 0) std::this_thread::yield();
  }
  ::shutdown(fd, SHUT_WR);
}

eddy::task<int> consume_from_a_thread(kind k, how manner, std::uint64_t seed) {
  constexpr std::size_t total = 400'000;
  const wire w(engine_here(), k);
  stream_hash sent;
  stream_hash got;
  std::thread sender(send_from_a_thread, w.peer, total, &sent, seed);
  const int cut = co_await consume(w.fd, &got, manner, seed + 1);
  sender.join();
  CHECK(got.bytes() == total);
  CHECK(got.value() == sent.value());
  co_return cut;
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "bytes that arrive during a cancellation are kept") {
  int cut = 0;
  for (const kind k : {kind::unix_stream, kind::tcp}) {
    for (const how manner : {how::cancelled_receive, how::everything}) {
      CAPTURE(static_cast<int>(k));
      CAPTURE(static_cast<int>(manner));
      cut += eddy::run(consume_from_a_thread(k, manner, 77),
                       eddy::run_options().receive_buffers(8, 512).ring_entries(8));
    }
  }
  CHECK(cut > 0);
  MESSAGE(cut << " operations were cut short");
}

namespace {

eddy::task<int> read_byte(int fd) {
  char byte = 0;
  awaited read(op_code::read, fd, &byte, 1);
  const int n = co_await read;
  co_return n == 1 ? byte : n;
}

eddy::task<int> read_byte_in(std::chrono::nanoseconds limit, int fd) {
  const int n = co_await eddy::with_timeout(limit, read_byte(fd));
  co_return n;
}

eddy::task<> thousand_deadlines() {
  std::vector<std::unique_ptr<pair_of_ends>> pairs;
  std::vector<eddy::task<int>> reads;
  for (int i = 0; i < 500; ++i) {
    pairs.push_back(std::make_unique<pair_of_ends>());
    reads.push_back(read_byte_in(5ms, pairs.back()->a));
    reads.push_back(read_byte_in(5ms, pairs.back()->b));
  }
  auto ended = co_await eddy::gather_settled(std::move(reads));
  int timed_out = 0;
  for (auto& e : ended) {
    try {
      (void)e.value();
    } catch (const eddy::timeout_error&) {
      ++timed_out;
    }
  }
  CHECK(timed_out == 1000);
  // Nothing of them is left behind: the next read gets the next byte.
  for (auto& p : pairs) {
    char byte = 'n';
    awaited write(op_code::write, p->a, &byte, 1);
    const int sent = co_await write;
    REQUIRE(sent == 0);
    const int got = co_await read_byte_in(20s, p->b);
    REQUIRE(got == 'n');
  }
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "a thousand deadlines at once cancel a thousand reads") {
  allow_descriptors(1100);
  eddy::run(thousand_deadlines(), eddy::run_options().ring_entries(2));
}

namespace {

eddy::task<int> read_until_closed(int fd, bool* running) {
  char byte = 0;
  awaited read(op_code::read, fd, &byte, 1);
  *running = true;
  const int n = co_await read;
  co_return n;
}

eddy::task<> close_under_a_reader() {
  for (int turns = 0; turns < 4; ++turns) {
    pair_of_ends ends;
    bool running = false;
    auto reader = eddy::spawn(read_until_closed(ends.a, &running));
    for (int i = 0; i < turns; ++i) co_await eddy::yield();
    awaited close(op_code::close, std::exchange(ends.a, -1));
    const int closed = co_await close;
    CHECK(closed == 0);
    const int n = co_await reader;
    CHECK(n == (turns > 0 ? -ECANCELED : -EBADF));
  }
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "a close under a reader ends its read with an error, not a cancel") {
  eddy::run(close_under_a_reader());
}

namespace {

class connection {
 public:
  explicit connection(int number) : fd(number) {}
  void release() { engine_here().release(std::exchange(fd, -1)); }
  int fd;
  std::string heard;
};

// Takes what a connection brings until it is closed under it.
eddy::task<> collect(connection* c) {
  try {
    while (c->fd >= 0) {
      awaited_lease r(c->fd);
      eddy::lease got = co_await r;
      if (got.empty()) co_return;
      c->heard += got.text();
    }
  } catch (const std::system_error&) {
  }
}

eddy::task<int> churn(int rounds) {
  listener l(engine_here());
  dice d(99);
  int last = -1;
  int reused = 0;
  std::vector<eddy::join_handle<>> readers;
  std::vector<std::unique_ptr<connection>> connections;
  std::vector<std::string> expected;
  for (int i = 0; i < rounds; ++i) {
    const int client = l.dial();
    awaited accepting(op_code::accept, l.fd);
    const int fd = co_await accepting;
    REQUIRE(fd >= 0);
    if (fd == last) ++reused;
    last = fd;
    connections.push_back(std::make_unique<connection>(fd));
    readers.push_back(eddy::spawn(collect(connections.back().get())));
    expected.push_back("<" + std::to_string(i) + ">");
    for (std::size_t n = d.below(3); n > 0; --n) co_await eddy::yield();
    // Into this connection only; some of it arrives after the server has let go.
    const bool before = d.below(2) == 0;
    if (!before) connections.back()->release();
    (void)eddy_tests::quiet_send(client, expected.back().data(), expected.back().size());
    for (std::size_t n = d.below(3); n > 0; --n) co_await eddy::yield();
    if (before) connections.back()->release();
    ::close(client);
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    co_await readers[i];
    const std::string& heard = connections[i]->heard;
    REQUIRE_MESSAGE((heard.empty() || heard == expected[i]),
                    "connection " << i << " got \"" << heard << "\"");
  }
  co_return reused;
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "a number used again never brings the bytes of another connection") {
  for (const unsigned entries : {2u, 256u}) {
    const int reused =
        eddy::run(churn(1500), eddy::run_options().ring_entries(entries).receive_buffers(16, 512));
    CHECK(reused > 100);
  }
}

namespace {

eddy::task<std::size_t> read_slowly(int fd, stream_hash* hash) {
  std::vector<char> out(3000);
  for (;;) {
    const std::size_t n = co_await read_into(fd, &out);
    if (n == 0) co_return hash->bytes();
    hash->add(out.data(), n);
    co_await eddy::yield();
  }
}

eddy::task<> write_all_of(int fd, const std::vector<char>* bytes, std::size_t* done) {
  awaited write(op_code::write, fd, const_cast<char*>(bytes->data()), bytes->size());
  try {
    (void)co_await write;
  } catch (...) {
    *done = write.done;
    throw;
  }
  *done = write.done;
}

eddy::task<> cancel_a_large_write() {
  std::vector<char> big(8 << 20);
  dice d(5);
  for (char& c : big) c = static_cast<char>(d.next() >> 9);
  for (int round = 0; round < 6; ++round) {
    pair_of_ends ends(round % 2 ? kind::tcp : kind::unix_stream);
    stream_hash got;
    std::size_t done = 0;
    auto reader = eddy::spawn(read_slowly(ends.b, &got));
    auto writer = eddy::spawn(write_all_of(ends.a, &big, &done));
    while (got.bytes() < static_cast<std::size_t>(round) * 500'000 + 1) co_await eddy::yield();
    if (round < 4) {
      writer.cancel();
      bool cancelled = false;
      try {
        co_await writer;
      } catch (const eddy::task_cancelled&) {
        cancelled = true;
      }
      CHECK(cancelled);
      CHECK(done < big.size());
    } else {
      co_await writer;
      CHECK(done == big.size());
    }
    pair_of_ends::close(ends.a);
    const std::size_t heard = co_await reader;
    CHECK(heard == done);
    stream_hash said;
    said.add(big.data(), done);
    CHECK(said.value() == got.value());
  }
}

}  // namespace

TEST_CASE_FIXTURE(no_leak, "a large write to a slow reader, cancelled midway, tells what it sent") {
  eddy::run(cancel_a_large_write());
}
