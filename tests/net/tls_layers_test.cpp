// TLS over what is not TCP: a unix socket, and another TLS.
#include <doctest/doctest.h>

#include <eddy/net/tls.hpp>
#include <eddy/net/unix.hpp>
#include <eddy/runtime/run.hpp>

#include "../../runtime/stream_state.hpp"
#include "../support/descriptors.hpp"
#include "../support/relay.hpp"
#include "../support/tls_peer.hpp"
#include "../support/tls_streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

void on_a_loop(task<> (*body)()) {
  (void)certificates::get();
  const std::size_t descriptors = open_descriptors();
  run(body());
  CHECK(open_descriptors() == descriptors);
}

const certificates& files() { return certificates::get(); }

task<tls_pair> connected_unix_tls_pair() {
  auto ends = unix_stream::pair();
  tls_pair pair = co_await tls_pair_over(std::move(ends.first), std::move(ends.second));
  co_return std::move(pair);
}

task<bool> arrives(tls_stream& s, const std::string& wanted) {
  std::string all;
  while (all.size() < wanted.size()) {
    const std::string part = co_await read_text(s, 50'000);
    if (part.empty()) break;
    all += part;
  }
  co_return all == wanted;
}

// A carrier between two ends, with what lies between in the test's hands.
struct relayed {
  relayed(stream_pair a, stream_pair b, tls_pair c) noexcept
      : near(std::move(a)), far(std::move(b)), carrier(std::move(c)) {}
  stream_pair near;
  stream_pair far;
  tls_pair carrier;
};

task<relayed> relayed_carrier() {
  stream_pair near = co_await connected_pair();
  stream_pair far = co_await connected_pair();
  auto up = spawn(forward(near.server, far.client, no_limit));
  auto down = spawn(forward(far.client, near.server, no_limit));
  tls_pair carrier = co_await tls_pair_over(std::move(near.client), std::move(far.server));
  const bool up_stopped = co_await cancel_waiting(std::move(up));
  const bool down_stopped = co_await cancel_waiting(std::move(down));
  CHECK(up_stopped);
  CHECK(down_stopped);
  co_return relayed(std::move(near), std::move(far), std::move(carrier));
}

// The relay was cancelled, or has met the end of a carrier that was dropped half read: a reset.
task<> ended(join_handle<std::size_t> relay) {
  try {
    co_await was_cancelled(std::move(relay));
  } catch (const std::system_error& e) {
    CHECK((e.code() == std::errc::connection_reset || e.code() == std::errc::broken_pipe));
  }
}

// A handshake through the carrier, of which the relay lets so much through. Both sides are
// cancelled when nothing moves any more; true if both were still at it.
task<bool> stalls(limits most) {
  relayed r = co_await relayed_carrier();
  auto client =
      spawn(tls_stream::connect(std::move(r.carrier.client), "localhost", trusting(files().ca)));
  auto server = spawn(tls_stream::accept(std::move(r.carrier.server), serving(files().good)));
  auto up = spawn(forward(r.near.server, r.far.client, most.up));
  auto down = spawn(forward(r.far.client, r.near.server, most.down));
  co_await settle();
  const bool waits = !client.done() && !server.done();
  client.cancel();
  server.cancel();
  up.cancel();
  down.cancel();
  const bool client_cancelled = co_await was_cancelled(std::move(client));
  const bool server_cancelled = co_await was_cancelled(std::move(server));
  co_await ended(std::move(up));
  co_await ended(std::move(down));
  co_return waits && client_cancelled && server_cancelled;
}

// A client whose TLS to the origin goes through a tls_peer, which the test owns.
struct proxied {
  static task<> go_up(tls_peer& from, unix_stream& to) {
    while (true) {
      const std::string part = co_await from.read();
      co_await to.write_all(part);
    }
  }
  static task<> go_down(unix_stream& from, tls_peer& to) {
    while (true) {
      const std::string part = co_await read_text(from);
      co_await to.write(part);
    }
  }

  task<tcp_stream> client_of_proxy() {
    stream_pair pair = co_await connected_pair();
    raw = std::move(pair.client);
    co_return std::move(pair.server);
  }
  task<> meet(tls_peer& proxy) {
    auto carrier = co_await gather(
        tls_stream::connect(std::move(raw), "localhost", trusting(files().ca)),
        proxy.handshake());
    auto ends = unix_stream::pair();
    behind = std::move(ends.first);
    up = spawn(go_up(proxy, behind));
    down = spawn(go_down(behind, proxy));
    auto both = co_await gather(
        tls_stream::connect(std::move(std::get<0>(carrier)), "localhost", trusting(files().ca)),
        tls_stream::accept(std::move(ends.second), serving(files().good)));
    client = std::move(std::get<0>(both));
    origin = std::move(std::get<1>(both));
  }
  task<> stop() {
    const bool up_stopped = co_await cancel_waiting(std::move(up));
    const bool down_stopped = co_await cancel_waiting(std::move(down));
    CHECK(up_stopped);
    CHECK(down_stopped);
  }

  tcp_stream raw;
  unix_stream behind;
  tls_stream client;
  tls_stream origin;
  join_handle<void> up;
  join_handle<void> down;
};

}  // namespace

