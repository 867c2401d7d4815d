// Expect: 100-continue (RFC 9110 §10.1.1): when the body goes, and when it does not.
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/event.hpp>

#include "../support/upload_site.hpp"

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::response;
using eddy::http::session;

namespace {

constexpr const char* go_on = "HTTP/1.1 100 Continue\r\n\r\n";

// Whether anybody has asked for a piece.
eddy::generator<std::string> watched(bool* begun, std::string text) {
  *begun = true;
  co_yield std::move(text);
}

task<std::string> head_of(origin_peer* peer) {
  std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
  peer->log.requests.push_back(head);
  co_return std::move(head);
}

task<std::string> read_body(origin_peer* peer, std::size_t size) {
  std::string body(size, '\0');
  co_await peer->stream.read_exactly(std::as_writable_bytes(std::span<char>(body)));
  co_return std::move(body);
}

}  // namespace

TEST_CASE("the body waits for 100 Continue") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    co_await put_file(folder.at("f"), "hello");
    bool asked_early = false;
    bool begun = false;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string head = co_await head_of(peer);
        co_await settle();
        asked_early = asked_early || begun;
        const bool early = !co_await times_out(read_body(peer, 1));
        CHECK(!early);
        // Others may come first, and it may come twice.
        co_await peer->stream.write_all("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        const bool misled = !co_await times_out(read_body(peer, 1));
        CHECK(!misled);
        co_await peer->stream.write_all(std::string(go_on) + go_on);
        const bool chunked = head.find("chunked") != std::string::npos;
        const std::string body = co_await read_body(peer, chunked ? 15 : 5);
        CHECK(body == (chunked ? "5\r\nhello\r\n0\r\n\r\n" : "hello"));
        co_await peer->stream.write_all(reply_with("done"));
      }
    });
    session client(bare());
    const std::string at = origin.url();
    CHECK(co_await text_of(client.put(at).body("hello").expect_continue()) == "done");
    CHECK(co_await text_of(client.put(at).body_file(folder.at("f")).expect_continue()) == "done");
    CHECK(co_await text_of(client.put(at).body("hello").header("expect", "100-Continue")) ==
          "done");
    CHECK(co_await text_of(client.put(at).stream(watched(&begun, "hello")).expect_continue()) ==
          "done");
    CHECK(begun);
    CHECK(!asked_early);
    CHECK(origin.log().accepted == 1);
    const std::string sized = "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(origin.requests()[i] == bare_head("PUT", origin, "", sized));
    }
    CHECK(client.statistics().idle == 1);
  };
  eddy::run(main());
}

TEST_CASE("nothing is expected without a body, and other expectations are the caller's") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    CHECK(co_await status_of(client.get(origin.url()).expect_continue()) == 200);
    CHECK(co_await status_of(client.post(origin.url()).header("Expect", "100-continue")) == 200);
    CHECK(co_await status_of(client.post(origin.url()).stream(yields(), 0).expect_continue()) ==
          200);
    for (const std::string& request : origin.requests()) {
      CHECK(request.find("Expect") == std::string::npos);
    }
    CHECK(co_await status_of(client.post(origin.url()).header("Expect", "coffee").body("x")) ==
          200);
    CHECK(origin.requests().back().find("\r\nExpect: coffee\r\n") != std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("a final answer before the body: the body is not sent, the connection not kept") {
  for (const char* status : {"413 Content Too Large", "401 Unauthorized", "200 OK"}) {
    CAPTURE(std::string(status));
    const auto main = [&]() -> task<> {
      std::string after = "?";
      eddy::event seen;
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        const std::string head = co_await head_of(peer);
        // The head is what counts: the rest may take long.
        const std::string reply = reply_with("enough", status);
        co_await peer->stream.write_all(reply.substr(0, reply.size() - 4));
        co_await seen.wait();
        co_await peer->stream.write_all("ough");
        const eddy::lease came = co_await peer->stream.receive();
        after = came.text();
      });
      session client(bare());
      bool begun = false;
      response answer =
          co_await client.post(origin.url()).stream(watched(&begun, "x")).expect_continue();
      seen.set();
      CHECK(answer.reason() == std::string(status).substr(4));
      CHECK(co_await answer.text() == "enough");
      CHECK(!begun);
      CHECK(client.statistics().open == 0);
      while (after == "?") co_await eddy::yield();
      CHECK(after.empty());
    };
    eddy::run(main());
  }
}

TEST_CASE("100 and a final answer in one go: the body stays") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await head_of(peer);
      co_await peer->stream.write_all(go_on + reply_with("no", "403 Forbidden"));
      co_await peer->stay();
    });
    session client(bare());
    bool begun = false;
    CHECK(co_await status_of(
              client.post(origin.url()).stream(watched(&begun, "x")).expect_continue()) == 403);
    CHECK(!begun);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("100 after the final answer is no answer to anything") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await head_of(peer);
      co_await peer->stream.write_all(go_on);
      const std::string body = co_await read_body(peer, 1);
      co_await peer->stream.write_all(reply_with("done") + go_on);
      co_await peer->stay();
    });
    session client(bare());
    CHECK(co_await text_of(client.post(origin.url()).body("x").expect_continue()) == "done");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("a server that says nothing gets the body after a second") {
  const auto main = []() -> task<> {
    eddy::time_point head_at;
    eddy::time_point body_at;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await head_of(peer);
      head_at = eddy::now();
      const std::string body = co_await read_body(peer, 5);
      body_at = eddy::now();
      // Late, and harmless.
      co_await peer->stream.write_all(go_on + reply_with("done"));
      co_await peer->stay();
    });
    session client(bare());
    CHECK(co_await text_of(client.post(origin.url()).body("hello").expect_continue()) == "done");
    CHECK(body_at - head_at > 900ms);
    CHECK(client.statistics().idle == 1);
  };
  eddy::run(main());
}

