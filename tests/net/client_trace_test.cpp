// What a session tells its observer, and the timings of a request.
#include <eddy/net/http/timings.hpp>
#include <eddy/net/http/trace.hpp>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

#if EDDY_HAVE_OPENSSL
#include "../support/tls_streams.hpp"
#endif

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;
using eddy::http::trace_event;
using eddy::http::trace_step;

namespace {

// The steps of all requests by name, and the texts of failures.
class recorder final : public eddy::http::trace_observer {
 public:
  void on_event(const trace_event& e) noexcept override {
    if (!steps.empty()) steps += ' ';
    steps += eddy::http::name_of(e.step);
    if (e.hop > 0) steps += "@" + std::to_string(e.hop);
    if (e.status != 0) steps += "=" + std::to_string(e.status);
    if (!e.error.empty()) error = e.error;
    if (e.step == trace_step::request_sent) head = e.head;
    if (e.step == trace_step::chunk) body_bytes += e.bytes;
    if (e.step == trace_step::body_sent) sent_bytes += e.bytes;
    url = e.url;
    method = e.method;
    in_order = in_order && e.at >= last;
    last = e.at;
    const bool ends = e.step == trace_step::done || e.step == trace_step::failed;
    begun += e.request > begun ? 1 : 0;
    ended += ends ? 1 : 0;
    after_end = after_end || (e.request == ended_request);
    if (ends) ended_request = e.request;
  }

  std::string take() { return std::exchange(steps, std::string()); }

  std::string steps;
  std::string error;
  std::string head;
  std::string url;
  std::string method;
  std::size_t body_bytes = 0;
  std::size_t sent_bytes = 0;
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  std::uint64_t ended_request = 0;
  bool after_end = false;
  bool in_order = true;
  eddy::time_point last;
};

const std::string fresh = "queued connecting connected request_sent first_byte head=200";

task<std::string> error_of(task<std::string> asking) {
  try {
    co_await std::move(asking);
  } catch (const std::exception& e) {
    co_return std::string(e.what());
  }
  co_return std::string();
}

}  // namespace

TEST_CASE("a request is told step by step: on a fresh connection, and on a kept one") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("hello")));
    recorder seen;
    session client(session_options().trace(seen));
    CHECK(co_await text_of(client.get(origin.url("/a?b"))) == "hello");
    CHECK(seen.take() == fresh + " chunk done");
    CHECK(seen.method == "GET");
    CHECK(seen.url == origin.url("/a?b"));
    CHECK(seen.head.starts_with("GET /a?b HTTP/1.1\r\n"));
    CHECK(seen.body_bytes == 5);
    CHECK(co_await text_of(client.head(origin.url())) == "");
    CHECK(seen.take() == "queued reused request_sent first_byte head=200 done");
    CHECK(seen.in_order);
    CHECK(seen.begun == 2);
    CHECK(seen.ended == 2);
    const auto& now = client.statistics();
    CHECK(now.requests == 2);
    CHECK(now.responses == 2);
    CHECK(now.failures == 0);
  };
  eddy::run(main());
}

TEST_CASE("user info is in no event") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("")));
    recorder seen;
    session client(session_options().trace(seen));
    CHECK(co_await text_of(client.get("http://user:secret@" + origin.authority() + "/")) == "");
    CHECK(seen.url == origin.url());
  };
  eddy::run(main());
}

TEST_CASE("a redirection is told with where it led") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string first = co_await peer->request();
      co_await peer->stream.write_all(reply_with("on", "302 Found", "Location: /next\r\n"));
      co_await peer->answer_all(reply_with("there"));
    });
    recorder seen;
    session client(session_options().trace(seen));
    CHECK(co_await text_of(client.get(origin.url())) == "there");
    CHECK(seen.take() ==
          "queued connecting connected request_sent first_byte head=302 redirected@1=302 queued@1 "
          "reused@1 request_sent@1 first_byte@1 head@1=200 chunk@1 done@1");
    CHECK(seen.url == origin.url("/next"));
    CHECK(client.statistics().redirects == 1);
    CHECK(client.statistics().requests == 1);
  };
  eddy::run(main());
}

TEST_CASE("a retry is told with what made it necessary") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string first = co_await peer->request();
      co_await peer->stream.write_all(reply_with("x"));
      const std::string second = co_await peer->request();
      if (peer->number > 0) co_await peer->stream.write_all(reply_with("y"));
    });
    recorder seen;
    session client(session_options().trace(seen));
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    seen.take();
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(seen.take() ==
          "queued reused request_sent retried connecting connected request_sent first_byte "
          "head=200 chunk done");
    CHECK(seen.error.find("connection closed") != std::string::npos);
    CHECK(client.statistics().retries == 1);
  };
  eddy::run(main());
}

