#include <doctest/doctest.h>
#include <sys/resource.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <system_error>
#include <vector>

#include "../support/simulated.hpp"
#include "../../runtime/stream_state.hpp"
#include "../support/descriptors.hpp"
#include "../support/streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

// Runs a test on a loop of its own, and wants the descriptors back afterwards.
void on_a_loop(task<> (*body)()) {
  const std::size_t descriptors = open_descriptors();
  run(body());
  CHECK(open_descriptors() == descriptors);
}

std::string peer_of(const tcp_stream& s) { return s.remote_address().to_string(); }

task<std::string> read_exact_text(tcp_stream& s, std::size_t size) {
  std::string text(size, '\0');
  co_await s.read_exactly(std::as_writable_bytes(std::span(text)));
  co_return std::move(text);
}

task<> hold_accept(tcp_listener& listener) {
  const tcp_stream peer = co_await listener.accept();
  CHECK(peer.is_open());
}

}  // namespace

TEST_CASE("tcp: bytes go both ways, addresses are those of the other side") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    CHECK(pair.client.remote_address() == pair.server.local_address());
    CHECK(pair.server.remote_address() == pair.client.local_address());
    co_await pair.client.write_all("ping");
    const std::string ping = co_await read_text(pair.server);
    CHECK(ping == "ping");
    co_await pair.server.write_all(std::as_bytes(std::span("pong", 4)));
    const std::string pong = co_await receive_text(pair.client);
    CHECK(pong == "pong");
    pair.client.set_no_delay(false);
  });
}

TEST_CASE("tcp: IPv6") {
  on_a_loop([]() -> task<> {
    tcp_listener listener;
    try {
      listener = tcp_listener::bind(endpoint::parse("[::1]:0"));
    } catch (const std::system_error&) {
      MESSAGE("this machine has no IPv6 loopback");
      co_return;
    }
    auto both = co_await gather(tcp_stream::connect("::1", listener.local_address().port()),
                                listener.accept());
    CHECK(std::get<0>(both).remote_address() == listener.local_address());
    CHECK(std::get<1>(both).remote_address().is_ipv6());
  });
}

TEST_CASE("tcp: the end of the stream is a value, and leaves writing open") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.client.write_all("last");
    pair.client.shutdown();
    const std::string last = co_await read_to_end(pair.server);
    CHECK(last == "last");
    const std::string more = co_await read_text(pair.server);
    CHECK(more.empty());
    co_await pair.server.write_all("answer");
    const std::string answer = co_await read_text(pair.client);
    CHECK(answer == "answer");
    const std::string refused =
        co_await failure_of<std::system_error>(write_text(pair.client, "too late"));
    CHECK(refused == "write to " + peer_of(pair.client) + ": Broken pipe");
  });
}

TEST_CASE("tcp: large transfers arrive whole, whichever way they are read") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    const std::string sent = large_text();
    auto writing = spawn(write_text(pair.client, sent));
    std::string got;
    bool lease_next = false;
    while (got.size() < sent.size()) {
      if (lease_next) {
        const std::string part = co_await receive_text(pair.server);
        got += part;
      } else {
        const std::string part = co_await read_text(pair.server, 100'000);
        got += part;
      }
      lease_next = !lease_next;
    }
    co_await writing;
    CHECK((got == sent));
  });
}

TEST_CASE("read_exactly: over several segments; an early end names what was wanted and keeps it") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    auto reading = spawn(read_exact_text(pair.server, 6));
    for (const char* part : {"ab", "cd", "ef"}) {
      co_await pair.client.write_all(std::string_view(part));
      co_await settle();
    }
    const std::string six = co_await reading;
    CHECK(six == "abcdef");

    co_await pair.client.write_all("xyz");
    pair.client.shutdown();
    const std::string error =
        co_await failure_of<incomplete_read>(read_exact_text(pair.server, 10));
    CHECK(error == "read from " + peer_of(pair.server) + ": the stream ended after 3 bytes of 10");
    const std::string kept = co_await read_text(pair.server);
    CHECK(kept == "xyz");
  });
}

