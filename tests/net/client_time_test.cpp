// Timeouts of each kind, and cancellation at every suspension of an exchange.
#include <cstdlib>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>

#include "../support/simulated.hpp"
#include "../support/client_site.hpp"

#if EDDY_HAVE_OPENSSL
#include "../support/tls_streams.hpp"
#endif

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::request_timeout;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;
using eddy::http::timeout_kind;

namespace {

class timed_out {
 public:
  timed_out() {}
  timeout_kind kind = timeout_kind::total;
  std::string text;
};

template <class T>
task<timed_out> timeout_of(task<T> body) {
  timed_out seen;
  try {
    co_await std::move(body);
  } catch (const request_timeout& e) {
    seen.kind = e.kind();
    seen.text = e.what();
  }
  co_return std::move(seen);
}

task<> silence(origin_peer* peer) { return peer->stay(); }

task<> half_a_body(origin_peer* peer) {
  const std::string asked = co_await peer->request();
  co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  co_await peer->stay();
}

}  // namespace

TEST_CASE("the total timeout covers the line, the head and the body") {
  const auto main = []() -> task<> {
    scripted_origin silent(silence);
    scripted_origin half(half_a_body);
    session client(session_options().limit(1).timeout(5ms));
    timed_out seen = co_await timeout_of(text_of(client.get(silent.url("/x"))));
    CHECK(seen.kind == timeout_kind::total);
    CHECK(seen.text == "GET " + silent.url("/x") +
                           ": waiting for the response: the total timeout of 0.005 s passed");
    CHECK(client.statistics().open == 0);

    response answer = co_await client.get(half.url()).timeout(300ms);
    CHECK(client.statistics().in_use == 1);
    seen = co_await timeout_of(text_of(client.get(silent.url())));
    CHECK(seen.text == "GET " + silent.url() +
                           ": waiting for a connection: the total timeout of 0.005 s passed");
    CHECK(client.statistics().waiting == 0);
    seen = co_await timeout_of(answer.text());
    CHECK(seen.text ==
          "GET " + half.url() + ": reading the response: the total timeout of 0.300 s passed");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("the read timeout runs between arrivals") {
  const auto main = []() -> task<> {
    scripted_origin silent(silence);
    scripted_origin half(half_a_body);
    session client(session_options().read_timeout(5ms));
    timed_out seen = co_await timeout_of(text_of(client.get(silent.url())));
    CHECK(seen.kind == timeout_kind::read);
    CHECK(seen.text ==
          "GET " + silent.url() + ": waiting for the response: the read timeout of 0.005 s passed");
    response answer = co_await client.get(half.url());
    seen = co_await timeout_of(answer.bytes());
    CHECK(seen.kind == timeout_kind::read);
    CHECK(seen.text ==
          "GET " + half.url() + ": reading the response: the read timeout of 0.005 s passed");
    CHECK(client.statistics().open == 0);
    // The nearer limit is the one that is told.
    seen = co_await timeout_of(text_of(client.get(silent.url()).read_timeout(1h).timeout(2ms)));
    CHECK(seen.kind == timeout_kind::total);

    // Bytes keep coming: the whole takes longer than the timeout, no wait does.
    scripted_origin slow([](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
      for (int i = 0; i < 20; ++i) {
        co_await eddy::sleep(20ms);
        co_await peer->stream.write_all("x");
      }
    });
    const std::string text = co_await text_of(client.get(slow.url()).read_timeout(300ms));
    CHECK(text == std::string(20, 'x'));
  };
  eddy::run(main());
}

TEST_CASE("an upload that is not taken is bounded by the total timeout") {
  const auto main = []() -> task<> {
    scripted_origin deaf([](origin_peer* peer) -> task<> {
      (void)peer;
      co_await eddy::sleep(1h);
    });
    session client(session_options().timeout(20ms));
    const timed_out seen = co_await timeout_of(text_of(client.put(deaf.url()).body(large_text())));
    CHECK(seen.text ==
          "PUT " + deaf.url() + ": sending the request: the total timeout of 0.020 s passed");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("a timeout of an outer scope, and an absent one of the session's") {
  const auto main = []() -> task<> {
    scripted_origin silent(silence);
    session client(session_options().timeout(eddy::http::no_timeout));
    bool outer = false;
    try {
      co_await eddy::with_timeout(2ms, text_of(client.get(silent.url())));
    } catch (const request_timeout&) {
      CHECK(false);
    } catch (const eddy::timeout_error&) {
      outer = true;
    }
    CHECK(outer);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

namespace {

using attempt = std::function<task<>(session&)>;

// Runs it again and again, cancelled one turn later each time, until it ends by itself. After each
// the pool must be as if nothing had been; the case's own check finds descriptors left open.
task<int> cancel_everywhere(session_options options, attempt body) {
  constexpr int most_turns = 2000;
  for (int k = 0; k < most_turns; ++k) {
    session client(options);
    eddy::join_handle<> running = eddy::spawn(body(client));
    for (int i = 0; i < k && !running.done(); ++i) co_await eddy::sleep(1ns);
    const bool ended = running.done();
    running.cancel();
    const bool cancelled = co_await was_cancelled(std::move(running));
    check_nothing_in_use(client);
    // With a seed the last step may be ready already, and then comes in spite of the cancellation.
    const bool came_all_the_same = !ended && !cancelled && std::getenv("EDDY_SIM_SEED");
    CHECK((cancelled == !ended || came_all_the_same));
    if (ended) co_return k;
    // What was left behind works: the next exchange succeeds.
    if (k % 8 == 0) co_await body(client);
  }
  CHECK_MESSAGE(false, "the exchange did not end");
  co_return most_turns;
}

task<> dribble(origin_peer* peer, std::string reply, std::size_t piece) {
  for (std::size_t at = 0; at < reply.size(); at += piece) {
    co_await peer->stream.write_all(reply.substr(at, piece));
    co_await eddy::sleep(1ns);
  }
}

}  // namespace

TEST_CASE("a GET cancelled at any point leaves nothing behind" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      while (true) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        co_await dribble(peer, "HTTP/1.1 103 Early\r\n\r\n" + reply_with("hello, world"), 9);
      }
    });
    const std::string at = origin.url();
    const attempt get = [at](session& client) -> task<> {
      const std::string text = co_await text_of(client.get(at));
      CHECK(text == "hello, world");
    };
    const int turns = co_await cancel_everywhere(session_options(), get);
    CHECK(turns > 5);
    // Twice on one connection, by name: resolving, and using a kept connection.
    const std::string name = "http://localhost:" + std::to_string(origin.address().port()) + "/";
    const attempt twice = [name](session& client) -> task<> {
      for (int i = 0; i < 2; ++i) {
        const std::string text = co_await text_of(client.get(name));
        CHECK(text == "hello, world");
      }
    };
    co_await cancel_everywhere(session_options(), twice);
  };
  eddy::run(main());
}

TEST_CASE("redirections and streamed uploads cancelled at any point leave nothing behind") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      while (true) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        std::string reply = reply_with("there");
        if (asked.starts_with("PUT /first")) {
          reply = reply_with("go on", "307 On", "Location: /there\r\n");
        }
        co_await dribble(peer, reply, 16);
      }
    });
    const std::string at = origin.url("/first");
    const std::string body(400000, 'b');
    const attempt put = [&](session& client) -> task<> {
      const std::string text = co_await text_of(client.put(at).body(body));
      CHECK(text == "there");
    };
    const int turns = co_await cancel_everywhere(session_options(), put);
    CHECK(turns > 5);
  };
  eddy::run(main());
}

