// Bodies from files, generators, forms and JSON: the exact bytes, and what goes wrong with them.
#include <eddy/net/http/json.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/sync/event.hpp>

#include "../support/upload_site.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::invalid_request;
using eddy::http::request_builder;
using eddy::http::response;
using eddy::http::session;

namespace {

class generator_broke : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class Error>
eddy::generator<std::string> fails_after(std::string first, Error error) {
  co_yield first;
  throw error;
}

// Sends it, expects "done", and returns what the origin got.
task<std::string> sent_by(request_builder request, scripted_origin& origin) {
  const std::string text = co_await text_of(std::move(request));
  CHECK(text == "done");
  co_return origin.requests().back();
}

}  // namespace

TEST_CASE("a generator's pieces are chunks, with no length beside them") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    std::string got = co_await sent_by(
        client.post(origin.url()).stream(yields("hello, ", "", "world", std::string(20, 'x'))),
        origin);
    CHECK(got == bare_head("POST", origin, "", "Transfer-Encoding: chunked\r\n\r\n") +
                     "7\r\nhello, \r\n5\r\nworld\r\n14\r\n" + std::string(20, 'x') +
                     "\r\n0\r\n\r\n");
    got = co_await sent_by(client.put(origin.url()).stream(yields()), origin);
    CHECK(got == bare_head("PUT", origin, "", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    // Larger than what is copied.
    const std::string large(300'000, 'l');
    got = co_await sent_by(client.post(origin.url()).stream(yields("a", large, "b")), origin);
    CHECK((body_part(got) ==
           "1\r\na\r\n493e0\r\n" + large + "\r\n1\r\nb\r\n0\r\n\r\n"));
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("a generator with a size is sent as it is") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    std::string got =
        co_await sent_by(client.post(origin.url()).stream(yields("abc", "de"), 5), origin);
    CHECK(got == bare_head("POST", origin, "", "Content-Length: 5\r\n\r\nabcde"));
    got = co_await sent_by(client.request("BREW", origin.url()).stream(yields(), 0), origin);
    CHECK(got == bare_head("BREW", origin, "", "Content-Length: 0\r\n\r\n"));
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("a generator that yields more or less than declared is named with both numbers") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    const std::string before = "POST " + origin.url() +
                               ": sending the request: the body: a body was declared to have 5 "
                               "bytes, and its generator yields ";
    std::string failure = co_await failure_of<invalid_request>(
        client.post(origin.url()).stream(yields("abc", "d"), 5));
    CHECK(failure == before + "4");
    CHECK(client.statistics().open == 0);
    failure = co_await failure_of<invalid_request>(
        client.post(origin.url()).stream(yields("abc", "def"), 5));
    CHECK(failure == before + "at least 6");
    // The server has all that was announced already.
    failure = co_await failure_of<invalid_request>(
        client.post(origin.url()).stream(yields("abcde", "f"), 5));
    CHECK(failure == before + "at least 6");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("each piece of a generator leaves when it is there") {
  const auto main = []() -> task<> {
    eddy::event head_came;
    eddy::event first_came;
    const auto slow = [](eddy::event& head, eddy::event& first) -> eddy::generator<std::string> {
      co_await head.wait();
      co_yield "one";
      co_await first.wait();
      co_yield "two";
    };
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      head_came.set();
      const std::string first = co_await peer->stream.read_until("3\r\none\r\n", 4096);
      first_came.set();
      const std::string rest = co_await peer->stream.read_until("3\r\ntwo\r\n0\r\n\r\n", 4096);
      co_await peer->stream.write_all(reply_with("done"));
      co_await peer->stay();
    });
    session client(bare());
    CHECK(co_await text_of(client.post(origin.url()).stream(slow(head_came, first_came))) ==
          "done");
  };
  eddy::run(main());
}

TEST_CASE("what a generator throws leaves the await, and the body has no end") {
  const auto main = []() -> task<> {
    std::vector<std::string> ends;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      std::string all;
      for (;;) {
        const eddy::lease part = co_await peer->stream.receive();
        if (part.empty()) break;
        all += part.text();
      }
      ends.push_back(body_part(all));
    });
    session client(bare());
    const std::string where = "POST " + origin.url() + ": sending the request: the body: ";
    CHECK(co_await failure_of<std::runtime_error>(
              client.post(origin.url())
                  .stream(fails_after("abc", std::runtime_error("no more")))) == where + "no more");
    // Types that Eddy does not know are left as they are.
    CHECK(co_await failure_of<generator_broke>(
              client.post(origin.url())
                  .stream(fails_after("abc", generator_broke("broke")), 100)) == "broke");
    // So are those that tell more than the ones that they derive from.
    const eddy::http::status_error gone(410, "Gone", "http://b/");
    CHECK(co_await failure_of<eddy::http::status_error>(
              client.post(origin.url()).stream(fails_after("abc", gone))) ==
          "410 Gone for http://b/");
    // Errors that look like the connection's are the generator's all the same.
    const std::system_error reset(std::make_error_code(std::errc::connection_reset), "upstream");
    CHECK(co_await failure_of<std::system_error>(
              client.put(origin.url()).stream(fails_after("abc", reset))) ==
          "PUT " + origin.url() +
              ": sending the request: the body: upstream: Connection reset by peer");
    CHECK(co_await failure_of<eddy::timeout_error>(
              client.post(origin.url())
                  .stream(fails_after("abc", eddy::timeout_error("mine")))) == where + "mine");
    CHECK(client.statistics().open == 0);
    while (ends.size() < 5) co_await eddy::yield();
    CHECK(ends == std::vector<std::string>{"3\r\nabc\r\n", "abc", "3\r\nabc\r\n",
                                           "3\r\nabc\r\n", "3\r\nabc\r\n"});
  };
  eddy::run(main());
}

