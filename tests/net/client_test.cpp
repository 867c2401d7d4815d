// The client against an origin of raw bytes: requests, responses, connections kept and not kept.
#include <eddy/runtime/gather.hpp>
#include <eddy/sync/event.hpp>

#include "../../net/http/content_decoder.hpp"
#include "../support/client_site.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::pool_statistics;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;

TEST_CASE("a GET is one request, and its response is all there") {
  const auto main = []() -> task<> {
    scripted_origin origin(
        always("HTTP/1.1 200 Fine\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 5\r\n\r\nhello"));
    session client(session_options().user_agent("test/1"));
    response answer = co_await client.get(origin.url("/a?b=c#part")).header("X-Mine", "yes");
    CHECK(answer.status() == 200);
    CHECK(answer.ok());
    CHECK(answer.reason() == "Fine");
    CHECK(answer.headers().get_all("X-One").size() == 2);
    CHECK(answer.url().str() == origin.url("/a?b=c#part"));
    CHECK(answer.history().empty());
    CHECK_NOTHROW(answer.raise_for_status());
    const std::string text = co_await answer.text();
    CHECK(text == "hello");
    CHECK_THROWS_AS(co_await answer.text(), std::logic_error);
    CHECK_THROWS_AS(co_await answer.bytes(), std::logic_error);
    std::string expected = "GET /a?b=c HTTP/1.1\r\nHost: " + origin.authority() +
                           "\r\nX-Mine: yes\r\nUser-Agent: test/1\r\nAccept: */*\r\n";
#if EDDY_HAVE_ZLIB
    expected += "Accept-Encoding: " + std::string(eddy::http::accepted_encodings()) + "\r\n";
#endif
    REQUIRE(origin.requests().size() == 1);
    CHECK(origin.requests()[0] == expected + "\r\n");
  };
  eddy::run(main());
}

TEST_CASE("a request can be awaited in one expression, as a task, and in parts") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("abc")));
    session client;
    const std::string at = origin.url();
    const std::string one =
        co_await (co_await client.get(at).header("A", "b").timeout(std::chrono::seconds(9))).text();
    CHECK(one == "abc");
    auto [first, second] = co_await eddy::gather(client.get(at).send(), client.post(at).send());
    CHECK(co_await first.text() == "abc");
    CHECK(co_await second.text() == "abc");
    eddy::http::request_builder prepared = client.put(at).body(std::string(100, 'b'));
    response third = co_await std::move(prepared);
    third.raise_for_status();
    first = std::move(third);
    CHECK(co_await first.text() == "abc");
    auto spawned = eddy::spawn(client.get(at).send());
    response fourth = co_await spawned;
    CHECK(fourth.ok());
    CHECK(co_await fourth.text() == "abc");
    // Never sent: nothing happens.
    { const eddy::http::request_builder forgotten = client.get(at); }
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

TEST_CASE("every method sends itself, and a length where one is expected") {
  const auto main = []() -> task<> {
    scripted_origin origin(always("HTTP/1.1 204 No Content\r\n\r\n"));
    session client(session_options().header("X-Default", "d"));
    const std::string at = origin.url();
    CHECK(co_await status_of(client.post(at).body("abc")) == 204);
    CHECK(co_await status_of(client.put(at)) == 204);
    CHECK(co_await status_of(client.patch(eddy::url::parse(at)).body("x")) == 204);
    CHECK(co_await status_of(client.del(at)) == 204);
    CHECK(co_await status_of(client.head(at)) == 204);
    CHECK(co_await status_of(client.options(at).header("X-Default", "own")) == 204);
    CHECK(co_await status_of(client.request("BREW", at)) == 204);
    const auto& seen = origin.requests();
    REQUIRE(seen.size() == 7);
    const char* methods[] = {"POST ", "PUT ", "PATCH ", "DELETE ", "HEAD ", "OPTIONS ", "BREW "};
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i].starts_with(methods[i]));
    CHECK(seen[0].ends_with("Content-Length: 3\r\n\r\nabc"));
    CHECK(seen[1].ends_with("Content-Length: 0\r\n\r\n"));
    CHECK(seen[2].ends_with("Content-Length: 1\r\n\r\nx"));
    for (const std::size_t i : {std::size_t{3}, std::size_t{4}, std::size_t{6}}) {
      CHECK(seen[i].find("Content-Length") == std::string::npos);
    }
    CHECK(seen[3].find("X-Default: d\r\n") != std::string::npos);
    CHECK(seen[5].find("X-Default: own\r\n") != std::string::npos);
    CHECK(seen[5].find("X-Default: d\r\n") == std::string::npos);
    CHECK(origin.log().accepted == 1);
  };
  eddy::run(main());
}