TEST_CASE("requests in line cancelled at any point let the others through") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    const std::string at = origin.url();
    const attempt three = [at](session& client) -> task<> {
      std::vector<task<std::string>> some;
      for (int i = 0; i < 3; ++i) some.push_back(text_of(client.get(at)));
      const std::vector<std::string> texts = co_await eddy::gather(std::move(some));
      for (const std::string& text : texts) CHECK(text == "x");
    };
    co_await cancel_everywhere(session_options().limit(1), three);
  };
  eddy::run(main());
}

TEST_CASE("one of many cancelled at any point never stops the others") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    for (int k = 0; k < 40; ++k) {
      session client(session_options().limit(2));
      std::vector<eddy::join_handle<std::string>> all;
      for (int i = 0; i < 6; ++i) all.push_back(eddy::spawn(text_of(client.get(origin.url()))));
      for (int i = 0; i < k / 4; ++i) co_await eddy::sleep(1ns);
      all[static_cast<std::size_t>(k % 4)].cancel();
      int answered = 0;
      for (auto& h : all) {
        try {
          answered += (co_await h) == "x" ? 1 : 0;
        } catch (const eddy::task_cancelled&) {
        }
      }
      CHECK(answered >= 5);
      check_nothing_in_use(client);
      CHECK(client.statistics().most_open <= 2);
    }
  };
  eddy::run(main());
}

