// Redirections that are followed.
#include "../support/client_site.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;

namespace {

std::string redirect_to(const std::string& location, const std::string& status = "302 Found",
                        const std::string& body = "") {
  return reply_with(body, status, "Location: " + location + "\r\n");
}

// Answers /0 with a redirection to /1, and so on; /end with its request.
task<> count_up(origin_peer* peer) {
  for (;;) {
    const std::string asked = co_await peer->request();
    if (asked.empty()) co_return;
    std::string reply = reply_with(asked);
    if (!asked.starts_with("GET /end")) {
      const int n = std::stoi(asked.substr(asked.find('/') + 1));
      reply = redirect_to(std::to_string(n + 1));
    }
    co_await peer->stream.write_all(reply);
  }
}

}  // namespace

TEST_CASE("redirections are followed over the same connection, and remembered") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string first = co_await peer->request();
      co_await peer->stream.write_all(redirect_to("b/c?d", "301 Moved", "moved"));
      const std::string second = co_await peer->request();
      co_await peer->stream.write_all(redirect_to("../e", "307 Again", std::string(60000, '.')));
      co_await peer->answer_all(reply_with("there"));
    });
    session client;
    response answer = co_await client.get(origin.url("/a/x"));
    CHECK(answer.status() == 200);
    CHECK(answer.url().str() == origin.url("/a/e"));
    REQUIRE(answer.history().size() == 2);
    CHECK(answer.history()[0].url().str() == origin.url("/a/x"));
    CHECK(answer.history()[0].status() == 301);
    CHECK(answer.history()[1].url().str() == origin.url("/a/b/c?d"));
    CHECK(answer.history()[1].status() == 307);
    CHECK(co_await answer.text() == "there");
    CHECK(origin.log().accepted == 1);
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("a redirection's body that is large, endless or stuck costs its connection only") {
  const auto main = []() -> task<> {
    const std::string location = "HTTP/1.1 302 Found\r\nLocation: /there\r\n";
    for (const std::string& reply :
         {location + "Content-Length: 1000000\r\n\r\nabc", location + "\r\nabc",
          location + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + std::string(0x100000, 'x'),
          location + "Transfer-Encoding: chunked\r\n\r\nbad\r"}) {
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        const std::string asked = co_await peer->request();
        if (peer->number > 0) {
          co_await peer->stream.write_all(reply_with("there"));
        } else {
          co_await peer->stream.write_all(reply);
        }
        // A chunked body that is not finished is waited for, if not for long.
        if (reply.ends_with("\r")) co_return;
        co_await peer->stay();
      });
      session client;
      CHECK(co_await text_of(client.get(origin.url())) == "there");
      CHECK(client.statistics().connects == 2);
      CHECK(client.statistics().open == 1);
    }
  };
  eddy::run(main());
}

TEST_CASE("a chain of redirections is bounded") {
  const auto main = []() -> task<> {
    scripted_origin origin(count_up);
    session client(session_options().max_redirects(3));
    const std::string failure =
        co_await failure_of<eddy::http::too_many_redirects>(text_of(client.get(origin.url("/0"))));
    CHECK(failure.ends_with(": more than max_redirects (3), the first from " + origin.url("/0")));
    CHECK(origin.requests().size() == 4);
    CHECK(client.statistics().open == 0);
    CHECK_THROWS_AS(co_await text_of(client.get(origin.url("/0")).redirects(1)),
                    eddy::http::too_many_redirects);
    response not_followed = co_await client.get(origin.url("/0")).redirects(0);
    CHECK(not_followed.status() == 302);
    CHECK(not_followed.headers().get("Location") == "1");
    CHECK(not_followed.history().empty());
  };
  eddy::run(main());
}

TEST_CASE("a redirected POST becomes a GET without its body, or stays what it is") {
  const auto main = []() -> task<> {
    for (const char* status : {"303 See Other", "302 Found", "308 Permanent"}) {
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        const std::string asked = co_await peer->request();
        co_await peer->stream.write_all(redirect_to("/next", status));
        co_await peer->answer_all(reply_with("x"));
      });
      session client;
      CHECK(co_await text_of(
                client.post(origin.url()).header("Content-Type", "text/plain").body("data")) ==
            "x");
      REQUIRE(origin.requests().size() == 2);
      const std::string& next = origin.requests()[1];
      if (std::string(status).starts_with("308")) {
        CHECK(next.starts_with("POST /next "));
        CHECK(next.ends_with("\r\n\r\ndata"));
        CHECK(next.find("Content-Type") != std::string::npos);
      } else {
        CHECK(next.starts_with("GET /next "));
        CHECK(next.ends_with("\r\n\r\n"));
        CHECK(next.find("Content-") == std::string::npos);
      }
    }
  };
  eddy::run(main());
}

TEST_CASE("secrets stay with their origin, and Host changes with it") {
  const auto main = []() -> task<> {
    scripted_origin other(always(reply_with("other")));
    std::string target = "/same";
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await peer->request();
        if (asked.empty()) co_return;
        const std::string reply =
            asked.starts_with("GET /same") ? reply_with("same") : redirect_to(target);
        co_await peer->stream.write_all(reply);
      }
    });
    session client(session_options().header("Authorization", "Basic c2VjcmV0"));
    const auto ask = [&]() {
      return text_of(client.get(origin.url()).header("Cookie", "a=b").header("X-Other", "kept"));
    };
    CHECK(co_await ask() == "same");
    CHECK(origin.requests()[1].find("Authorization: Basic c2VjcmV0\r\n") != std::string::npos);
    CHECK(origin.requests()[1].find("Cookie: a=b\r\n") != std::string::npos);
    target = other.url("/z");
    CHECK(co_await ask() == "other");
    REQUIRE(other.requests().size() == 1);
    const std::string& seen = other.requests()[0];
    CHECK(seen.starts_with("GET /z HTTP/1.1\r\nHost: " + other.authority() + "\r\n"));
    CHECK(seen.find("Authorization") == std::string::npos);
    CHECK(seen.find("Cookie") == std::string::npos);
    CHECK(seen.find("X-Other: kept\r\n") != std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("a Location that leads nowhere is an error that shows it") {
  const auto main = []() -> task<> {
    for (const char* location :
         {"ftp://host/file", "http://", "http://ho st/", "file:///etc/passwd"}) {
      scripted_origin origin(always(redirect_to(location)));
      session client;
      const std::string failure =
          co_await failure_of<eddy::http::error>(text_of(client.get(origin.url())));
      CHECK(failure.find("302 redirects to \"" + std::string(location) + "\"") !=
            std::string::npos);
      CHECK(client.statistics().open == 0);
    }
    scripted_origin nowhere(always(reply_with("body", "302 Found")));
    session client;
    CHECK(co_await status_of(client.get(nowhere.url())) == 302);
  };
  eddy::run(main());
}