TEST_CASE("tls layers: over a unix socket, both ways, and what has no address") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_unix_tls_pair();
    const std::string sent = large_text();
    auto up = spawn(write_text(pair.client, sent));
    auto down = spawn(write_text(pair.server, sent));
    auto both = co_await gather(arrives(pair.client, sent), arrives(pair.server, sent));
    CHECK(std::get<0>(both));
    CHECK(std::get<1>(both));
    co_await up;
    co_await down;
    CHECK_THROWS_WITH_AS((void)pair.client.local_address(),
                         "local address of localhost: not a TCP connection", std::logic_error);
    CHECK_THROWS_WITH_AS((void)pair.client.remote_address(),
                         "remote address of localhost: not a TCP connection", std::logic_error);
    CHECK(pair.client.is_quiet());
    co_await pair.client.shutdown();
    co_await settle();
    CHECK_FALSE(pair.server.is_quiet());
    const std::string end = co_await read_text(pair.server);
    CHECK(end.empty());
    co_await pair.client.close();
    const std::string error = co_await failure_of<tls_truncated>(read_text(pair.server));
    CHECK(error.empty());
    const std::string lost = co_await failure_of<std::system_error>(write_text(pair.server, "x"));
    CHECK(lost.starts_with("write to the other end of a socket pair: "));
  });
}

TEST_CASE("tls layers: cancelled over a unix socket, in a handshake and in a read") {
  on_a_loop([]() -> task<> {
    auto ends = unix_stream::pair();
    const bool dialing = co_await cancel_waiting(
        spawn(tls_stream::connect(std::move(ends.first), "localhost", trusting(files().ca))));
    CHECK(dialing);
    auto others = unix_stream::pair();
    const bool accepting = co_await cancel_waiting(
        spawn(tls_stream::accept(std::move(others.first), serving(files().good))));
    CHECK(accepting);
    tls_pair pair = co_await connected_unix_tls_pair();
    const bool reading = co_await cancel_waiting(spawn(read_text(pair.client)));
    CHECK(reading);
    co_await pair.server.write_all("hello");
    const std::string hello = co_await read_text(pair.client);
    CHECK(hello == "hello");
  });
}

TEST_CASE("tls layers: TLS in TLS, both ways at once") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_nested_pair();
    CHECK(pair.client.version() == "TLSv1.3");
    CHECK(pair.client.remote_address() == pair.server.local_address());
    CHECK(pair.server.remote_address() == pair.client.local_address());
    const std::string sent = large_text();
    auto up = spawn(write_text(pair.client, sent));
    auto down = spawn(write_text(pair.server, sent));
    auto both = co_await gather(arrives(pair.client, sent), arrives(pair.server, sent));
    CHECK(std::get<0>(both));
    CHECK(std::get<1>(both));
    co_await up;
    co_await down;
    CHECK(pair.client.is_quiet());
    co_await pair.client.shutdown();
    const std::string end = co_await read_text(pair.server);
    CHECK(end.empty());
    co_await pair.server.write_all("answer");
    co_await settle();
    CHECK_FALSE(pair.client.is_quiet());
    const std::string answer = co_await read_text(pair.client);
    CHECK(answer == "answer");
    CHECK(pair.client.is_quiet());
    co_await pair.server.close();
    const std::string cut = co_await failure_of<tls_truncated>(read_text(pair.client));
    CHECK(cut ==
          "TLS: read from localhost: the connection ended without close_notify; data may be "
          "missing");
    co_await pair.client.close();
    CHECK_FALSE(pair.client.is_open());
  });
}

