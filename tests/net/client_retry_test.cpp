// When a request is sent again: dead connections, and servers that say "not now".
#include <eddy/net/http/timings.hpp>
#include <eddy/runtime/generator.hpp>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::response;
using eddy::http::retry_policy;
using eddy::http::session;
using eddy::http::session_options;

namespace {

// Answers the first request of each connection, and goes when the second has come.
task<> dies_at_the_second(origin_peer* peer) {
  const std::string first = co_await peer->request();
  co_await peer->stream.write_all(reply_with(first.substr(0, first.find(' '))));
  const std::string second = co_await peer->request();
}

// Answers so many requests with that, the others with "fine".
scripted_origin::script refusing(int times, std::string refusal) {
  auto left = std::make_shared<int>(times);
  return [left, refusal = std::move(refusal)](origin_peer* peer) -> task<> {
    for (;;) {
      const std::string asked = co_await peer->request();
      if (asked.empty()) co_return;
      const bool refused = (*left)-- > 0;
      const std::string reply = refused ? refusal : reply_with("fine");
      co_await peer->stream.write_all(reply);
    }
  };
}

std::string busy(const std::string& fields = "", const std::string& status = "503 Busy") {
  return reply_with("busy", status, fields);
}

retry_policy eager() { return retry_policy().first_delay(1ms).longest_delay(2ms); }

}  // namespace

TEST_CASE("a dead kept connection costs idempotent requests nothing, and POST an error") {
  const auto main = []() -> task<> {
    scripted_origin origin(dies_at_the_second);
    session client;
    for (const char* method : {"GET", "PUT", "DELETE", "OPTIONS"}) {
      CAPTURE(method);
      CHECK(co_await text_of(client.request(method, origin.url()).body("b")) == method);
    }
    CHECK(client.statistics().retries == 3);
    CHECK(client.statistics().reuses == 0);  // none of them brought a response
    CHECK_THROWS_AS(co_await text_of(client.post(origin.url()).body("b")), eddy::http::error);
    CHECK(client.statistics().retries == 3);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("the retry of dead connections can be turned off") {
  const auto main = []() -> task<> {
    scripted_origin origin(dies_at_the_second);
    session client(session_options().stale_retry(false));
    CHECK(co_await text_of(client.get(origin.url())) == "GET");
    CHECK_THROWS_AS(co_await text_of(client.get(origin.url())), eddy::http::error);
    CHECK(client.statistics().retries == 0);
    CHECK(origin.requests().size() == 2);
  };
  eddy::run(main());
}

TEST_CASE("a response that has begun is not asked for again") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string first = co_await peer->request();
      co_await peer->stream.write_all(reply_with("x"));
      const std::string second = co_await peer->request();
      co_await peer->stream.write_all("H");
    });
    session client;
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK_THROWS_AS(co_await text_of(client.get(origin.url())), eddy::http::error);
    CHECK(origin.requests().size() == 2);
  };
  eddy::run(main());
}

TEST_CASE("429 and 503 are returned unless there is a policy") {
  const auto main = []() -> task<> {
    scripted_origin origin(refusing(1, busy("Retry-After: 0\r\n")));
    session client;
    CHECK(co_await status_of(client.get(origin.url())) == 503);
    CHECK(origin.requests().size() == 1);
  };
  eddy::run(main());
}

TEST_CASE("a policy sends the request again, over the same connection") {
  const auto main = []() -> task<> {
    for (const char* status : {"503 Busy", "429 Slow"}) {
      scripted_origin origin(refusing(2, busy("", status)));
      session client(session_options().retry(eager()));
      response answer = co_await client.put(origin.url()).body("data");
      CHECK(answer.status() == 200);
      CHECK(answer.history().empty());
      CHECK(co_await answer.text() == "fine");
      REQUIRE(origin.requests().size() == 3);
      CHECK(origin.requests()[2] == origin.requests()[0]);
      CHECK(origin.log().accepted == 1);
      CHECK(client.statistics().retries == 2);
      CHECK(client.statistics().requests == 1);
    }
  };
  eddy::run(main());
}

TEST_CASE("the last attempt's response is returned, and a method that is not idempotent's first") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(busy()));
    session client(session_options().retry(eager()));
    CHECK(co_await status_of(client.get(origin.url())) == 503);
    CHECK(origin.requests().size() == 3);
    CHECK(co_await status_of(client.post(origin.url()).body("x")) == 503);
    CHECK(origin.requests().size() == 4);
    CHECK(co_await status_of(
              client.post(origin.url()).body("x").retry(eager().any_method(true).attempts(2))) ==
          503);
    CHECK(origin.requests().size() == 6);
    CHECK(co_await status_of(client.get(origin.url()).retry(retry_policy().attempts(1))) == 503);
    CHECK(origin.requests().size() == 7);
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