TEST_CASE("read_until: the rest of the buffer is what the next read gets") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.client.write_all("one\r\ntwo\r\nthree, and more");
    const std::string one = co_await pair.server.read_until("\r\n", 5);
    CHECK(one == "one\r\n");
    const std::string two = co_await pair.server.read_until("\r\n", 100);
    CHECK(two == "two\r\n");
    const std::string three = co_await read_exact_text(pair.server, 5);
    CHECK(three == "three");
    const std::string rest = co_await receive_text(pair.server);
    CHECK(rest == ", and more");

    co_await pair.client.write_all("a;b");
    const std::string a = co_await pair.server.read_until(";", 100);
    CHECK(a == "a;");
    const std::string b = co_await read_text(pair.server);
    CHECK(b == "b");
    // A stream with nothing left to deliver holds no buffer.
    CHECK(detail::stream_of(pair.server.descriptor()).unread == nullptr);
  });
}

TEST_CASE("read_until: a delimiter that comes in pieces") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    auto reading = spawn(pair.server.read_until("-><-", 100));
    for (const char c : std::string_view("a->-><")) {
      co_await pair.client.write_all(std::string_view(&c, 1));
      co_await settle();
    }
    CHECK_FALSE(reading.done());
    co_await pair.client.write_all("-tail");
    const std::string got = co_await reading;
    CHECK(got == "a->-><-");
    const std::string tail = co_await receive_text(pair.server);
    CHECK(tail == "tail");
  });
}

TEST_CASE("read_until: limits, ends and bad arguments keep the bytes") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.client.write_all("12345;67;8");
    const std::string peer = peer_of(pair.server);
    const std::string over =
        co_await failure_of<read_limit_exceeded>(pair.server.read_until(";", 5));
    CHECK(over == "read from " + peer + ": no \";\" within the limit of 5 bytes");
    const std::string within = co_await pair.server.read_until(";", 6);
    CHECK(within == "12345;");
    const std::string second = co_await pair.server.read_until(";", 6);
    CHECK(second == "67;");
    pair.client.shutdown();
    const std::string early = co_await failure_of<incomplete_read>(pair.server.read_until(";", 6));
    CHECK(early ==
          "read from " + peer + ": the stream ended after 1 bytes of a part that ends with \";\"");
    const std::string empty =
        co_await failure_of<std::invalid_argument>(pair.server.read_until("", 6));
    CHECK(empty == "read_until: the delimiter is empty");
    const std::string kept = co_await read_text(pair.server);
    CHECK(kept == "8");
  });
}

TEST_CASE("a cancelled read_exactly or read_until gives its bytes back") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.client.write_all("abc");
    bool stopped = co_await cancel_waiting(spawn(read_exact_text(pair.server, 8)));
    CHECK(stopped);
    stopped = co_await cancel_waiting(spawn(pair.server.read_until("!", 100)));
    CHECK(stopped);
    co_await pair.client.write_all("def!gh");
    const std::string two = co_await read_text(pair.server, 2);
    CHECK(two == "ab");
    stopped = co_await cancel_waiting(spawn(read_exact_text(pair.server, 100)));
    CHECK(stopped);
    const std::string part = co_await pair.server.read_until("!", 100);
    CHECK(part == "cdef!");
    const std::string rest = co_await read_text(pair.server);
    CHECK(rest == "gh");
    co_await pair.client.write_all("xyz");
    stopped = co_await cancel_waiting(spawn(read_exact_text(pair.server, 8)));
    CHECK(stopped);
    const std::string lent = co_await receive_text(pair.server);
    CHECK(lent == "xyz");
    stopped = co_await cancel_waiting(spawn(receive_text(pair.server)));
    CHECK(stopped);
    stopped = co_await cancel_waiting(spawn(read_text(pair.server)));
    CHECK(stopped);
    co_await pair.client.write_all("end");
    const std::string end = co_await receive_text(pair.server);
    CHECK(end == "end");
  });
}

