#include <doctest/doctest.h>

#include <array>
#include <eddy/net/udp.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <set>
#include <vector>

#include "../support/byte_streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

struct message {
  message() {}
  std::string text;
  endpoint from;
  bool truncated = false;
};

task<message> next_message(udp_socket& s, std::size_t most = 2048) {
  message out;
  out.text.resize(most);
  const datagram got = co_await s.receive_from(std::as_writable_bytes(std::span(out.text)));
  out.text.resize(got.size);
  out.from = got.from;
  out.truncated = got.truncated;
  co_return std::move(out);
}

task<std::string> next_text(udp_socket& s) {
  message got = co_await next_message(s);
  co_return std::move(got.text);
}

task<> send_text(udp_socket& s, std::string text) { co_await s.send(text); }
task<> send_text_to(udp_socket& s, std::string text, endpoint to) { co_await s.send_to(text, to); }

udp_socket local_socket(const udp_options& options = udp_options()) {
  return udp_socket::bind(endpoint::loopback(0), options);
}

// An address at which nobody has a socket any more.
task<endpoint> deserted() {
  udp_socket socket = local_socket();
  const endpoint at = socket.local_address();
  co_await socket.close();
  co_return at;
}

}  // namespace

TEST_CASE("udp: datagrams come with their senders, one at a time") {
  run([]() -> task<> {
    udp_socket server = local_socket();
    udp_socket client = udp_socket::open(ip_family::v4);
    co_await client.send_to("first", server.local_address());
    co_await client.send_to(std::as_bytes(std::span("second", 6)), server.local_address());
    const message first = co_await next_message(server);
    CHECK(first.text == "first");
    CHECK(first.from.port() == client.local_address().port());
    CHECK_FALSE(first.truncated);
    const std::string second = co_await next_text(server);
    CHECK(second == "second");
    co_await server.send_to("answer", first.from);
    const message answer = co_await next_message(client);
    CHECK(answer.text == "answer");
    CHECK(answer.from == server.local_address());
  }());
}

TEST_CASE("udp: IPv6") {
  run([]() -> task<> {
    udp_socket server;
    try {
      server = udp_socket::bind(endpoint::parse("[::1]:0"));
    } catch (const std::system_error&) {
      MESSAGE("this machine has no IPv6 loopback");
      co_return;
    }
    udp_socket client = udp_socket::open(ip_family::v6);
    co_await client.send_to("six", server.local_address());
    const message six = co_await next_message(server);
    CHECK(six.text == "six");
    CHECK(six.from.is_ipv6());
    co_await server.send_to("back", six.from);
    const message back = co_await next_message(client);
    CHECK(back.from == server.local_address());
  }());
}

TEST_CASE("udp: an empty datagram is a datagram, and what does not fit is cut") {
  run([]() -> task<> {
    udp_socket server = local_socket();
    udp_socket client = local_socket();
    const endpoint to = server.local_address();
    co_await client.send_to("", to);
    co_await client.send_to("0123456789", to);
    co_await client.send_to("", to);
    co_await client.send_to("to nowhere", to);
    co_await client.send_to("0123456789", to);
    const message empty = co_await next_message(server);
    CHECK(empty.text.empty());
    CHECK(empty.from == client.local_address());
    CHECK_FALSE(empty.truncated);
    const message cut = co_await next_message(server, 4);
    CHECK(cut.text == "0123");
    CHECK(cut.from == client.local_address());
    CHECK(cut.truncated);
    const std::string again = co_await next_text(server);
    CHECK(again.empty());
    const message dropped = co_await next_message(server, 0);
    CHECK(dropped.text.empty());
    CHECK(dropped.truncated);
    const message whole = co_await next_message(server, 10);
    CHECK(whole.text == "0123456789");
    CHECK_FALSE(whole.truncated);
  }());
}

TEST_CASE("udp: a connected socket hears its peer alone") {
  run([]() -> task<> {
    udp_socket server = local_socket();
    udp_socket stranger = local_socket();
    udp_socket client = local_socket();
    client.connect(server.local_address());
    co_await stranger.send_to("spam", client.local_address());
    co_await client.send("ping");
    const message ping = co_await next_message(server);
    CHECK(ping.text == "ping");
    CHECK(ping.from == client.local_address());
    co_await server.send_to("pong", ping.from);
    const message pong = co_await next_message(client);
    CHECK(pong.text == "pong");
    CHECK(pong.from == server.local_address());

    client.connect(stranger.local_address());
    co_await client.send(std::as_bytes(std::span("hello", 5)));
    const std::string hello = co_await next_text(stranger);
    CHECK(hello == "hello");
  }());
}

