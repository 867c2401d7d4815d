// session::close, and errors that name the request.
#include <eddy/runtime/gather.hpp>
#include <eddy/sync/event.hpp>
#include <memory>
#include <stdexcept>

#include "../support/client_site.hpp"
#include "../support/descriptors.hpp"
#include "../support/simulated.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;

TEST_CASE("close ends everything and returns when it is closed") {
  const auto main = []() -> task<> {
    scripted_origin silent([](origin_peer* peer) { return peer->stay(); });
    scripted_origin origin(always(reply_with("abc")));
    scripted_origin slow([](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      co_await peer->stay();
    });
    session client(session_options().limit(3));
    CHECK(co_await text_of(client.get(origin.url())) == "abc");  // idle
    response half = co_await client.get(slow.url());             // in use, nobody reads
    auto waits = eddy::spawn(failure_of<eddy::http::error>(text_of(client.get(silent.url()))));
    co_await settle();
    auto queued = eddy::spawn(failure_of<eddy::http::error>(text_of(client.get(silent.url()))));
    auto last = eddy::spawn(failure_of<eddy::http::error>(text_of(client.get(origin.url()))));
    co_await settle();
    CHECK(client.statistics().open == 3);
    co_await client.close();
    const std::string waiting = co_await waits;
    CHECK(waiting == "GET " + silent.url() + ": waiting for the response: the session was closed");
    const std::string in_line = co_await queued;
    const std::string second_in_line = co_await last;
    CHECK((in_line + second_in_line).find("the session") != std::string::npos);
    const std::string reading = co_await failure_of<eddy::http::error>(half.text());
    CHECK(reading == "GET " + slow.url() + ": reading the response: the session was closed");
    const std::string later =
        co_await failure_of<eddy::http::error>(text_of(client.get(origin.url())));
    CHECK(later == "GET " + origin.url() + ": waiting for a connection: the session is closed");
    CHECK(client.statistics().open == 0);
    co_await client.close();
  };
  eddy::run(main());
}

TEST_CASE("a session may go before its close is awaited") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("abc")));
    auto client = std::make_unique<session>();
    CHECK(co_await text_of(client->get(origin.url())) == "abc");
    task<> closing = client->close();
    client.reset();
    co_await std::move(closing);
  };
  eddy::run(main());
}

TEST_CASE("what was moved from or sent already says so") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("abc")));
    session first;
    eddy::http::request_builder asking = first.get(origin.url());
    const response answer = co_await std::move(asking);
    CHECK_THROWS_AS((void)std::move(asking).send(), std::logic_error);
    response old = co_await first.get(origin.url());
    response kept = std::move(old);
    CHECK_THROWS_AS((void)old.status(), std::logic_error);
    CHECK_THROWS_AS((void)old.ok(), std::logic_error);
    CHECK_THROWS_AS((void)old.headers(), std::logic_error);
    CHECK_THROWS_AS((void)old.url(), std::logic_error);
    CHECK_THROWS_AS((void)old.history(), std::logic_error);
    CHECK_THROWS_AS((void)old.remote_address(), std::logic_error);
    CHECK_THROWS_AS((void)old.timings(), std::logic_error);
    CHECK_THROWS_AS(old.raise_for_status(), std::logic_error);
    session second = std::move(first);
    CHECK_THROWS_AS((void)first.get(origin.url()), std::logic_error);
    CHECK_THROWS_AS((void)first.close(), std::logic_error);
    session_options options;
    const session third(std::move(options));
    CHECK_THROWS_AS(session(std::move(options)), std::logic_error);
    CHECK(kept.status() == 200);
  };
  eddy::run(main());
}