TEST_CASE("a stream has one reader and one writer") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    const std::string large = large_text();
    auto reading = spawn(read_text(pair.client));
    auto writing = spawn(write_text(pair.client, large));
    co_await settle();
    CHECK_FALSE(writing.done());
    const std::string busy = peer_of(pair.client) + ": another coroutine is doing that already";
    std::string error = co_await failure_of<std::logic_error>(read_text(pair.client));
    CHECK(error == "read from " + busy);
    error = co_await failure_of<std::logic_error>(receive_text(pair.client));
    CHECK(error == "read from " + busy);
    error = co_await failure_of<std::logic_error>(read_exact_text(pair.client, 1));
    CHECK(error == "read from " + busy);
    error = co_await failure_of<std::logic_error>(pair.client.read_until("x", 1));
    CHECK(error == "read from " + busy);
    error = co_await failure_of<std::logic_error>(write_text(pair.client, "x"));
    CHECK(error == "write to " + busy);
    CHECK_THROWS_AS(pair.client.shutdown(), std::logic_error);

    // The two that were there first are as they were.
    co_await pair.server.write_all("y");
    const std::string y = co_await reading;
    CHECK(y == "y");
    const std::string all = co_await read_exact_text(pair.server, large.size());
    CHECK((all == large));
    co_await writing;
  });
}

TEST_CASE("a cancelled write_all makes the writing side unusable and says why") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    const bool stopped = co_await cancel_waiting(spawn(write_text(pair.client, large_text())));
    CHECK(stopped);
    const std::string error = co_await failure_of<stream_error>(write_text(pair.client, "more"));
    CHECK(error == "write to " + peer_of(pair.client) +
                       ": an earlier write was cancelled and may have sent a part of its bytes");
    co_await pair.server.write_all("still");
    const std::string still = co_await read_text(pair.client);
    CHECK(still == "still");
  });
}

TEST_CASE("connect: refused, with the address") {
  on_a_loop([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const endpoint at = listener.local_address();
    co_await listener.close();
    const std::string direct = co_await failure_of<std::system_error>(tcp_stream::connect(at));
    CHECK(direct == "connect to " + at.to_string() + ": Connection refused");
    const std::string by_host =
        co_await failure_of<std::system_error>(tcp_stream::connect("127.0.0.1", at.port()));
    CHECK(by_host == direct);
  });
}

TEST_CASE("connect: cancelled while the peer does not answer" * needs_a_kernel()) {
  on_a_loop([]() -> task<> {
    // A full backlog drops what more comes.
    auto listener = tcp_listener::bind(endpoint::loopback(0), listen_options().backlog(0));
    std::vector<join_handle<tcp_stream>> asked;
    for (int i = 0; i < 8; ++i)
      asked.push_back(spawn(tcp_stream::connect(listener.local_address())));
    tcp_stream first = co_await asked[0];
    CHECK(first.is_open());
    co_await settle();
    int stopped = 0;
    for (std::size_t i = 1; i < asked.size(); ++i) {
      if (asked[i].done()) continue;
      asked[i].cancel();
      const bool cancelled = co_await was_cancelled(std::move(asked[i]));
      if (cancelled) ++stopped;
    }
    CHECK(stopped >= 4);
  });
}

TEST_CASE("accept: cancelled, twice at once, closed; usable in between") {
  on_a_loop([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const bool stopped = co_await cancel_waiting(spawn(hold_accept(listener)));
    CHECK(stopped);
    auto waiting = spawn(hold_accept(listener));
    co_await settle();
    const std::string second = co_await failure_of<std::logic_error>(hold_accept(listener));
    CHECK(second == "accept on " + listener.local_address().to_string() +
                        ": another coroutine is doing that already");
    const tcp_stream peer = co_await tcp_stream::connect(listener.local_address());
    co_await waiting;
    auto closed = spawn(code_of(hold_accept(listener)));
    co_await settle();
    co_await listener.close();
    const std::string code = co_await closed;
    CHECK(code == "operation_canceled");
    const std::string after = co_await code_of(hold_accept(listener));
    CHECK(after == "bad_file_descriptor");
  });
}

