// Uploads to servers that do not read, read slowly, answer early or go; and cancelled anywhere.
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <functional>

#include "../support/descriptors.hpp"
#include "../support/heap.hpp"
#include "../support/simulated.hpp"
#include "../support/upload_site.hpp"

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::request_timeout;
using eddy::http::response;
using eddy::http::session;
using eddy::http::timeout_kind;

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

// Pieces without end, counted; `ended` when it is destroyed.
eddy::generator<std::string> endless(std::size_t* pieces, bool* ended = nullptr) {
  struct at_end {
    ~at_end() {
      if (flag) *flag = true;
    }
    bool* flag;
  };
  const at_end here{ended};
  for (;;) {
    ++*pieces;
    co_yield std::string(piece_bytes, 'e');
  }
}

eddy::generator<std::string> one_then_waits(eddy::event* never) {
  co_yield "one";
  co_await never->wait();
}

task<> sized(eddy::http::request_builder request, std::string body) {
  const std::string text = co_await text_of(std::move(request).body(std::move(body)));
  CHECK(text == "done");
}

class timed_out {
 public:
  timed_out() {}
  timeout_kind kind = timeout_kind::total;
  std::string text;
};

task<timed_out> timeout_of(eddy::http::request_builder request) {
  timed_out seen;
  try {
    const response unexpected = co_await std::move(request);
  } catch (const request_timeout& e) {
    seen.kind = e.kind();
    seen.text = e.what();
  }
  co_return std::move(seen);
}

// Waits for the peer's end without reading what it sent.
task<> never_reads(eddy::event* over) { co_await over->wait(); }

}  // namespace

TEST_CASE("a server that never reads: the generator stops, and a timeout says which") {
  const auto main = []() -> task<> {
    eddy::event over;
    scripted_origin origin([&](origin_peer*) { return never_reads(&over); });
    session client(bare());
    std::size_t pieces = 0;
    bool ended = false;
    timed_out seen = co_await timeout_of(client.post(origin.url())
                                             .stream(endless(&pieces, &ended))
                                             .timeout(50ms));
    CHECK(seen.kind == timeout_kind::total);
    CHECK(seen.text == "POST " + origin.url() +
                           ": sending the request: the total timeout of 0.050 s passed");
    CHECK(ended);
    // What both sockets hold, no more.
    CHECK(pieces * piece_bytes < std::size_t{16} << 20);
    seen = co_await timeout_of(
        client.post(origin.url()).stream(endless(&pieces)).write_timeout(20ms));
    CHECK(seen.kind == timeout_kind::write);
    CHECK(seen.text == "POST " + origin.url() +
                           ": sending the request: the write timeout of 0.020 s passed");
    seen = co_await timeout_of(
        client.post(origin.url()).body(large_text()).write_timeout(20ms));
    CHECK(seen.kind == timeout_kind::write);
    CHECK(client.statistics().open == 0);
    over.set();
  };
  eddy::run(main());
}

TEST_CASE("a server that reads slowly is no failure of the write timeout") {
  const auto main = []() -> task<> {
    const std::string body = large_text().substr(0, 8 << 20);
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      std::string part(256 * 1024, '\0');
      for (std::size_t left = body.size(); left > 0;) {
        const std::size_t got =
            co_await peer->stream.read_some(std::as_writable_bytes(std::span<char>(part)));
        left -= got;
        co_await eddy::sleep(20ms);
      }
      co_await peer->stream.write_all(reply_with("done"));
      co_await peer->stay();
    });
    session client(bare());
    const eddy::time_point begun = eddy::now();
    // Shorter than all of it takes.
    co_await sized(client.put(origin.url()).write_timeout(400ms), body);
    CHECK(eddy::now() - begun > 400ms);
  };
  eddy::run(main());
}

TEST_CASE("an upload of a hundred megabytes takes the memory of a few pieces") {
  const auto main = []() -> task<> {
    constexpr std::size_t total = 1600 * piece_bytes;
    std::size_t most = 0;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      std::string part(piece_bytes, '\0');
      for (std::size_t left = total; left > 0;) {
        const std::size_t got =
            co_await peer->stream.read_some(std::as_writable_bytes(std::span<char>(part)));
        left -= got;
        most = std::max(most, heap_in_use());
      }
      co_await peer->stream.write_all(reply_with("done"));
      co_await peer->stay();
    });
    session client(bare());
    const std::size_t before = heap_in_use();
    const auto finite = []() -> eddy::generator<std::string> {
      for (std::size_t i = 0; i < 1600; ++i) co_yield std::string(piece_bytes, 'f');
    };
    CHECK(co_await text_of(client.put(origin.url()).stream(finite(), total)) == "done");
    CHECK(most < before + (std::size_t{4} << 20));
  };
  // The simulated network keeps what is on its way.
  if (!is_simulated()) eddy::run(main());
}

TEST_CASE("an early error ends the upload, also while the generator waits") {
  const auto main = []() -> task<> {
    eddy::event never;
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      co_await peer->stream.write_all(reply_with("enough", "413 Content Too Large"));
      co_await peer->stay();
    });
    session client(bare());
    response waits = co_await client.post(origin.url()).stream(one_then_waits(&never));
    CHECK(waits.status() == 413);
    CHECK(co_await waits.text() == "enough");
    std::size_t pieces = 0;
    bool ended = false;
    response busy = co_await client.post(origin.url()).stream(endless(&pieces, &ended));
    CHECK(busy.status() == 413);
    CHECK(ended);
    CHECK(co_await busy.text() == "enough");
    CHECK(client.statistics().open == 0);
    CHECK(never.waiting() == 0);
  };
  eddy::run(main());
}