#if EDDY_HAVE_OPENSSL

namespace {

// Answers every request on a TLS connection with its own head.
task<> echo_over_tls(origin_peer* peer) {
  eddy::tls_context identity = serving(certificates::get().good);
  eddy::tls_stream stream = co_await eddy::tls_stream::accept(std::move(peer->stream), identity);
  std::string text;
  while (true) {
    const std::string part = co_await read_text(stream);
    if (part.empty()) co_return;
    text += part;
    if (!text.ends_with("\r\n\r\n")) continue;
    co_await write_text(stream, reply_with(text));
    text.clear();
  }
}

std::string secure(const scripted_origin& origin, const std::string& host = "localhost") {
  return "https://" + host + ":" + std::to_string(origin.address().port()) + "/";
}

}  // namespace

TEST_CASE("https is verified, kept alive and cancelled like http" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    scripted_origin origin(echo_over_tls);
    const session_options trusting_ca = session_options().tls(trusting(certificates::get().ca));
    session client(trusting_ca);
    for (const char* host : {"localhost", "127.0.0.1", "localhost"}) {
      const std::string text = co_await text_of(client.get(secure(origin, host)));
      CHECK(text.find("Host: " + std::string(host) + ":") != std::string::npos);
    }
    CHECK(client.statistics().connects == 2);
    CHECK(client.statistics().reuses == 1);

    session strict;
    const std::string failure =
        co_await failure_of<eddy::certificate_error>(text_of(strict.get(secure(origin))));
    CHECK(failure.starts_with("GET " + secure(origin) +
                              ": connecting: certificate verify failed for localhost: "));
    CHECK(strict.statistics().open == 0);
    session careless(session_options().verify(false));
    CHECK(co_await status_of(careless.get(secure(origin))) == 200);

    const std::string at = secure(origin);
    const attempt twice = [at](session& s) -> task<> {
      for (int i = 0; i < 2; ++i) {
        const int status = co_await status_of(s.get(at));  // CHECK would swallow a cancellation
        CHECK(status == 200);
      }
    };
    const int turns = co_await cancel_everywhere(trusting_ca, twice);
    CHECK(turns > 5);
  };
  eddy::run(main());
}

TEST_CASE("an idle TLS connection that was written to, or ended, is not used again") {
  for (const bool writes : {false, true}) {
    CAPTURE(writes);
    const auto main = [writes]() -> task<> {
      eddy::event spoke;
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        eddy::tls_context identity = serving(certificates::get().good);
        eddy::tls_stream stream =
            co_await eddy::tls_stream::accept(std::move(peer->stream), identity);
        const std::string asked = co_await read_text(stream);
        co_await write_text(stream, reply_with("x"));
        if (writes) {
          co_await write_text(stream, reply_with("unasked"));
        } else {
          co_await stream.shutdown();
        }
        spoke.set();
        const std::string rest = co_await read_to_end(stream);
      });
      session client(session_options().tls(trusting(certificates::get().ca)));
      for (std::size_t i = 1; i <= 2; ++i) {
        CHECK(co_await text_of(client.post(secure(origin))) == "x");
        co_await spoke.wait();
        co_await settle();
        CHECK(client.statistics().connects == i);
      }
      co_await client.close();
      co_await settle();
    };
    eddy::run(main());
  }
}

TEST_CASE("the connect timeout covers the TLS handshake") {
  const auto main = []() -> task<> {
    scripted_origin silent(silence);
    session client(session_options().connect_timeout(5ms));
    const timed_out seen = co_await timeout_of(text_of(client.get(secure(silent))));
    CHECK(seen.kind == timeout_kind::connect);
    CHECK(seen.text ==
          "GET " + secure(silent) + ": connecting: the connect timeout of 0.005 s passed");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

#endif