TEST_CASE("a failure at each step ends the request once") {
  const auto main = []() -> task<> {
    recorder seen;
    session client(session_options().trace(seen).limit(1));
    const auto fails = [&](eddy::http::request_builder request) -> task<std::string> {
      seen.error.clear();
      return error_of(text_of(std::move(request)));
    };
    std::string nobody;
    {
      const eddy::tcp_listener gone = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
      nobody = "http://" + gone.local_address().to_string() + "/";
    }
    std::string said = co_await fails(client.get(nobody).header("Content-Length", "3"));
    CHECK(seen.take() == "failed");
    CHECK(seen.error == said);
    said = co_await fails(client.get(nobody));
    CHECK(seen.take() == "queued connecting failed");
    CHECK(seen.error == said);

    scripted_origin silent([](origin_peer* peer) -> task<> { return peer->stay(); });
    said = co_await fails(client.get(silent.url()).read_timeout(5ms));
    CHECK(seen.take() == "queued connecting connected request_sent failed");
    CHECK(seen.error == said);

    scripted_origin garbage(once("SSH-2.0-x\r\n"));
    said = co_await fails(client.get(garbage.url()));
    CHECK(seen.take() == "queued connecting connected request_sent first_byte failed");
    CHECK(seen.error == said);

    scripted_origin cut(once("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
    said = co_await fails(client.get(cut.url()));
    CHECK(seen.take() == fresh + " chunk failed");
    CHECK(seen.error == said);

    scripted_origin half([](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      co_await peer->stay();
    });
    {
      response held = co_await client.get(half.url());
      seen.take();
      said = co_await fails(client.get(half.url()).pool_timeout(5ms));
      CHECK(seen.take() == "queued failed");
      CHECK(seen.error == said);
    }
    CHECK(seen.take() == "failed");
    CHECK(seen.error == "the response was dropped before its end");
    CHECK(seen.begun == seen.ended);
    CHECK(client.statistics().failures == 6);
  };
  eddy::run(main());
}

TEST_CASE("a large upload is told piece by piece") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    recorder seen;
    session client(session_options().trace(seen));
    const std::string body(200'000, 'b');
    CHECK(co_await text_of(client.put(origin.url()).body(body)) == "x");
    CHECK(seen.steps.starts_with("queued connecting connected request_sent body_sent body_sent"));
    CHECK(seen.sent_bytes == body.size());
    CHECK(client.statistics().bytes_sent > body.size());
    CHECK(client.statistics().bytes_received == reply_with("x").size());
  };
  eddy::run(main());
}

TEST_CASE("a request cancelled at any point is told to have failed, once" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        if (asked.starts_with("GET /to")) {
          co_await peer->stream.write_all(reply_with("x"));
        } else {
          co_await peer->stream.write_all(reply_with("", "302 Found", "Location: /to\r\n"));
        }
      }
    });
    constexpr int most_turns = 500;
    bool ended = false;
    for (int k = 0; k < most_turns && !ended; ++k) {
      recorder seen;
      {
        session client(session_options().trace(seen));
        eddy::join_handle<std::string> running = eddy::spawn(text_of(client.get(origin.url())));
        for (int i = 0; i < k && !running.done(); ++i) co_await eddy::sleep(1ns);
        ended = running.done();
        running.cancel();
        const bool cancelled = co_await was_cancelled(std::move(running));
        CHECK(cancelled == !ended);
        CHECK(client.statistics().failures == (cancelled ? seen.begun : 0));
      }
      CHECK(seen.begun == seen.ended);
      CHECK_FALSE(seen.after_end);
      if (!ended && seen.begun > 0) CHECK(seen.error == "cancelled");
    }
    CHECK(ended);
  };
  eddy::run(main());
}

TEST_CASE("timings say where the time went" * needs_full_turns()) {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        co_await eddy::sleep(30ms);
        co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
        co_await eddy::sleep(20ms);
        co_await peer->stream.write_all("b");
      }
    });
    session client(session_options().limit(1));
    response first = co_await client.get(origin.url());
    eddy::join_handle<std::string> second = eddy::spawn(text_of(client.get(origin.url())));
    CHECK(first.timings().receive == 0ns);
    CHECK(co_await first.text() == "ab");
    const eddy::http::timings& took = first.timings();
    CHECK(took.queue == 0ns);
    if (!is_simulated()) CHECK(took.connect > 0ns);
    CHECK(took.first_byte >= 29ms);
    CHECK(took.receive >= 19ms);
    CHECK(took.total >= 49ms);
    const eddy::http::timings::duration sum =
        took.queue + took.connect + took.send + took.first_byte + took.receive + took.pause;
    CHECK(sum == took.total);
    CHECK(co_await second == "ab");
  };
  eddy::run(main());
}

#if EDDY_HAVE_OPENSSL

TEST_CASE("names and handshakes are told, and have their time" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      eddy::tls_context identity = serving(certificates::get().good);
      eddy::tls_stream stream =
          co_await eddy::tls_stream::accept(std::move(peer->stream), identity);
      const std::string asked = co_await read_text(stream);
      co_await write_text(stream, reply_with("x"));
      co_await eddy::sleep(1h);
    });
    recorder seen;
    session client(session_options().trace(seen).tls(trusting(certificates::get().ca)));
    const std::string port = std::to_string(origin.address().port());
    response answer = co_await client.get("https://localhost:" + port + "/");
    CHECK(co_await answer.text() == "x");
    CHECK(seen.take() ==
          "queued resolving resolved connecting connected handshake request_sent first_byte "
          "head=200 chunk done");
    CHECK(answer.timings().resolve > 0ns);
    CHECK(answer.timings().connect > 0ns);
    CHECK(answer.timings().handshake > 0ns);

    session doubting(session_options().trace(seen));
    const std::string said =
        co_await error_of(text_of(doubting.get("https://localhost:" + port + "/")));
    CHECK(seen.take() == "queued resolving resolved connecting connected failed");
    CHECK(seen.error == said);
  };
  eddy::run(main());
}

#endif
