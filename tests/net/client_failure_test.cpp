// What an error of a request tells besides its text: how far the request had come.
#include <system_error>

#include "../support/client_site.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::request_failure;
using eddy::http::request_stage;
using eddy::http::session;
using eddy::http::session_options;

namespace {

// The stage at which getting and reading `url` fails; the failure is an Error, too.
template <class Error>
task<request_stage> stage_of(session* client, std::string url) {
  try {
    const std::string text = co_await text_of(client->get(url));
  } catch (const request_failure& failed) {
    CHECK(dynamic_cast<const Error*>(&failed) != nullptr);
    co_return failed.during();
  }
  FAIL_CHECK("no request_failure");
  co_return request_stage::preparing;
}

}  // namespace

TEST_CASE("a failure tells whether connecting, sending or receiving was under way") {
  const auto main = []() -> task<> {
    session client;
    std::string refused;
    {
      scripted_origin gone(always(""));
      refused = gone.url("/");
    }
    CHECK(co_await stage_of<std::system_error>(&client, refused) == request_stage::connecting);
    scripted_origin cut(once("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
    CHECK(co_await stage_of<eddy::http::incomplete_body>(&client, cut.url("/")) ==
          request_stage::receiving_body);
    scripted_origin chunked(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"));
    CHECK(co_await stage_of<eddy::http::incomplete_body>(&client, chunked.url("/")) ==
          request_stage::receiving_body);
    scripted_origin bad(once("nonsense\r\n\r\n"));
    CHECK(co_await stage_of<eddy::http::protocol_error>(&client, bad.url("/")) ==
          request_stage::receiving_head);
  };
  eddy::run(main());
}

TEST_CASE("an end before the response is an empty_reply; inside its head it is not") {
  const auto main = []() -> task<> {
    session client;
    for (const char* text : {"", "HTTP/1.1 100 Continue\r\n\r\n"}) {
      scripted_origin empty(once(text));
      CHECK(co_await stage_of<eddy::http::empty_reply>(&client, empty.url("/")) ==
            request_stage::receiving_head);
    }
    scripted_origin cut(once("HTTP/1.1 200 OK\r\nA:"));
    try {
      const std::string text = co_await text_of(client.get(cut.url("/")));
      FAIL_CHECK("no error");
    } catch (const eddy::http::empty_reply&) {
      FAIL_CHECK("part of a head is not nothing");
    } catch (const eddy::http::protocol_error&) {
    }
  };
  eddy::run(main());
}

TEST_CASE("a timeout tells both its kind and the stage") {
  const auto main = []() -> task<> {
    scripted_origin silent([](origin_peer* peer) -> task<> { co_await peer->stay(); });
    session client;
    try {
      const std::string text =
          co_await text_of(client.get(silent.url("/")).timeout(std::chrono::milliseconds(10)));
      FAIL_CHECK("no error");
    } catch (const eddy::http::request_timeout& e) {
      CHECK(e.kind() == eddy::http::timeout_kind::total);
      const auto* failed = dynamic_cast<const request_failure*>(&e);
      REQUIRE(failed != nullptr);
      CHECK(failed->during() == request_stage::receiving_head);
    }
  };
  eddy::run(main());
}

TEST_CASE("a field that is not wanted is not sent, unless the request brings it") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client(session_options()
                       .without_header("accept")
                       .without_header("Accept-Encoding")
                       .without_header("User-Agent")
                       .without_header("Host")
                       .header("X-Default", "1")
                       .without_header("x-default"));
    const std::string url = origin.url("/");
    CHECK(co_await text_of(client.get(url)) == "x");
    CHECK(co_await text_of(client.get(url).header("Accept", "text/html")) == "x");
    const std::string host = "GET / HTTP/1.1\r\nHost: " + origin.authority() + "\r\n";
    REQUIRE(origin.requests().size() == 2);
    CHECK(origin.requests()[0] == host + "\r\n");
    CHECK(origin.requests()[1] == host + "Accept: text/html\r\n\r\n");
  };
  eddy::run(main());
}
