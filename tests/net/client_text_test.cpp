// A response as text: charsets, JSON, lines and events.
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/generator.hpp>
#include <eddy/sync/event.hpp>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

using namespace eddy_tests;
using namespace std::string_literals;
using eddy::task;
using eddy::http::content_error;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;

namespace {

std::string typed(const std::string& type, const std::string& body) {
  return reply_with(body, "200 OK", "Content-Type: " + type + "\r\n");
}

task<std::string> joined_lines(response answer, std::size_t most = 100) {
  auto lines = answer.lines(most);
  std::string all;
  while (auto line = co_await lines.next()) all += "[" + *line + "]";
  co_return std::move(all);
}

task<std::string> joined_events(response answer, std::size_t most = 1000) {
  auto events = answer.events(most);
  std::string all;
  while (auto event = co_await events.next()) all += "[" + event->type + ":" + event->data + "]";
  co_return std::move(all);
}

// A body that never ends, whose beginning has come.
scripted_origin::script begins_with(std::string body, std::string fields = "") {
  return [=](origin_peer* peer) -> task<> {
    const std::string asked = co_await peer->request();
    co_await peer->stream.write_all("HTTP/1.1 200 OK\r\n" + fields +
                                    "Content-Length: 1000\r\n\r\n" + body);
    co_await peer->stay();
  };
}

}  // namespace

#if EDDY_HAVE_ICONV
TEST_CASE("text is UTF-8 whatever it was sent as") {
  const auto main = []() -> task<> {
    const std::pair<std::string, std::string> sent[] = {
        {"text/plain", "gr\xC3\xBC\xC3\x9F\xFF"},
        {"text/plain; charset=iso-8859-1", "gr\xFC\xDF\xC3"},
        {"text/plain; charset=\"utf-16le\"", "g\0r\0\xFC\0\xDF\0\0\xDC"s},
        {"text/plain; charset=latin1", "\xEF\xBB\xBFgr\xC3\xBC\xC3\x9F\xFF"},
        {"text/plain; charset=koi8-r", "\xFF\xFEg\0r\0\xFC\0\xDF\0\0\xDC"s},
    };
    const char* const texts[] = {"grüß\uFFFD", "grüßÃ", "grüß\uFFFD", "grüß\uFFFD", "grüß\uFFFD"};
    for (int i = 0; i < 5; ++i) {
      scripted_origin origin(always(typed(sent[i].first, sent[i].second)));
      session client;
      CHECK(co_await text_of(client.get(origin.url())) == texts[i]);
      check_nothing_in_use(client);
    }
    scripted_origin cyrillic(always(reply_with("\xF0\xD2\xC9")));
    session client;
    response answer = co_await client.get(cyrillic.url());
    CHECK(co_await answer.text("koi8-r") == "При");
    CHECK_THROWS_AS(co_await answer.text(), std::logic_error);
    response odd = co_await client.get(cyrillic.url());
    CHECK_THROWS_WITH_AS((void)odd.text("x-none"), "unknown default charset \"x-none\"",
                         std::logic_error);
  };
  eddy::run(main());
}

#endif

TEST_CASE("an unknown charset is an error that leaves the body to be read") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(typed("text/plain; charset=x-none", "body")));
    session client;
    response answer = co_await client.get(origin.url());
    CHECK(co_await failure_of<content_error>(answer.text()) ==
          "GET " + origin.url() +
              ": reading the response: unknown charset \"x-none\"; bytes() gives the body as it "
              "is");
    const std::vector<std::byte> bytes = co_await answer.bytes();
    CHECK(bytes.size() == 4);
  };
  eddy::run(main());
}