TEST_CASE("417 is asked again, once, without the expectation") {
  for (const bool gives_in : {true, false}) {
    CAPTURE(gives_in);
    const auto main = [&]() -> task<> {
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        if (peer->number == 0) {
          const std::string head = co_await head_of(peer);
          co_await peer->stream.write_all(reply_with("", "417 Expectation Failed"));
          co_await peer->stay();
        } else {
          const std::string asked = co_await whole_request(peer);
          co_await peer->stream.write_all(
              reply_with("done", gives_in ? "200 OK" : "417 Expectation Failed"));
          co_await peer->stay();
        }
      });
      session client(bare());
      bool begun = false;
      CHECK(co_await status_of(client.post(origin.url())
                                   .stream(watched(&begun, "hello"))
                                   .expect_continue()) == (gives_in ? 200 : 417));
      CHECK(begun);
      REQUIRE(origin.requests().size() == 2);
      CHECK(origin.requests()[0].find("Expect: 100-continue\r\n") != std::string::npos);
      CHECK(origin.requests()[1] ==
            bare_head("POST", origin, "", "Transfer-Encoding: chunked\r\n\r\n") +
                "5\r\nhello\r\n0\r\n\r\n");
      CHECK(client.statistics().open == 1);
    };
    eddy::run(main());
  }
}

TEST_CASE("a redirection before the body takes even a generator along") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await head_of(peer);
      if (head.starts_with("POST / ")) {
        co_await peer->stream.write_all(
            reply_with("", "307 There", "Location: /there\r\n"));
        co_await peer->stay();
        co_return;
      }
      co_await peer->stream.write_all(go_on);
      const std::string body = co_await read_body(peer, 15);
      co_await peer->stream.write_all(reply_with(body));
      co_await peer->stay();
    });
    session client(bare());
    bool begun = false;
    CHECK(co_await text_of(client.post(origin.url())
                               .stream(watched(&begun, "hello"))
                               .expect_continue()) == "5\r\nhello\r\n0\r\n\r\n");
    CHECK(origin.requests().at(1).starts_with("POST /there "));
    CHECK(origin.requests().at(1).find("Expect: 100-continue\r\n") != std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("a server that goes instead of saying 100 is an error") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string head = co_await head_of(peer);
    });
    session client(bare());
    bool begun = false;
    const std::string failure = co_await failure_of<eddy::http::protocol_error>(
        client.post(origin.url()).stream(watched(&begun, "x")).expect_continue());
    CHECK(failure == "POST " + origin.url() +
                         ": waiting for the response: connection closed before the response");
    CHECK(!begun);
    CHECK(client.statistics().open == 0);
    // And one that only says so much.
    scripted_origin endless([](origin_peer* peer) -> task<> {
      const std::string head = co_await head_of(peer);
      for (;;) co_await peer->stream.write_all(go_on);
    });
    const std::string bound = co_await failure_of<eddy::http::protocol_error>(
        client.post(endless.url()).body("x").expect_continue());
    CHECK(bound.find("more interim responses than max_interim_responses (8)") !=
          std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("interim responses are there with the final one, those of its own exchange only") {
  const auto main = []() -> task<> {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: a\r\nLink: b\r\n\r\n";
    scripted_origin origin([hints](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        std::string reply = hints + go_on + reply_with("there");
        if (asked.starts_with("GET /away")) {
          reply = hints + hints + reply_with("", "302 Found", "Location: /there\r\n");
        }
        if (asked.starts_with("GET /plain")) reply = reply_with("plain");
        co_await peer->stream.write_all(reply);
      }
    });
    session client(bare());
    const auto statuses = [](const response& answer) {
      std::string out;
      for (const eddy::http::interim_response& early : answer.interim()) {
        out += std::to_string(early.status()) + " ";
      }
      return out;
    };
    response hop = co_await client.get(origin.url("/away"));
    CHECK(hop.status() == 200);
    CHECK(statuses(hop) == "103 100 ");
    const eddy::http::interim_response& first = hop.interim().front();
    CHECK(first.reason() == "Early Hints");
    CHECK(first.version() == "HTTP/1.1");
    CHECK(first.headers().get_combined("link") == "a, b");
    CHECK(co_await hop.text() == "there");
    response plain = co_await client.get(origin.url("/plain"));
    CHECK(plain.interim().empty());
    // While a body is sent.
    response put = co_await client.put(origin.url("/up")).stream(yields());
    CHECK(statuses(put) == "103 100 ");
  };
  eddy::run(main());
}