TEST_CASE("a file is sent with its size, whatever that is") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    for (const std::size_t size :
         {0UL, 1UL, 16383UL, 16384UL, 65535UL, 65536UL, 65537UL, 1000000UL}) {
      CAPTURE(size);
      const std::string bytes = large_text().substr(0, size);
      co_await put_file(folder.at("f"), bytes);
      const std::string got =
          co_await sent_by(client.put(origin.url()).body_file(folder.at("f")), origin);
      CHECK((got == bare_head("PUT", origin, "",
                              "Content-Length: " + std::to_string(size) + "\r\n\r\n" + bytes)));
    }
    CHECK(client.statistics().connects == 1);
    const std::string failure = co_await failure_of<std::system_error>(
        client.put(origin.url()).body_file(folder.at("none")));
    CHECK(failure.starts_with("PUT " + origin.url() + ": preparing the request: the body: open " +
                              folder.at("none") + ": No such file"));
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("a file that shrinks is an error, one that grows is sent as announced") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    // More than the sockets hold, so that the end is read after the server has.
    const std::string bytes = large_text();
    bool grows = false;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      CHECK(head.find("Content-Length: " + std::to_string(bytes.size())) != std::string::npos);
      if (grows) {
        co_await put_file(folder.at("f"), "more", eddy::file_mode::append);
      } else {
        co_await put_file(folder.at("f"), "");
      }
      std::string body(bytes.size(), '\0');
      co_await peer->stream.read_exactly(std::as_writable_bytes(std::span<char>(body)));
      CHECK((body == bytes));
      co_await peer->answer_once(reply_with("never"));
    });
    session client(bare());
    co_await put_file(folder.at("f"), bytes);
    const std::string failure = co_await failure_of<eddy::http::error>(
        client.put(origin.url()).body_file(folder.at("f")));
    const std::string before = "PUT " + origin.url() +
                               ": sending the request: the body: the file " + folder.at("f") +
                               " ended after ";
    CHECK(failure.starts_with(before));
    CHECK(failure.ends_with(" of the " + std::to_string(bytes.size()) +
                            " bytes that it had when the request began"));
    CHECK(client.statistics().open == 0);

    grows = true;
    co_await put_file(folder.at("f"), bytes);
    scripted_origin second(uploads());
    std::string got = co_await sent_by(client.put(second.url()).body_file(folder.at("f")), second);
    CHECK((body_part(got) == bytes));
  };
  eddy::run(main());
}

TEST_CASE("JSON and forms say what they are, unless the caller does") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare().header("Content-Type", "text/default"));
    std::string got = co_await sent_by(client.post(origin.url()).json("{\"a\":1}"), origin);
    CHECK(got == bare_head("POST", origin, "Content-Type: application/json\r\n",
                           "Content-Length: 7\r\n\r\n{\"a\":1}"));
    got = co_await sent_by(
        client.post(origin.url()).header("content-type", "application/ld+json").json("{}"), origin);
    CHECK(got == bare_head("POST", origin, "content-type: application/ld+json\r\n",
                           "Content-Length: 2\r\n\r\n{}"));
    got = co_await sent_by(client.post(origin.url()).form("a b", "1&2").form("c", "ü"), origin);
    CHECK(got == bare_head("POST", origin, "Content-Type: application/x-www-form-urlencoded\r\n",
                           "Content-Length: 18\r\n\r\na+b=1%262&c=%C3%BC"));
    got = co_await sent_by(client.post(origin.url()).body("x"), origin);
    CHECK(got.find("\r\nContent-Type: text/default\r\n") != std::string::npos);
  };
  eddy::run(main());
}