TEST_CASE("tls layers: three deep") {
  on_a_loop([]() -> task<> {
    tls_pair carrier = co_await connected_nested_pair();
    tls_pair pair = co_await tls_pair_over(std::move(carrier.client), std::move(carrier.server));
    co_await pair.client.write_all("deep");
    const std::string deep = co_await read_text(pair.server);
    CHECK(deep == "deep");
  });
}

TEST_CASE("tls layers: each layer verifies its own host") {
  on_a_loop([]() -> task<> {
    tls_pair carrier = co_await connected_tls_pair();
    auto both = co_await gather_settled(
        tls_stream::connect(std::move(carrier.client), "other.test", trusting(files().ca)),
        tls_stream::accept(std::move(carrier.server), serving(files().good)));
    std::string said;
    try {
      (void)std::get<0>(both).value();
    } catch (const certificate_error& e) {
      said = e.what();
    }
    CHECK(said == "certificate verify failed for other.test: hostname mismatch");
    tls_stream empty;
    const std::string nobody = co_await failure_of<std::logic_error>(
        tls_stream::connect(std::move(empty), "localhost", tls_context()));
    CHECK(nobody == "TLS over a stream that is empty or was moved from");
    tls_stream no_client;
    const std::string no_peer = co_await failure_of<std::logic_error>(
        tls_stream::accept(std::move(no_client), serving(files().good)));
    CHECK(no_peer == nobody);
  });
}

TEST_CASE("tls layers: a carrier that ends, cleanly or not, during the handshake within") {
  on_a_loop([]() -> task<> {
    tls_pair first = co_await connected_tls_pair();
    co_await first.server.shutdown();
    std::string error = co_await failure_of<tls_handshake_closed>(
        tls_stream::connect(std::move(first.client), "origin.test", trusting(files().ca)));
    CHECK(error == "TLS handshake with origin.test: the peer closed the connection");
    tls_pair second = co_await connected_tls_pair();
    auto dialing = spawn(failure_of<tls_handshake_closed>(
        tls_stream::connect(std::move(second.client), "origin.test", trusting(files().ca))));
    const std::string hello = co_await read_text(second.server);
    CHECK_FALSE(hello.empty());
    co_await second.server.close();
    error = co_await dialing;
    CHECK(error ==
          "TLS handshake with origin.test: TLS: read from localhost: the connection ended without "
          "close_notify; data may be missing");
    tls_pair third = co_await connected_tls_pair();
    co_await third.client.shutdown();
    error = co_await failure_of<tls_error>(
        tls_stream::connect(std::move(third.client), "origin.test", trusting(files().ca)));
    CHECK(error == "TLS: write to localhost: the stream was shut down for writing");
  });
}

TEST_CASE("tls layers: a carrier whose keys change") {
  on_a_loop([]() -> task<> {
    proxied p;
    tcp_stream accepted = co_await p.client_of_proxy();
    tls_peer proxy(std::move(accepted), files().good);
    co_await p.meet(proxy);
    for (int i = 0; i < 3; ++i) {
      auto reading = spawn(read_text(p.client));
      co_await settle();
      co_await proxy.update_keys();
      co_await settle();
      CHECK_FALSE(reading.done());
      co_await p.origin.write_all("news");
      const std::string news = co_await reading;
      CHECK(news == "news");
      co_await p.client.write_all("thanks");
      const std::string thanks = co_await read_text(p.origin);
      CHECK(thanks == "thanks");
    }
    co_await p.stop();
  });
}

TEST_CASE("tls layers: what a carrier has to answer is sent while the stream within is read") {
  on_a_loop([]() -> task<> {
    proxied p;
    tcp_stream accepted = co_await p.client_of_proxy();
    tls_peer proxy(std::move(accepted), files().good);
    proxy.set_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    co_await p.meet(proxy);
    co_await p.stop();
    auto reading = spawn(failure_of<std::exception>(read_text(p.client)));
    co_await settle();
    co_await proxy.ask_to_renegotiate();
    co_await settle();
    CHECK_FALSE(reading.done());
    // The refusal.
    CHECK_FALSE(detail::is_quiet(proxy.stream().descriptor()));
    co_await proxy.stream().close();
    const std::string error = co_await reading;
    CHECK_FALSE(error.empty());
  });
}