TEST_CASE("Retry-After is waited for, without a connection" * needs_full_turns()) {
  const auto main = []() -> task<> {
    scripted_origin origin(refusing(1, busy("Retry-After: 1\r\n")));
    session client(session_options().limit(1).retry(eager()));
    eddy::join_handle<std::string> waits = eddy::spawn(text_of(client.get(origin.url("/waits"))));
    while (origin.requests().empty()) co_await eddy::sleep(1ms);
    CHECK(co_await text_of(client.get(origin.url("/other"))) == "fine");
    CHECK_FALSE(waits.done());
    const eddy::time_point began = eddy::now();
    CHECK(co_await waits == "fine");
    CHECK(eddy::now() - began > 500ms);
    REQUIRE(origin.requests().size() == 3);
    CHECK(origin.requests()[1].starts_with("GET /other "));
  };
  eddy::run(main());
}

TEST_CASE("a wait that is too long, or longer than the total timeout, is not begun") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(busy("Retry-After: 61\r\n")));
    session client(session_options().retry(eager()));
    CHECK(co_await status_of(client.get(origin.url())) == 503);
    CHECK(co_await status_of(client.get(origin.url())
                                 .retry(eager().longest_retry_after(2h))
                                 .timeout(60s)) == 503);
    CHECK(origin.requests().size() == 2);
    CHECK(client.statistics().retries == 0);
  };
  eddy::run(main());
}

TEST_CASE("all retries of a session have one budget") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(busy()));
    session client(session_options().retry(eager().budget(0, 4)));
    for (int i = 0; i < 10; ++i) CHECK(co_await status_of(client.get(origin.url())) == 503);
    CHECK(client.statistics().retries == 4);
    CHECK(origin.requests().size() == 14);
  };
  eddy::run(main());
}

TEST_CASE("a body that cannot be had again is not sent again") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(busy()));
    session client(session_options().retry(eager()));
    const auto once_only = []() -> eddy::generator<std::string> { co_yield std::string("piece"); };
    CHECK(co_await status_of(client.put(origin.url()).stream(once_only(), 5)) == 503);
    CHECK(origin.requests().size() == 1);
  };
  eddy::run(main());
}

TEST_CASE("a wait before a retry is cancelled, and ended by the total timeout's turn") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(busy("Retry-After: 50\r\n")));
    session client(session_options().retry(eager()));
    eddy::join_handle<std::string> waits = eddy::spawn(text_of(client.get(origin.url())));
    while (client.statistics().idle == 0) co_await eddy::sleep(1ms);
    waits.cancel();
    CHECK(co_await was_cancelled(std::move(waits)));
    check_nothing_in_use(client);
    CHECK(origin.requests().size() == 1);
  };
  eddy::run(main());
}

TEST_CASE("closing the session ends a wait before a retry") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(busy("Retry-After: 50\r\n")));
    session client(session_options().retry(eager()));
    auto waits = eddy::spawn(failure_of<eddy::http::error>(text_of(client.get(origin.url()))));
    while (client.statistics().idle == 0) co_await eddy::sleep(1ms);
    co_await client.close();
    const eddy::time_point closed = eddy::now();
    const std::string failure = co_await std::move(waits);
    CHECK(failure.ends_with("waiting before a retry: the session was closed"));
    CHECK(eddy::now() - closed < 10s);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("a request with retries cancelled at any point leaves nothing behind" *
          needs_a_kernel()) {
  const auto main = []() -> task<> {
    constexpr int most_turns = 500;
    bool ended = false;
    for (int k = 0; k < most_turns && !ended; ++k) {
      scripted_origin origin(refusing(2, busy("Retry-After: 0\r\n")));
      session client(session_options().retry(eager()));
      eddy::join_handle<std::string> running = eddy::spawn(text_of(client.get(origin.url())));
      for (int i = 0; i < k && !running.done(); ++i) co_await eddy::sleep(1ns);
      ended = running.done();
      running.cancel();
      const bool cancelled = co_await was_cancelled(std::move(running));
      CHECK(cancelled == !ended);
      check_nothing_in_use(client);
    }
    CHECK(ended);
  };
  eddy::run(main());
}
