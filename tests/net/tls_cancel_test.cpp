// Cancellation at every point where a TLS stream can wait. A relay between the two sides lets bytes
// through in pieces and up to a limit, so that they stop wherever the test wants them to.
#include <doctest/doctest.h>

#include <eddy/net/tls.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <system_error>

#include "../support/descriptors.hpp"
#include "../support/relay.hpp"
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

// A handshake through the relay. Both sides are cancelled when nothing moves any more; true if both
// were still at it.
task<bool> stalled_handshake(limits most) {
  stream_pair near = co_await connected_pair();
  stream_pair far = co_await connected_pair();
  const certificates& files = certificates::get();
  auto client = spawn(tls_stream::connect(std::move(near.client), "localhost", trusting(files.ca)));
  auto server = spawn(tls_stream::accept(std::move(far.server), serving(files.good)));
  auto up = spawn(forward(near.server, far.client, most.up));
  auto down = spawn(forward(far.client, near.server, most.down));
  co_await settle();
  const bool waits = !client.done() && !server.done();
  client.cancel();
  server.cancel();
  up.cancel();
  down.cancel();
  const bool client_cancelled = co_await was_cancelled(std::move(client));
  const bool server_cancelled = co_await was_cancelled(std::move(server));
  co_await was_cancelled(std::move(up));
  co_await was_cancelled(std::move(down));
  if (waits) {
    CHECK(client_cancelled);
    CHECK(server_cancelled);
  }
  co_return bool{waits};
}

// How many bytes a whole handshake takes each way.
task<limits> handshake_size() {
  stream_pair near = co_await connected_pair();
  stream_pair far = co_await connected_pair();
  auto up = spawn(forward(near.server, far.client, no_limit));
  auto down = spawn(forward(far.client, near.server, no_limit));
  {
    const tls_pair pair = co_await tls_pair_over(std::move(near.client), std::move(far.server));
    co_await settle();
  }
  const std::size_t sent = co_await up;
  const std::size_t received = co_await down;
  co_return limits(sent, received);
}

}  // namespace

TEST_CASE("tls: a handshake can be cancelled wherever it stands") {
  on_a_loop([]() -> task<> {
    const limits whole = co_await handshake_size();
    REQUIRE(whole.up > 200);
    REQUIRE(whole.down > 500);
    int stalled = 0;
    int tried = 0;
    // The client's hello in parts; then all of it, and the server's answer in parts.
    for (std::size_t up = 0; up < 200; up += 67) {
      const bool waits = co_await stalled_handshake(limits(up, no_limit));
      stalled += waits;
      ++tried;
    }
    for (std::size_t down = 0; down < whole.down - 100; down += 97) {
      const bool waits = co_await stalled_handshake(limits(no_limit, down));
      stalled += waits;
      ++tried;
    }
    CHECK(stalled == tried);
  });
}

TEST_CASE("tls: a handshake that cannot send is cancelled") {
  on_a_loop([]() -> task<> {
    stream_pair raw = co_await connected_pair();
    // What does not fit into the socket's buffers keeps the hello from being sent.
    auto stuffing = spawn(write_text(raw.client, large_text()));
    const bool stuffed = co_await cancel_waiting(std::move(stuffing));
    CHECK(stuffed);
    // The writing side says why it is unusable, before it could wait.
    const std::string error = co_await failure_of<stream_error>(
        tls_stream::connect(std::move(raw.client), "localhost", trusting(certificates::get().ca)));
    CHECK(error.find("an earlier write was cancelled") != std::string::npos);
  });
}

TEST_CASE("tls: cancelled reads lose no bytes, wherever records are cut") {
  on_a_loop([]() -> task<> {
    stream_pair near = co_await connected_pair();
    stream_pair far = co_await connected_pair();
    auto up = spawn(forward(near.server, far.client, no_limit));
    auto first_down = spawn(forward(far.client, near.server, no_limit));
    tls_pair pair = co_await tls_pair_over(std::move(near.client), std::move(far.server));
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
      co_await forward_piece(far.client, near.server, 777);
    }
    CHECK((got == sent));
    CHECK(cancelled_reads > 60);
    co_await writing;
    const bool relay_stopped = co_await cancel_waiting(std::move(up));
    CHECK(relay_stopped);
  });
}

TEST_CASE("tls: a cancelled write makes the writing side unusable and says why; reading goes on") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    const bool stopped = co_await cancel_waiting(spawn(write_text(pair.client, large_text())));
    CHECK(stopped);
    const std::string why =
        "TLS: write to localhost: an earlier write did not finish and may have sent a part of its "
        "bytes";
    std::string error = co_await failure_of<tls_error>(write_text(pair.client, "x"));
    CHECK(error == why);
    error = co_await failure_of<tls_error>(pair.client.shutdown());
    CHECK(error == why);
    co_await pair.server.write_all("hello");
    const std::string hello = co_await read_text(pair.client);
    CHECK(hello == "hello");
    // Not a clean end for the peer either.
    co_await pair.client.close();
    error = co_await failure_of<tls_truncated>(read_to_end(pair.server));
    CHECK(error.find("without close_notify") != std::string::npos);
  });
}

TEST_CASE("tls: a cancelled shutdown leaves nothing waiting") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    auto late = spawn([](tls_stream& s) -> task<> {
      try {
        co_await sleep(std::chrono::hours(1));
      } catch (const cancelled&) {
      }
      co_await s.shutdown();
    }(pair.client));
    const bool stopped = co_await cancel_waiting(std::move(late));
    CHECK(stopped);
    const std::string error = co_await failure_of<tls_error>(pair.client.shutdown());
    CHECK(error.find("an earlier write did not finish") != std::string::npos);
  });
}