TEST_CASE("when close has returned, no descriptor of the session is open") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      if (asked.starts_with("GET /half")) {
        co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      } else {
        co_await peer->stream.write_all(reply_with("abc"));
      }
      co_await peer->stay();
    });
    session client;
    std::vector<response> halves;
    std::vector<task<std::string>> some;
    for (int i = 0; i < 10; ++i) some.push_back(text_of(client.get(origin.url())));
    for (int i = 0; i < 10; ++i) halves.push_back(co_await client.get(origin.url("/half")));
    co_await eddy::gather(std::move(some));
    co_await settle();
    const std::size_t before = open_descriptors();
    const std::size_t open = client.statistics().open;
    CHECK(open == 20);
    // The origin's own ends are closed later: its tasks have not run when close returns, as long as
    // both closings are in one turn; so at least the session's are gone.
    co_await client.close();
    CHECK(open_descriptors() <= before - open);
  };
  eddy::run(main());
}

// In a simulated world the other request may have got further, and the origin's end may be open.
TEST_CASE("close waits for a connection that has just given its place up" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("abc")));
    scripted_origin other(always(reply_with("def")));
    session client(session_options().limit(1));
    response first = co_await client.get(origin.url());
    auto waits = eddy::spawn(failure_of<eddy::http::error>(text_of(client.get(other.url()))));
    co_await settle();
    CHECK(client.statistics().waiting == 1);
    const std::size_t before = open_descriptors();
    CHECK(co_await first.text() == "abc");
    CHECK(client.statistics().waiting == 0);
    co_await client.close();
    CHECK(open_descriptors() < before);
    const std::string failure = co_await waits;
    CHECK(failure == "GET " + other.url() + ": connecting: the session is closed");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("a session may be moved between close() and its await") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("abc")));
    session client;
    CHECK(co_await text_of(client.get(origin.url())) == "abc");
    task<> closing = client.close();
    session moved = std::move(client);
    co_await std::move(closing);
    CHECK(moved.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("close ends connecting") {
  const auto main = []() -> task<> {
    session client;
    const auto request = [&]() -> task<std::string> {
      return failure_of<eddy::http::error>(
          text_of(client.get("http://name.that.is.looked.up.invalid/")));
    };
    eddy::join_handle<std::string> connecting = eddy::spawn(request());
    co_await eddy::yield();
    CHECK(client.statistics().in_use == 1);
    co_await client.close();
    CHECK(client.statistics().open == 0);
    const std::string failure = co_await connecting;
    CHECK(failure ==
          "GET http://name.that.is.looked.up.invalid/: connecting: the session was closed");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("errors keep their type and name method, URL and step") {
  const auto main = []() -> task<> {
    session client;
    // A port that was given back: nobody listens there.
    std::string refused;
    {
      auto listener = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
      refused = "http://user:secret@" + listener.local_address().to_string() + "/x?y#z";
      co_await listener.close();
    }
    std::string text;
    try {
      co_await text_of(client.post(refused));
    } catch (const std::system_error& e) {
      text = e.what();
      CHECK(e.code() == std::errc::connection_refused);
    }
    const std::string place = refused.substr(std::string("http://user:secret@").size());
    const std::string address = place.substr(0, place.find('/'));
    CHECK(text == "POST http://" + address + "/x?y: connecting: connect to " + address +
                      ": Connection refused");

    CHECK_THROWS_AS((void)client.get("not a url"), eddy::url_error);
    CHECK_THROWS_AS((void)client.get("ftp://host/"), eddy::url_error);
    CHECK_THROWS_AS((void)client.get(eddy::url::parse("mailto:a@b")), eddy::url_error);
    CHECK_THROWS_AS(client.get("http://h/").header("Bad\nName", "x"), eddy::http::invalid_request);
    CHECK_THROWS_AS(client.get("http://h/").header("Name", "a\r\nb"), eddy::http::invalid_request);
    for (const char* field : {"Content-Length", "Transfer-Encoding"}) {
      CHECK_THROWS_AS(co_await text_of(client.get("http://h/").header(field, "1")),
                      eddy::http::invalid_request);
    }
    CHECK_THROWS_AS(co_await text_of(client.request("B AD", "http://h/")),
                    eddy::http::invalid_request);
    CHECK_THROWS_AS(co_await text_of(client.request("CONNECT", "http://h/")),
                    eddy::http::invalid_request);
    CHECK(client.statistics().connects == 1);

    scripted_origin missing(always(reply_with("", "404 Not\tHere")));
    response answer = co_await client.get(missing.url("/a"));
    std::string failure;
    try {
      answer.raise_for_status();
    } catch (const eddy::http::status_error& e) {
      failure = e.what();
      CHECK(e.status() == 404);
    }
    CHECK(failure == "404 Not\\x09Here for " + missing.url("/a"));

    session moved = std::move(client);
    CHECK_THROWS_AS((void)client.get("http://h/"), std::logic_error);
  };
  eddy::run(main());
}

TEST_CASE("a malformed response is one clear error, and costs the connection") {
  const auto main = []() -> task<> {
    for (const char* reply : {
             "SSH-2.0-OpenSSH\r\n",
             "HTTP/2.0 200 OK\r\n\r\n",
             "HTTP/1.1 20 OK\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
             "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
             "HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
             "HTTP/1.1 200 OK\nX: y\n\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
             "HTTP/1.1 200 OK\r\nX: y\r\n",
             "HTTP/1.1 101 Switching Protocols\r\n\r\n",
             "HTTP/1.1 10",
             "",
         }) {
      CAPTURE(reply);
      scripted_origin origin(once(reply));
      session client;
      const std::string failure =
          co_await failure_of<eddy::http::protocol_error>(text_of(client.get(origin.url())));
      CHECK(failure.starts_with("GET " + origin.url() + ": "));
      CHECK(client.statistics().open == 0);
      CHECK(origin.log().accepted == 1);
    }
  };
  eddy::run(main());
}

TEST_CASE("the bounds of http::limits hold") {
  const auto main = []() -> task<> {
    const std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(4000, 'x') + "\r\n\r\n";
    std::string interim;
    for (int i = 0; i < 9; ++i) interim += "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n";
    for (const std::string& reply : {head, interim + reply_with("x")}) {
      scripted_origin origin(once(reply));
      session client(session_options().limits(eddy::http::limits().max_head_bytes(1000)));
      CHECK_THROWS_AS(co_await text_of(client.get(origin.url())), eddy::http::protocol_error);
      CHECK(client.statistics().open == 0);
    }
    scripted_origin origin(
        always("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + reply_with("final")));
    session client;
    for (int i = 0; i < 2; ++i) CHECK(co_await text_of(client.get(origin.url())) == "final");
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("a response that outlives its loop keeps its head, and nothing else of it is touched") {
  const std::string length = "HTTP/1.1 200 OK\r\nContent-Length: ";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::string> beginnings = {
      length + "5\r\n\r\n",      length + "5\r\n\r\nhe", length + "5\r\n\r\nhello",
      chunked + "3\r\nab",       chunked + "3\r\nabc",   chunked + "3\r\nabc\r\n0\r\n\r\n"};
  std::vector<response> kept;
  const auto first = [&]() -> task<> {
    session client;
    for (const std::string& beginning : beginnings) {
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        for (int i = 0; i < 3; ++i) {
          const std::string asked = co_await peer->request();
          if (asked.empty()) co_return;
          co_await peer->stream.write_all(beginning);
        }
        co_await peer->stay();
      });
      for (int i = 0; i < 3; ++i) kept.push_back(co_await client.get(origin.url()));
      co_await settle();
    }
  };
  eddy::run(first());
  kept.pop_back();  // where there is no loop at all
  const auto next = [&]() -> task<> {
    scripted_origin origin(always(reply_with("still here")));
    session client;
    CHECK(co_await text_of(client.get(origin.url())) == "still here");
    for (std::size_t i = 0; i < kept.size(); i += 3) {
      CHECK(kept[i].status() == 200);
      const std::string failed = co_await failure_of<eddy::http::error>(kept[i].text());
      CHECK(failed.ends_with("the event loop that the response belongs to has ended"));
      CHECK_FALSE(co_await kept[i + 1].discard());
    }
    kept.clear();
    CHECK(co_await text_of(client.get(origin.url())) == "still here");
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(next());
}