#if EDDY_HAVE_JSON
TEST_CASE("a JSON value is sent as its text") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    const eddy::http::json value = eddy::http::json::object().set("a", 1).set("b", "\"");
    const std::string got = co_await sent_by(client.post(origin.url()).json(value), origin);
    CHECK(got == bare_head("POST", origin, "Content-Type: application/json\r\n",
                           "Content-Length: 16\r\n\r\n{\"a\":1,\"b\":\"\\\"\"}"));
    // A text is a text, also where a value could be made of it.
    const std::string text = co_await sent_by(client.post(origin.url()).json("[1]"), origin);
    CHECK(text.ends_with("\r\n\r\n[1]"));
  };
  eddy::run(main());
}
#endif

TEST_CASE("two bodies in one request are refused by name") {
  const auto main = []() -> task<> {
    session client;
    const std::string at = "http://localhost/";
    const auto refusal = [&](request_builder request, std::string names) -> task<> {
      const std::string failure = co_await failure_of<invalid_request>(std::move(request));
      CHECK(failure == "POST http://localhost/: preparing the request: " + names +
                           " are both given: a request has one body");
    };
    co_await refusal(client.post(at).body("x").form("a", "b"), "body() and form()");
    co_await refusal(client.post(at).json("1").body("x"), "body() and json()");
    co_await refusal(client.post(at).stream(yields()).body_file("f"), "body_file() and stream()");
    eddy::http::multipart form;
    co_await refusal(client.post(at).multipart(std::move(form)).json("1"),
                     "json() and multipart()");
    const std::string traced =
        co_await failure_of<invalid_request>(client.request("TRACE", at).stream(yields("x")));
    CHECK(traced == "TRACE http://localhost/: preparing the request: a TRACE has no body");
    CHECK(co_await failure_of<invalid_request>(client.request("TRACE", at).body("x")) == traced);
    CHECK(client.statistics().connects == 0);
    // Of one kind the last one counts.
    scripted_origin origin(uploads());
    const std::string got =
        co_await sent_by(client.post(origin.url()).stream(yields("x")).stream(yields("y"), 1),
                         origin);
    CHECK(got.ends_with("Content-Length: 1\r\n\r\ny"));
  };
  eddy::run(main());
}

TEST_CASE("a redirection sends a file again, and a generator only if nothing was taken") {
  const upload_folder folder;
  for (const char* status : {"307 Temporary", "308 Permanent", "303 See Other", "302 Found"}) {
    CAPTURE(status);
    const bool keeps = status[2] == '7' || status[2] == '8';
    const auto main = [&]() -> task<> {
      co_await put_file(folder.at("f"), "file");
      scripted_origin origin([&](origin_peer* peer) -> task<> {
        for (;;) {
          const std::string asked = co_await whole_request(peer);
          if (asked.empty()) co_return;
          std::string reply = reply_with("done");
          if (asked.find(" / HTTP") != std::string::npos) {
            reply = reply_with("", status, "Location: /b\r\n");
          }
          co_await peer->stream.write_all(reply);
        }
      });
      session client(bare());
      const std::string got =
          co_await sent_by(client.post(origin.url()).body_file(folder.at("f")), origin);
      CHECK(got.starts_with(keeps ? "POST /b " : "GET /b "));
      CHECK(got.ends_with(keeps ? "Content-Length: 4\r\n\r\nfile" : "Accept: */*\r\n\r\n"));
      if (!keeps) {
        const std::string plain =
            co_await sent_by(client.post(origin.url()).stream(yields("x")), origin);
        CHECK(plain.starts_with("GET /b "));
        CHECK(plain.ends_with("Accept: */*\r\n\r\n"));
        co_return;
      }
      const std::string failure = co_await failure_of<eddy::http::error>(
          client.post(origin.url()).stream(yields("x")));
      CHECK(failure == "POST " + origin.url() + ": following a redirection: " +
                           std::string(status, 3) + " redirects to " + origin.url("/b") +
                           ", and the body, which is not kept, cannot be sent again");
      response answer = co_await client.post(origin.url()).stream(yields("x")).redirects(0);
      CHECK(answer.status() == std::stoi(status));
    };
    eddy::run(main());
  }
}

TEST_CASE("a stale connection: a file is sent again on a new one, a generator is not") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    co_await put_file(folder.at("f"), "file");
    // Closes the first connection when the second request's head has come.
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string first = co_await whole_request(peer);
      co_await peer->stream.write_all(reply_with("done"));
      const std::string second = co_await peer->stream.read_until("\r\n\r\n", 4096);
    });
    session client(bare());
    CHECK(co_await text_of(client.get(origin.url())) == "done");
    const std::string got =
        co_await sent_by(client.put(origin.url()).body_file(folder.at("f")), origin);
    CHECK(got.ends_with("\r\n\r\nfile"));
    CHECK(origin.log().accepted == 2);
    int failed = 0;
    try {
      const int status = co_await status_of(client.put(origin.url()).stream(yields("x")));
      (void)status;
    } catch (const eddy::http::error&) {
      ++failed;
    } catch (const std::system_error&) {
      ++failed;
    }
    CHECK(failed == 1);
    CHECK(origin.log().accepted == 2);
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}