TEST_CASE("udp: a port without a socket refuses, once, and the socket goes on") {
  run([]() -> task<> {
    const endpoint nobody = co_await deserted();
    udp_socket client = local_socket();
    client.connect(nobody);
    co_await client.send("is anybody there?");
    std::string error = co_await failure_of<std::system_error>(next_text(client));
    CHECK(error == "receive from " + nobody.to_string() + ": Connection refused");
    // The same for one that waits already.
    auto waiting = spawn(failure_of<std::system_error>(next_text(client)));
    co_await settle();
    CHECK_FALSE(waiting.done());
    co_await client.send("and now?");
    error = co_await waiting;
    CHECK(error == "receive from " + nobody.to_string() + ": Connection refused");
    co_await client.send("still not?");
    error = co_await failure_of<std::system_error>(send_text(client, "then not"));
    CHECK(error == "send to " + nobody.to_string() + ": Connection refused");

    udp_socket server = udp_socket::bind(nobody);
    co_await client.send("now");
    const std::string now = co_await next_text(server);
    CHECK(now == "now");
    // Without a peer nobody hears of it.
    udp_socket free = local_socket();
    const endpoint elsewhere = co_await deserted();
    co_await free.send_to("x", elsewhere);
    co_await free.send_to("x", elsewhere);
  }());
}