TEST_CASE("accept: without a descriptor to spare it is an error, and the connection waits" *
          needs_a_kernel()) {
  on_a_loop([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const tcp_stream peer = co_await tcp_stream::connect(listener.local_address());
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    const std::string error = co_await failure_of<std::system_error>(hold_accept(listener));
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(error == "accept on " + listener.local_address().to_string() + ": Too many open files");
    tcp_stream accepted = co_await listener.accept();
    CHECK(accepted.remote_address() == peer.local_address());
  });
}

TEST_CASE("bind: an address in use is named") {
  on_a_loop([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    std::string error;
    try {
      (void)tcp_listener::bind(listener.local_address());
    } catch (const std::system_error& e) {
      error = e.what();
    }
    CHECK(error ==
          "listen on " + listener.local_address().to_string() + ": Address already in use");
    co_return;
  });
  CHECK_THROWS_AS((void)tcp_listener::bind(endpoint::loopback(0)), std::logic_error);
}

TEST_CASE("bind: listeners that want to can share a port") {
  on_a_loop([]() -> task<> {
    const auto shared = listen_options().reuse_port();
    auto first = tcp_listener::bind(endpoint::loopback(0), shared);
    auto second = tcp_listener::bind(first.local_address(), shared);
    CHECK(second.local_address() == first.local_address());
    co_return;
  });
}

TEST_CASE("a reset is an error with the peer's name, and SIGPIPE never comes") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.client.write_all("never read");
    co_await settle();
    // Unread bytes make the close a reset.
    co_await pair.server.close();
    const std::string error = co_await failure_of<std::system_error>(read_text(pair.client));
    CHECK(error == "read from " + peer_of(pair.client) + ": Connection reset by peer");
    const std::string broken = co_await failure_of<std::system_error>(write_text(pair.client, "x"));
    CHECK(broken == "write to " + peer_of(pair.client) + ": Broken pipe");
    pair.client.shutdown();
  });
}

TEST_CASE("destroying a stream ends the waits on it") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    stream_pair other = co_await connected_pair();
    auto reading = spawn(code_of(read_text(pair.client)));
    auto writing = spawn(code_of(write_text(pair.client, large_text())));
    auto until = spawn(code_of(other.server.read_until("no such thing", SIZE_MAX)));
    co_await other.client.write_all("something");
    co_await settle();
    CHECK_FALSE(writing.done());
    { const tcp_stream doomed = std::move(pair.client); }
    CHECK_FALSE(pair.client.is_open());
    const std::string read_code = co_await reading;
    CHECK(read_code == "operation_canceled");
    const std::string write_code = co_await writing;
    CHECK(write_code == "operation_canceled");
    { const tcp_stream doomed = std::move(other.server); }
    const std::string until_code = co_await until;
    CHECK(until_code == "operation_canceled");
  });
}

TEST_CASE("closing a stream ends the waits of others, and is done when it returns" *
          needs_a_kernel()) {
  const std::size_t before = open_descriptors();
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    auto reading = spawn(code_of(read_exact_text(pair.client, 5)));
    co_await settle();
    const std::size_t open = open_descriptors();
    co_await pair.client.close();
    CHECK(open_descriptors() == open - 1);
    co_await pair.client.close();
    const std::string code = co_await reading;
    CHECK(code == "operation_canceled");
    const std::string read_again = co_await code_of(read_text(pair.client));
    CHECK(read_again == "bad_file_descriptor");
    const std::string write_again = co_await code_of(write_text(pair.client, "x"));
    CHECK(write_again == "bad_file_descriptor");
    CHECK_THROWS_AS(pair.client.shutdown(), std::system_error);
    CHECK_THROWS_AS((void)pair.client.local_address(), std::system_error);
    CHECK(pair.client.remote_address() == pair.server.local_address());
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("moving a stream does not disturb those who wait on it") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    auto reading = spawn(read_exact_text(pair.client, 5));
    co_await settle();
    tcp_stream moved = std::move(pair.client);
    co_await pair.server.write_all("hello, again");
    const std::string hello = co_await reading;
    CHECK(hello == "hello");
    const std::string again = co_await read_text(moved);
    CHECK(again == ", again");
    std::string error = co_await failure_of<std::logic_error>(read_text(pair.client));
    CHECK(error == "read from a socket that is empty or was moved from");
    error = co_await failure_of<std::logic_error>(write_text(pair.client, "x"));
    CHECK(error == "write to a socket that is empty or was moved from");
    co_await pair.client.close();
  });
}