#if EDDY_HAVE_JSON
TEST_CASE("a body as JSON") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(typed("text/html; charset=x", R"({"items": [{"name": "ü"}]})")));
    session client;
    response answer = co_await client.get(origin.url());
    const eddy::http::json doc = co_await answer.json();
    CHECK(doc["items"][0]["name"].as_string() == "ü");
    CHECK_THROWS_AS(co_await answer.json(), std::logic_error);

    scripted_origin broken(always(reply_with("{\"a\":\n oops}")));
    response bad = co_await client.get(broken.url());
    const std::string failure = co_await failure_of<eddy::http::json_error>(bad.json());
    CHECK(failure.starts_with("GET " + broken.url() +
                              ": reading the response: JSON: line 2, column 2: "));
    CHECK(client.statistics().idle == 2);
    session narrow(session_options().max_body_bytes(5));
    response large = co_await narrow.get(origin.url());
    CHECK_THROWS_AS(co_await large.json(), content_error);
  };
  eddy::run(main());
}
#endif

TEST_CASE("lines, in the charset of the response, as they come") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(typed("text/plain; charset=latin1", "a\r\n\xFC\r\rlast")));
    session client;
    for (int i = 0; i < 2; ++i) {
      response answer = co_await client.get(origin.url());
      CHECK(co_await joined_lines(std::move(answer)) == "[a][ü][][last]");
    }
    CHECK(client.statistics().connects == 1);
    response twice = co_await client.get(origin.url());
    const std::string ignored = co_await twice.text();
    auto lines = twice.lines();
    CHECK_THROWS_AS(co_await lines.next(), std::logic_error);

    // The first line is there before the second has come.
    eddy::event seen;
    scripted_origin slow([&](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\n");
      co_await seen.wait();
      co_await peer->stream.write_all("b");
    });
    response answer = co_await client.get(slow.url());
    auto parts = answer.lines();
    const auto first = co_await parts.next();
    CHECK(first == "a");
    seen.set();
    const auto second = co_await parts.next();
    CHECK(second == "b");
    const auto end = co_await parts.next();
    CHECK_FALSE(end);
  };
  eddy::run(main());
}