TEST_CASE("udp: errors name the size and the address") {
  run([]() -> task<> {
    udp_socket client = local_socket();
    const endpoint to = client.local_address();
    const std::string large(65'508, 'x');  // UDP over IPv4 takes 65,507
    std::string error = co_await failure_of<std::system_error>(send_text_to(client, large, to));
    CHECK(error == "send a datagram of 65508 bytes to " + to.to_string() + ": Message too long");
    co_await client.send_to(std::string_view(large).substr(1), to);
    const message most = co_await next_message(client, 70'000);
    CHECK(most.text.size() == 65'507);
    error = co_await failure_of<std::system_error>(send_text(client, "x"));
    CHECK(error ==
          "send without an address from " + to.to_string() + ": Destination address required");
    error.clear();
    try {
      (void)udp_socket::bind(to);
    } catch (const std::system_error& e) {
      error = e.what();
    }
    CHECK(error == "bind to " + to.to_string() + ": Address already in use");
    const endpoint broadcast = endpoint::parse("255.255.255.255:9");
    error = co_await failure_of<std::system_error>(send_text_to(client, "x", broadcast));
    CHECK(error == "send to 255.255.255.255:9: Permission denied");
    error.clear();
    try {
      client.connect(endpoint::parse("[::1]:9"));
    } catch (const std::system_error& e) {
      error = e.what();
    }
    CHECK(error.starts_with("connect a datagram socket to [::1]:9: "));
  }());
  CHECK_THROWS_AS((void)local_socket(), std::logic_error);
  CHECK_THROWS_AS((void)udp_socket::open(ip_family::v4), std::logic_error);
}

TEST_CASE("udp: options") {
  run([]() -> task<> {
    const auto shared = udp_options().reuse_port().receive_buffer(1 << 16).send_buffer(1 << 16);
    udp_socket first = local_socket(shared);
    udp_socket second = udp_socket::bind(first.local_address(), shared);
    CHECK(second.local_address() == first.local_address());
    // It may fail for want of a network, but not for want of the permission.
    udp_socket loud = udp_socket::open(ip_family::v4, udp_options().broadcast());
    const std::string error = co_await failure_of<std::system_error>(
        send_text_to(loud, "x", endpoint::parse("255.255.255.255:9")));
    CHECK(error.find("Permission denied") == error.npos);
    // A small receive buffer loses what does not fit, and nothing else.
    udp_socket small = local_socket(udp_options().receive_buffer(1));
    for (int i = 0; i < 100; ++i) {
      co_await first.send_to(std::string(1000, 'x'), small.local_address());
    }
    int came = 0;
    for (bool more = true; more; ++came) {
      const bool late = co_await times_out(next_text(small), std::chrono::milliseconds(20));
      more = !late;
    }
    CHECK(came < 100);
  }());
}

TEST_CASE("udp: one receiver; waits are cancelled, timed out and closed, and lose nothing") {
  run([]() -> task<> {
    udp_socket server = local_socket();
    udp_socket client = local_socket();
    client.connect(server.local_address());
    bool stopped = co_await cancel_waiting(spawn(next_text(server)));
    CHECK(stopped);
    const bool late = co_await times_out(next_text(server));
    CHECK(late);
    co_await client.send("kept");
    const std::string kept = co_await next_text(server);
    CHECK(kept == "kept");

    auto waiting = spawn(code_of(next_text(server)));
    co_await settle();
    std::string error = co_await failure_of<std::logic_error>(next_text(server));
    CHECK(error == "receive on " + server.local_address().to_string() +
                       ": another coroutine is doing that already");
    udp_socket moved = std::move(server);
    co_await settle();
    CHECK_FALSE(waiting.done());
    co_await moved.close();
    co_await moved.close();
    const std::string code = co_await waiting;
    CHECK(code == "operation_canceled");
    error = co_await code_of(next_text(moved));
    CHECK(error == "bad_file_descriptor");
    error = co_await code_of(send_text_to(moved, "x", client.local_address()));
    CHECK(error == "bad_file_descriptor");
    CHECK_THROWS_AS((void)moved.local_address(), std::system_error);
    CHECK_THROWS_AS(moved.connect(client.local_address()), std::system_error);
    error = co_await failure_of<std::logic_error>(next_text(server));
    CHECK(error == "receive on a socket that is empty or was moved from");
    error = co_await failure_of<std::logic_error>(send_text(server, "x"));
    CHECK(error == "send to a socket that is empty or was moved from");

    auto doomed = spawn(code_of(next_text(client)));
    co_await settle();
    client = udp_socket();
    const std::string doomed_code = co_await doomed;
    CHECK(doomed_code == "operation_canceled");
  }());
}

TEST_CASE("udp: a datagram that arrives while its receiver is cancelled is not lost") {
  run([]() -> task<> {
    udp_socket server = local_socket();
    udp_socket client = local_socket();
    std::set<std::string> came;
    constexpr int rounds = 50;
    for (int i = 0; i < rounds; ++i) {
      auto receiving = spawn(next_text(server));
      for (int pause = 0; pause < 1 + i % 3; ++pause) co_await yield();
      co_await client.send_to(std::to_string(i), server.local_address());
      if (i % 2 == 1) co_await settle();
      receiving.cancel();
      std::string text;
      try {
        text = co_await receiving;
      } catch (const task_cancelled&) {
      }
      if (text.empty()) text = co_await next_text(server);
      came.insert(text);
    }
    CHECK(came.size() == rounds);
  }());
}

TEST_CASE("udp: in a cancelled scope nothing is sent, and close still closes") {
  run([]() -> task<> {
    udp_socket server = local_socket();
    udp_socket client = local_socket();
    client.connect(server.local_address());
    auto cleaning = spawn([](udp_socket& s) -> task<> {
      bool cancelled_here = false;
      try {
        co_await next_text(s);
      } catch (const cancelled&) {
        cancelled_here = true;
      }
      CHECK(cancelled_here);
      try {
        co_await s.send("goodbye");
      } catch (const cancelled&) {
        cancelled_here = false;
      }
      CHECK_FALSE(cancelled_here);
      co_await s.close();
    }(client));
    const bool stopped = co_await cancel_waiting(std::move(cleaning));
    CHECK(stopped);
    CHECK_FALSE(client.is_open());
    const bool late = co_await times_out(next_text(server));
    CHECK(late);
  }());
}

TEST_CASE("udp: a receiver that is behind gets one datagram after the other") {
  run([]() -> task<> {
    udp_socket server = local_socket(udp_options().receive_buffer(1 << 20));
    udp_socket client = local_socket();
    client.connect(server.local_address());
    constexpr int count = 100;
    auto sending = spawn([](udp_socket& s) -> task<> {
      for (int i = 0; i < count; ++i) {
        const std::string text = std::to_string(i);
        co_await s.send(text);
      }
    }(client));
    co_await sending;
    for (int i = 0; i < count; ++i) {
      const std::string text = co_await next_text(server);
      CHECK(text == std::to_string(i));
    }
  }());
}