TEST_CASE("one connection serves one request after the other") {
  const auto main = []() -> task<> {
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    for (const std::string& reply : {reply_with("abc"), chunked,
                                     std::string("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                                                 "Content-Length: 3\r\n\r\nabc")}) {
      scripted_origin origin(always(reply));
      session client;
      for (int i = 0; i < 5; ++i) {
        const std::string text = co_await text_of(client.get(origin.url()));
        CHECK(text == "abc");
      }
      const pool_statistics now = client.statistics();
      CHECK(now.connects == 1);
      CHECK(now.reuses == 4);
      CHECK(now.open == 1);
      CHECK(now.idle == 1);
      CHECK(origin.log().accepted == 1);
    }
  };
  eddy::run(main());
}

TEST_CASE("a response without a body has left its connection before it is returned") {
  const auto main = []() -> task<> {
    for (const char* reply : {"HTTP/1.1 204 No Content\r\n\r\n",
                              "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
      scripted_origin origin(always(reply));
      session client;
      response first = co_await client.get(origin.url());
      CHECK(client.statistics().idle == 1);
      response second = co_await client.get(origin.url());
      CHECK(origin.log().accepted == 1);
      const std::string text = co_await first.text();
      CHECK(text.empty());
    }
    scripted_origin origin(
        always("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nContent-Encoding: gzip\r\n\r\n"));
    session client;
    response answer = co_await client.head(origin.url());
    CHECK(client.statistics().idle == 1);
    const std::string text = co_await answer.text();
    CHECK(text.empty());
  };
  eddy::run(main());
}

TEST_CASE("a connection that may not be kept is not") {
  const auto main = []() -> task<> {
    for (const std::string& reply : {reply_with("abc", "200 OK", "Connection: close\r\n"),
                                     std::string("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
                                     reply_with("abc") + "more"}) {
      scripted_origin origin(always(reply));
      session client;
      for (int i = 0; i < 2; ++i) {
        const std::string text = co_await text_of(client.get(origin.url()));
        CHECK(text == "abc");
        CHECK(client.statistics().open == 0);
      }
      CHECK(origin.log().accepted == 2);
    }
    scripted_origin until_close(once("HTTP/1.1 200 OK\r\n\r\nabc"));
    session client;
    CHECK(co_await text_of(client.get(until_close.url())) == "abc");
    CHECK(client.statistics().open == 0);
    scripted_origin kept(always(reply_with("abc")));
    CHECK(co_await text_of(client.get(kept.url()).header("Connection", "close")) == "abc");
    CHECK(client.statistics().open == 0);
    session without(session_options().keep_alive_timeout(std::chrono::seconds(0)));
    CHECK(co_await text_of(without.get(kept.url())) == "abc");
    CHECK(without.statistics().open == 0);
  };
  eddy::run(main());
}

// Not idempotent, so that a retry cannot hide that a dead connection was used.
TEST_CASE("an idle connection that the server ended, or wrote to, is not used again") {
  for (const bool writes : {false, true}) {
    CAPTURE(writes);
    const auto main = [writes]() -> task<> {
      eddy::event spoke;
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        co_await peer->answer_once(reply_with("abc"));
        if (peer->number > 0) co_return;
        if (writes) {
          co_await peer->stream.write_all(reply_with("unasked"));
        } else {
          peer->stream.shutdown();
        }
        spoke.set();
        co_await peer->stay();
      });
      session client;
      CHECK(co_await text_of(client.post(origin.url()).body("1")) == "abc");
      co_await spoke.wait();
      co_await settle();
      CHECK(co_await text_of(client.post(origin.url()).body("2")) == "abc");
      CHECK(origin.log().accepted == 2);
      CHECK(client.statistics().connects == 2);
    };
    eddy::run(main());
  }
}

namespace {

// Answers the first request of the first connection; reads the next one and closes, on that
// connection and on `silent` further ones, after writing `part`.
scripted_origin::script forgetful(std::size_t silent, std::string part) {
  return [silent, part](origin_peer* peer) -> task<> {
    if (peer->number == 0) co_await peer->answer_once(reply_with("first"));
    if (peer->number <= silent) {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all(part);
      co_return;
    }
    co_await peer->answer_all(reply_with("again"));
  };
}

}  // namespace

TEST_CASE("a request on a connection that died under it is sent once more, if that is harmless") {
  struct sample {
    const char* method;
    std::size_t silent;
    const char* part;
    bool answered;
    std::size_t requests;
  };
  for (const sample& s :
       {sample{"GET", 0, "", true, 3}, sample{"PUT", 0, "", true, 3},
        sample{"POST", 0, "", false, 2}, sample{"PATCH", 0, "", false, 2},
        sample{"GET", 0, "H", false, 2}, sample{"GET", 0, "HTTP/1.1 100 \r\n\r\n", false, 2},
        sample{"GET", 1, "", false, 3}}) {
    CAPTURE(s.method);
    CAPTURE(s.silent);
    CAPTURE(s.part);
    const auto main = [&s]() -> task<> {
      scripted_origin origin(forgetful(s.silent, s.part));
      session client;
      CHECK(co_await text_of(client.get(origin.url())) == "first");
      std::string failure;
      std::string text;
      try {
        text = co_await text_of(client.request(s.method, origin.url()).body("once"));
      } catch (const std::exception& e) {
        failure = e.what();
      }
      CHECK(text == (s.answered ? "again" : ""));
      CHECK(failure.empty() == s.answered);
      CHECK(origin.requests().size() == s.requests);
      for (std::size_t i = 2; i < origin.requests().size(); ++i) {
        CHECK(origin.requests()[i] == origin.requests()[1]);
      }
      check_nothing_in_use(client);
      CHECK(client.statistics().open == (s.answered ? 1 : 0));
    };
    eddy::run(main());
  }
}

TEST_CASE("a fresh connection that dies is not tried again") {
  const auto main = []() -> task<> {
    scripted_origin origin(
        [](origin_peer* peer) -> task<> { const std::string asked = co_await peer->request(); });
    session client;
    const std::string failure =
        co_await failure_of<eddy::http::protocol_error>(text_of(client.get(origin.url("/x"))));
    CHECK(failure == "GET " + origin.url("/x") +
                         ": waiting for the response: connection closed before the response");
    CHECK(origin.log().accepted == 1);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("no more connections than the limits allow, and everyone gets an answer") {
  const auto main = []() -> task<> {
    constexpr std::size_t requests = 250;
    constexpr std::size_t limit = 100;
    eddy::event full;
    std::size_t here = 0;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      if (++here == limit) full.set();
      co_await full.wait();
      co_await peer->answer_all(reply_with("x"));
    });
    session client;
    std::vector<task<std::string>> all;
    for (std::size_t i = 0; i < requests; ++i) all.push_back(text_of(client.get(origin.url())));
    const std::vector<std::string> texts = co_await eddy::gather(std::move(all));
    for (const std::string& text : texts) CHECK(text == "x");
    CHECK(origin.requests().size() == requests);
    CHECK(origin.log().most_open == limit);
    CHECK(client.statistics().most_open == limit);
    CHECK(client.statistics().connects == limit);
    check_nothing_in_use(client);

    scripted_origin one(always(reply_with("1")));
    scripted_origin two(once(reply_with("2", "200 OK", "Connection: close\r\n")));
    session narrow(session_options().limit(5).limit_per_host(2));
    std::vector<task<std::string>> mixed;
    for (int i = 0; i < 40; ++i) {
      mixed.push_back(text_of(narrow.get(i % 2 ? one.url() : two.url())));
    }
    const std::vector<std::string> both = co_await eddy::gather(std::move(mixed));
    for (std::size_t i = 0; i < both.size(); ++i) CHECK(both[i] == (i % 2 ? "1" : "2"));
    CHECK(one.log().most_open <= 2);
    CHECK(narrow.statistics().most_open <= 4);
    CHECK(one.log().accepted == 2);
    CHECK(two.log().accepted == 20);
    check_nothing_in_use(narrow);
  };
  eddy::run(main());
}

TEST_CASE("where all slots are taken, an idle connection to another origin makes room") {
  const auto main = []() -> task<> {
    scripted_origin one(always(reply_with("1")));
    scripted_origin two(always(reply_with("2")));
    session client(session_options().limit(1));
    for (int i = 0; i < 3; ++i) {
      CHECK(co_await text_of(client.get(one.url())) == "1");
      CHECK(co_await text_of(client.get(two.url())) == "2");
    }
    CHECK(client.statistics().connects == 6);
    CHECK(client.statistics().most_open == 1);
  };
  eddy::run(main());
}

TEST_CASE("connections that have been idle for the keep-alive timeout are closed") {
  const auto main = []() -> task<> {
    eddy::event gone;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      co_await peer->answer_all(reply_with("x"));
      gone.set();
    });
    session client(session_options().keep_alive_timeout(std::chrono::milliseconds(2)));
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    co_await gone.wait();
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("a session may go before its responses, and dropping a response frees its place") {
  const auto main = []() -> task<> {
    eddy::event gone;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      co_await peer->stay();
      gone.set();
    });
    {
      session client(session_options().limit(1));
      response answer = co_await client.get(origin.url());
      CHECK(client.statistics().in_use == 1);
      response next = std::move(answer);
      std::byte piece[2];
      CHECK(co_await next.read_some(piece) == 2);
      { const response dropped = std::move(next); }
      CHECK(client.statistics().open == 0);
    }
    co_await gone.wait();

    scripted_origin whole(always(reply_with("abcdef")));
    std::vector<response> kept;
    {
      session client;
      kept.push_back(co_await client.get(whole.url()));
    }
    CHECK(co_await kept[0].text() == "abcdef");
  };
  eddy::run(main());
}
