// The timeouts that are for one kind of wait each.
#include <array>
#include <eddy/runtime/timeout.hpp>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::request_timeout;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;
using eddy::http::timeout_kind;

namespace {

// The kind of the timeout and what it says behind the URL.
class outcome {
 public:
  outcome() {}
  timeout_kind kind = timeout_kind::total;
  std::string text = "no timeout";
};

task<outcome> outcome_of(eddy::http::request_builder request, std::string place) {
  outcome seen;
  try {
    (void)co_await text_of(std::move(request));
  } catch (const request_timeout& e) {
    seen.kind = e.kind();
    const std::string text = e.what();
    seen.text = text.substr(std::min(text.find(place) + place.size(), text.size()));
  }
  co_return std::move(seen);
}

task<> stays(origin_peer* peer) { return peer->stay(); }

task<> half_a_body(origin_peer* peer) {
  const std::string asked = co_await peer->request();
  co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  co_await peer->stay();
}

}  // namespace

TEST_CASE("the pool timeout is for the wait in line") {
  const auto main = []() -> task<> {
    scripted_origin half(half_a_body);
    session client(session_options().limit(1).pool_timeout(5ms));
    response held = co_await client.get(half.url());
    const outcome seen = co_await outcome_of(client.get(half.url()), half.url());
    CHECK(seen.kind == timeout_kind::pool);
    CHECK(seen.text == ": waiting for a connection: the pool timeout of 0.005 s passed");
    CHECK(client.statistics().waiting == 0);
    CHECK(client.statistics().in_use == 1);
  };
  eddy::run(main());
}

TEST_CASE("the first-byte timeout runs from the end of the request to the first byte") {
  const auto main = []() -> task<> {
    scripted_origin silent(stays);
    session client(session_options().first_byte_timeout(20ms));
    outcome seen = co_await outcome_of(client.get(silent.url()), silent.url());
    CHECK(seen.kind == timeout_kind::first_byte);
    CHECK(seen.text == ": waiting for the response: the first-byte timeout of 0.020 s passed");
    // The nearer one of two counts.
    seen = co_await outcome_of(client.get(silent.url()).read_timeout(2ms), silent.url());
    CHECK(seen.kind == timeout_kind::read);
    // Once a byte has come it is over, an interim response's included.
    scripted_origin slow([](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 103 Early\r\n\r\n");
      co_await eddy::sleep(60ms);
      co_await peer->stream.write_all(reply_with("x"));
    });
    CHECK(co_await text_of(client.get(slow.url())) == "x");
    CHECK(client.statistics().in_use == 0);
  };
  eddy::run(main());
}

TEST_CASE("a long upload is no matter of the first-byte timeout" * needs_full_turns()) {
  const auto main = []() -> task<> {
    scripted_origin slow([](origin_peer* peer) -> task<> {
      co_await eddy::sleep(100ms);
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all(reply_with("x"));
    });
    session client(session_options().first_byte_timeout(2s).write_timeout(2s));
    const std::string body(20'000'000, 'b');
    CHECK(co_await text_of(client.put(slow.url()).body(body).first_byte_timeout(80ms)) == "x");
  };
  eddy::run(main());
}

TEST_CASE("the write timeout runs between two pieces that the connection takes") {
  const auto main = []() -> task<> {
    scripted_origin deaf([](origin_peer* peer) -> task<> {
      (void)peer;
      co_await eddy::sleep(1h);
    });
    session client(session_options().write_timeout(20ms));
    const outcome seen =
        co_await outcome_of(client.put(deaf.url()).body(large_text()), deaf.url());
    CHECK(seen.kind == timeout_kind::write);
    CHECK(seen.text == ": sending the request: the write timeout of 0.020 s passed");
    CHECK(client.statistics().open == 0);
    // The total counts where it is nearer.
    const outcome total = co_await outcome_of(
        client.put(deaf.url()).body(large_text()).timeout(10ms).write_timeout(1h), deaf.url());
    CHECK(total.kind == timeout_kind::total);
  };
  eddy::run(main());
}

TEST_CASE("an upload that gets on is not ended by the write timeout" * needs_full_turns()) {
  const auto main = []() -> task<> {
    scripted_origin slow([](origin_peer* peer) -> task<> {
      std::size_t got = 0;
      while (got < 8'000'000) {
        const eddy::lease came = co_await peer->stream.receive();
        if (came.empty()) co_return;
        got += came.size();
        if (got % 16 == 0) co_await eddy::sleep(1ms);
      }
      co_await peer->stream.write_all(reply_with("x"));
      co_await peer->stay();
    });
    session client(session_options().write_timeout(2s));
    CHECK(co_await text_of(client.put(slow.url()).body(std::string(8'000'000, 'b'))) == "x");
  };
  eddy::run(main());
}

TEST_CASE("the total timeout ends a body that comes faster than it is read") {
  const auto main = []() -> task<> {
    constexpr std::size_t size = 1024 * 1024;
    scripted_origin origin(always(reply_with(std::string(size, 'x'))));
    session client(session_options().timeout(200ms));
    response answer = co_await client.get(origin.url());
    const eddy::time_point begun = eddy::now();
    std::array<std::byte, 4096> piece;
    std::size_t came = 0;
    std::string failed;
    try {
      while (came < size) {
        came += co_await answer.read_some(piece);
        co_await eddy::sleep(5ms);
      }
    } catch (const request_timeout& e) {
      CHECK(e.kind() == timeout_kind::total);
      failed = e.what();
    }
    CHECK(failed == "GET " + origin.url() +
                        ": reading the response: the total timeout of 0.200 s passed");
    CHECK(eddy::now() - begun >= 190ms);
    CHECK(came < size / 2);
    check_nothing_in_use(client);
  };
  eddy::run(main());
}