TEST_CASE("an early success lets the upload go on") {
  const auto main = []() -> task<> {
    eddy::event head_seen;
    std::string got;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndo");
      head_seen.set();
      got = co_await peer->stream.read_until("0\r\n\r\n", 4096);
      co_await peer->stream.write_all("ne");
      co_await peer->answer_all(reply_with("next"));
    });
    const auto after = [](eddy::event* e) -> eddy::generator<std::string> {
      co_await e->wait();
      co_yield "late";
    };
    session client(bare());
    CHECK(co_await text_of(client.post(origin.url()).stream(after(&head_seen))) == "done");
    CHECK(got == "4\r\nlate\r\n0\r\n\r\n");
    CHECK(co_await text_of(client.get(origin.url())) == "next");
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("a server that goes in the middle of an upload") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      const eddy::lease some = co_await peer->stream.receive();
    });
    session client(bare());
    std::size_t pieces = 0;
    bool ended = false;
    int failed = 0;
    try {
      response answer = co_await client.post(origin.url()).stream(endless(&pieces, &ended));
    } catch (const std::system_error& e) {
      ++failed;
      CHECK(std::string(e.what()).starts_with("POST " + origin.url() + ": "));
    } catch (const eddy::http::error& e) {
      ++failed;
      CHECK(std::string(e.what()).starts_with("POST " + origin.url() + ": "));
    }
    CHECK(failed == 1);
    CHECK(ended);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

namespace {

using attempt = std::function<task<>(session&)>;

// Cancels the exchange after 0, 1, 2 … turns of the loop, until it is over before. In the simulator
// a turn may take no time, and a file much.
task<int> cancel_everywhere(attempt body, std::chrono::nanoseconds simulated_step = 1ns) {
  constexpr int most_turns = 3000;
  const auto step = is_simulated() ? simulated_step : 1ns;
  for (int k = 0; k < most_turns; ++k) {
    session client(bare());
    eddy::join_handle<> running = eddy::spawn(body(client));
    for (int i = 0; i < k && !running.done(); ++i) co_await eddy::sleep(step);
    const bool ended = running.done();
    running.cancel();
    const bool cancelled = co_await was_cancelled(std::move(running));
    check_nothing_in_use(client);
    CHECK(!(cancelled && ended));
    // What had its result, and not the turn to take it yet, keeps it.
    if (!cancelled) co_return k;
    if (k % 8 == 0) co_await body(client);
  }
  CHECK_MESSAGE(false, "the exchange did not end");
  co_return most_turns;
}

eddy::generator<std::string> with_pauses() {
  for (int i = 0; i < 4; ++i) {
    co_await eddy::sleep(1ns);
    co_yield std::string(30'000, 'p');
  }
}

}  // namespace

TEST_CASE("uploads cancelled at any point leave nothing behind") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    co_await put_file(folder.at("f"), std::string(200'000, 'f'));
    {
      scripted_origin origin([](origin_peer* peer) -> task<> {
        for (;;) {
          const std::string asked = co_await whole_request(peer);
          if (asked.empty()) co_return;
          const bool first = asked.find(" /first ") != std::string::npos;
          std::string reply = reply_with("done");
          if (first) reply = reply_with("go", "307 On", "Location: /there\r\n");
          co_await peer->stream.write_all(reply);
        }
      });
      const std::string at = origin.url();
      const std::string first = origin.url("/first");
      const auto check = [](std::string text) { CHECK(text == "done"); };
      const attempt file = [&](session& client) -> task<> {
        check(co_await text_of(client.put(first).body_file(folder.at("f"))));
      };
      const attempt generated = [&](session& client) -> task<> {
        check(co_await text_of(client.put(at).stream(with_pauses())));
      };
      const attempt form = [&](session& client) -> task<> {
        eddy::http::multipart parts;
        parts.field("a", "b").file("f", folder.at("f")).stream("g", with_pauses(), 120'000);
        check(co_await text_of(client.put(at).multipart(std::move(parts))));
      };
      int turns = co_await cancel_everywhere(file, 3'001ns);
      CHECK(turns > 5);
      turns = co_await cancel_everywhere(generated);
      CHECK(turns > 4);
      turns = co_await cancel_everywhere(form, 3'001ns);
      CHECK(turns > 5);
    }
    co_await settle();
  };
  const std::size_t before = is_simulated() ? 0 : open_descriptors();
  eddy::run(main());
  if (!is_simulated()) CHECK(open_descriptors() == before);
}

TEST_CASE("a wait for 100 Continue cancelled at any point leaves nothing behind") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      co_await eddy::sleep(1ns);
      co_await peer->stream.write_all("HTTP/1.1 100 Continue\r\n\r\n");
      const std::string body = co_await peer->stream.read_until("0\r\n\r\n", 1 << 20);
      co_await peer->stream.write_all(reply_with("done"));
      co_await peer->stay();
    });
    const std::string at = origin.url();
    const attempt expecting = [&](session& client) -> task<> {
      const std::string text =
          co_await text_of(client.post(at).stream(with_pauses()).expect_continue());
      CHECK(text == "done");
    };
    const int turns = co_await cancel_everywhere(expecting);
    CHECK(turns > 4);
  };
  eddy::run(main());
}