TEST_CASE("tls layers: a handshake in TLS can be cancelled wherever it stands") {
  on_a_loop([]() -> task<> {
    int stalled = 0;
    int tried = 0;
    for (std::size_t up = 0; up < 200; up += 67) {
      const bool waits = co_await stalls(limits(up, no_limit));
      stalled += waits;
      ++tried;
    }
    // The server's certificate alone is longer.
    for (std::size_t down = 0; down < 600; down += 67) {
      const bool waits = co_await stalls(limits(no_limit, down));
      stalled += waits;
      ++tried;
    }
    CHECK(stalled == tried);
    // Nothing but the limits has stopped them.
    relayed r = co_await relayed_carrier();
    auto up = spawn(forward(r.near.server, r.far.client, no_limit));
    auto down = spawn(forward(r.far.client, r.near.server, no_limit));
    co_await tls_pair_over(std::move(r.carrier.client), std::move(r.carrier.server));
    up.cancel();
    down.cancel();
    co_await ended(std::move(up));
    co_await ended(std::move(down));
  });
}

TEST_CASE("tls layers: cancelled reads lose no bytes, wherever records are cut") {
  on_a_loop([]() -> task<> {
    relayed r = co_await relayed_carrier();
    auto up = spawn(forward(r.near.server, r.far.client, no_limit));
    auto first_down = spawn(forward(r.far.client, r.near.server, no_limit));
    tls_pair pair =
        co_await tls_pair_over(std::move(r.carrier.client), std::move(r.carrier.server));
    const bool stopped = co_await cancel_waiting(std::move(first_down));
    CHECK(stopped);
    const std::string sent = large_text().substr(0, 60'000);
    auto writing = spawn(write_text(pair.server, sent));
    std::string got;
    int cancelled_reads = 0;
    while (got.size() < sent.size()) {
      auto reading = spawn(read_text(pair.client, 1000));
      co_await settle();
      if (reading.done()) {
        const std::string part = co_await reading;
        got += part;
        continue;
      }
      reading.cancel();
      const bool cancelled = co_await was_cancelled(std::move(reading));
      CHECK(cancelled);
      ++cancelled_reads;
      co_await forward_piece(r.far.client, r.near.server, 777);
    }
    CHECK((got == sent));
    CHECK(cancelled_reads > 60);
    co_await writing;
    const bool relay_stopped = co_await cancel_waiting(std::move(up));
    CHECK(relay_stopped);
  });
}

TEST_CASE("tls layers: a stuck writer and a cancelled one leave the reader alone") {
  on_a_loop([]() -> task<> {
    // A unix socket that is full takes nothing: what a cancelled write has left stays there.
    tls_pair carrier = co_await connected_unix_tls_pair();
    tls_pair pair = co_await tls_pair_over(std::move(carrier.client), std::move(carrier.server));
    auto writing = spawn(write_text(pair.client, large_text()));
    co_await settle();
    CHECK_FALSE(writing.done());
    co_await pair.server.write_all("hello");
    std::string got = co_await read_text(pair.client);
    CHECK(got == "hello");
    const bool stopped = co_await cancel_waiting(std::move(writing));
    CHECK(stopped);
    const std::string why =
        "TLS: write to localhost: an earlier write did not finish and may have sent a part of its "
        "bytes";
    std::string error = co_await failure_of<tls_error>(write_text(pair.client, "x"));
    CHECK(error == why);
    error = co_await failure_of<tls_error>(pair.client.shutdown());
    CHECK(error == why);
    co_await pair.server.write_all("and on");
    got = co_await read_text(pair.client);
    CHECK(got == "and on");
  });
}

TEST_CASE("tls layers: a stream destroyed while coroutines wait in both its layers") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_nested_pair();
    auto reading = spawn(failure_of<std::system_error>(read_text(pair.client)));
    auto writing = spawn(failure_of<std::system_error>(write_text(pair.client, large_text())));
    co_await settle();
    const std::string busy = co_await failure_of<std::logic_error>(read_text(pair.client));
    CHECK(busy == "TLS: read from localhost: another coroutine is doing that already");
    pair.client = tls_stream();
    const std::string read_error = co_await reading;
    CHECK(read_error.find("Operation canceled") != std::string::npos);
    const std::string write_error = co_await writing;
    CHECK(write_error.find("Operation canceled") != std::string::npos);
  });
}