TEST_CASE("in a cancelled scope nothing is sent, and close still closes") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    auto cleaning = spawn([](tcp_stream& s) -> task<> {
      bool cancelled_here = false;
      try {
        co_await read_text(s);
      } catch (const cancelled&) {
        cancelled_here = true;
      }
      CHECK(cancelled_here);
      try {
        co_await s.write_all("goodbye");
      } catch (const cancelled&) {
        cancelled_here = false;
      }
      CHECK_FALSE(cancelled_here);
      co_await s.close();
    }(pair.client));
    const bool stopped = co_await cancel_waiting(std::move(cleaning));
    CHECK(stopped);
    CHECK_FALSE(pair.client.is_open());
    const std::string all = co_await read_to_end(pair.server);
    CHECK(all.empty());
  });
}

TEST_CASE("a read that is ready does not hide a cancellation") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.client.write_all("a,b");
    const std::string a = co_await pair.server.read_until(",", 10);
    CHECK(a == "a,");
    auto late = spawn([](tcp_stream& s) -> task<> {
      try {
        co_await sleep(std::chrono::hours(1));
      } catch (const cancelled&) {
      }
      co_await read_text(s);
      FAIL_CHECK("read in a cancelled scope");
    }(pair.server));
    const bool stopped = co_await cancel_waiting(std::move(late));
    CHECK(stopped);
    const std::string b = co_await read_text(pair.server);
    CHECK(b == "b");
  });
}

TEST_CASE("a stream that was never awaited, and empty spans") {
  on_a_loop([]() -> task<> {
    stream_pair pair = co_await connected_pair();
    { auto never = pair.client.read_until("x", 1); }
    const std::size_t none = co_await pair.client.read_some(std::span<std::byte>());
    CHECK(none == 0);
    co_await pair.client.write_all("");
    co_await pair.client.read_exactly(std::span<std::byte>());
    co_await pair.client.write_all("x");
    const std::string x = co_await read_text(pair.server);
    CHECK(x == "x");
  });
}

TEST_CASE("many connections at once") {
  on_a_loop([]() -> task<> {
    constexpr int count = 100;
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    auto server = spawn([](tcp_listener& from) -> task<> {
      for (int i = 0; i < count; ++i) {
        tcp_stream peer = co_await from.accept();
        spawn([](tcp_stream s) -> task<> {
          const std::string line = co_await s.read_until("\n", 100);
          co_await s.write_all(line);
        }(std::move(peer)))
            .detach();
      }
    }(listener));
    std::vector<task<>> clients;
    for (int i = 0; i < count; ++i) {
      clients.push_back([](endpoint to, std::string line) -> task<> {
        tcp_stream s = co_await tcp_stream::connect(to);
        co_await s.write_all(line);
        const std::string back = co_await read_to_end(s);
        CHECK(back == line);
      }(listener.local_address(), "line " + std::to_string(i) + "\n"));
    }
    co_await gather(std::move(clients));
    co_await server;
  });
}

TEST_CASE("a stream that outlives its loop touches nothing of the next one") {
  auto listener_of = [](tcp_stream* kept, tcp_stream* other) -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    *kept = co_await tcp_stream::connect(listener.local_address());
    *other = co_await listener.accept();
  };
  tcp_stream old_near, old_far;
  eddy::run(listener_of(&old_near, &old_far));
  const auto next_loop = [&]() -> task<> {
    tcp_stream near, far;
    co_await listener_of(&near, &far);
    old_near = tcp_stream();
    old_far = tcp_stream();
    co_await near.write_all("still here");
    std::array<std::byte, 10> room;
    co_await far.read_exactly(room);
    CHECK(near.is_open());
  };
  eddy::run(next_loop());
}