TEST_CASE("a line that is too long, and a generator that is dropped") {
  const auto main = []() -> task<> {
    scripted_origin origin(begins_with("a\n" + std::string(200, 'x')));
    session client;
    response answer = co_await client.get(origin.url());
    CHECK(co_await failure_of<content_error>(joined_lines(std::move(answer))) ==
          "GET " + origin.url() +
              ": reading the response: a line has more than max_line_bytes (100)");
    check_nothing_in_use(client);
    response second = co_await client.get(origin.url());
    {
      auto lines = second.lines();
      { const response dropped = std::move(second); }
      const auto first = co_await lines.next();
      CHECK(first == "a");
      CHECK(client.statistics().in_use == 1);
    }
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

TEST_CASE("server-sent events") {
  const auto main = []() -> task<> {
    const std::string body = ": hi\n\nevent: tick\ndata: 1\ndata: 2\n\ndata: \xFF\n\ndata: cut";
    scripted_origin origin(always(typed("Text/Event-Stream;charset=latin1", body)));
    session client;
    response answer = co_await client.get(origin.url());
    CHECK(co_await joined_events(std::move(answer)) == "[tick:1\n2][message:\uFFFD]");
    CHECK(client.statistics().idle == 1);
    response narrow = co_await client.get(origin.url());
    CHECK(co_await failure_of<content_error>(joined_events(std::move(narrow), 9)) ==
          "GET " + origin.url() +
              ": reading the response: a line has more than max_line_bytes (9)");
    check_nothing_in_use(client);

    scripted_origin page(always(typed("text/html", "<p>")));
    response other = co_await client.get(page.url());
    {
      auto events = other.events();
      std::string failure;
      try {
        co_await events.next();
      } catch (const content_error& e) {
        failure = e.what();
      }
      CHECK(failure == "GET " + page.url() +
                           ": reading the response: Content-Type is \"text/html\", not "
                           "text/event-stream");
    }
    CHECK(co_await other.text() == "<p>");
  };
  eddy::run(main());
}

TEST_CASE("waiting for text, a line, an event or JSON can be cancelled") {
  const auto main = []() -> task<> {
    scripted_origin origin(begins_with("{\"a\"", "Content-Type: text/event-stream\r\n"));
    session client;
    using reader = task<> (*)(response);
    const reader readers[] = {
        [](response r) -> task<> { const std::string all = co_await r.text(); },
        [](response r) -> task<> { const eddy::http::json all = co_await r.json(); },
        [](response r) -> task<> { const std::string all = co_await joined_lines(std::move(r)); },
        [](response r) -> task<> { const std::string all = co_await joined_events(std::move(r)); },
        [](response r) -> task<> { const bool kept = co_await r.discard(); CHECK_FALSE(kept); },
    };
    for (const reader read : readers) {
      response answer = co_await client.get(origin.url());
      CHECK(co_await cancel_waiting(eddy::spawn(read(std::move(answer)))));
      CHECK(client.statistics().open == 0);
      // Before it has begun.
      response second = co_await client.get(origin.url());
      auto reading = eddy::spawn(read(std::move(second)));
      reading.cancel();
      CHECK(co_await was_cancelled(std::move(reading)));
      co_await settle();
      check_nothing_in_use(client);
    }
  };
  eddy::run(main());
}

TEST_CASE("reads cancelled at any point leave nothing behind" * needs_full_turns()) {
  const auto main = []() -> task<> {
    const std::string reply = typed("text/event-stream", "data: [1]\n\ndata: 2\n\n");
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        for (std::size_t at = 0; at < reply.size(); at += 5) {
          co_await peer->stream.write_all(reply.substr(at, 5));
          co_await eddy::sleep(std::chrono::nanoseconds(1));
        }
      }
    });
    using reader = task<> (*)(session&, std::string);
    const reader readers[] = {
        [](session& s, std::string url) -> task<> {
          response r = co_await s.get(url);
          const std::string all = co_await r.text();
        },
        [](session& s, std::string url) -> task<> {
          response r = co_await s.get(url);
          const std::string all = co_await joined_lines(std::move(r));
        },
        [](session& s, std::string url) -> task<> {
          response r = co_await s.get(url);
          const std::string all = co_await joined_events(std::move(r));
        },
        [](session& s, std::string url) -> task<> {
          response r = co_await s.get(url);
          const bool kept = co_await r.discard();
          CHECK(kept);
        },
    };
    for (const reader read : readers) {
      bool ended = false;
      for (int turns = 0; !ended && turns < 500; ++turns) {
        session client;
        auto running = eddy::spawn(read(client, origin.url()));
        for (int i = 0; i < turns && !running.done(); ++i) {
          co_await eddy::sleep(std::chrono::nanoseconds(1));
        }
        ended = running.done();
        running.cancel();
        const bool cancelled = co_await was_cancelled(std::move(running));
        CHECK(cancelled == !ended);
        co_await eddy::yield();
        check_nothing_in_use(client);
      }
      CHECK(ended);
    }
  };
  eddy::run(main());
}

TEST_CASE("a second reader is refused, and the first one goes on") {
  const auto main = []() -> task<> {
    eddy::event seen;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\n");
      co_await seen.wait();
      co_await peer->stream.write_all("b");
    });
    session client;
    response answer = co_await client.get(origin.url());
    std::byte piece[8];
    CHECK(co_await answer.read_some(piece) == 2);
    auto reading = eddy::spawn(answer.read_some(piece));
    co_await settle();
    auto lines = answer.lines();
    CHECK_THROWS_AS(co_await lines.next(), std::logic_error);
    CHECK_THROWS_AS(co_await answer.discard(), std::logic_error);
    CHECK_THROWS_AS(co_await answer.save("/nowhere/file"), std::logic_error);
    seen.set();
    CHECK(co_await reading.join() == 1);
    CHECK(client.statistics().open == 1);
  };
  eddy::run(main());
}
