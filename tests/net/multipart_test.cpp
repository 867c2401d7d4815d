// multipart/form-data: what is written, and what is sent.
#include <eddy/net/http/multipart.hpp>
#include <eddy/sync/event.hpp>

#include "../../net/http/multipart_writer.hpp"
#include "../support/descriptors.hpp"
#include "../support/simulated.hpp"
#include "../support/upload_site.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::http::multipart;
using eddy::http::part;
using eddy::http::response;
using eddy::http::session;

namespace {

std::string quoted_name(std::string_view name) {
  std::string out;
  eddy::http::append_quoted_name(out, name);
  return out;
}

std::string boundary_in(const std::string& request) {
  const std::string before = "Content-Type: multipart/form-data; boundary=";
  const std::size_t at = request.find(before);
  REQUIRE(at != std::string::npos);
  const std::size_t begin = at + before.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

// The body with "BB" for its boundary.
std::string normal_body(const std::string& request) {
  const std::string boundary = boundary_in(request);
  CHECK(boundary.size() == 37);
  CHECK(boundary.find_first_not_of("abcdefghijklmnopqrstuvwxyz-0123456789") ==
        std::string::npos);
  std::string body = body_part(request);
  for (std::size_t at = 0; (at = body.find(boundary)) != std::string::npos;) {
    body.replace(at, boundary.size(), "BB");
  }
  return body;
}

}  // namespace

TEST_CASE("names are quoted so that nothing can end them") {
  CHECK(quoted_name("") == "\"\"");
  CHECK(quoted_name("a b;c=d") == "\"a b;c=d\"");
  CHECK(quoted_name("\"") == "\"%22\"");
  CHECK(quoted_name("a\r\nX-Evil: 1\r\n\r\nbody") == "\"a%0D%0AX-Evil: 1%0D%0A%0D%0Abody\"");
  CHECK(quoted_name("%22\\") == "\"%22\\\"");
  CHECK(quoted_name("\xc3\xbc") == "\"\xc3\xbc\"");
}

TEST_CASE("a part's head, and the end") {
  using namespace eddy::http;
  std::string out;
  part_head head;
  head.name = "n";
  append_part_head(out, "B", head, true);
  CHECK(out == "--B\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n");
  out.clear();
  head.filename = "f";
  head.content_type = "text/plain";
  append_part_head(out, "B", head, false);
  CHECK(out ==
        "\r\n--B\r\nContent-Disposition: form-data; name=\"n\"; filename=\"f\"\r\n"
        "Content-Type: text/plain\r\n\r\n");
  out.clear();
  append_multipart_end(out, "B", false);
  append_multipart_end(out, "B", true);
  CHECK(out == "\r\n--B--\r\n--B--\r\n");
}

TEST_CASE("a boundary shows all of its random bytes") {
  std::byte random[eddy::http::boundary_random_bytes];
  for (std::size_t i = 0; i < sizeof random; ++i) random[i] = static_cast<std::byte>(i * 17);
  CHECK(eddy::http::boundary_of(random) == "eddy-00112233445566778899aabbccddeeff");
}

TEST_CASE("a content type that a header cannot hold is refused") {
  CHECK_THROWS_AS(part().content_type("text/plain\r\nX-Evil: 1"), eddy::http::invalid_request);
  CHECK_NOTHROW(part().content_type("text/plain; charset=utf-8"));
}

TEST_CASE("a form of all kinds of parts is sent with its length") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    co_await put_file(folder.at("notes.txt"), "from a file");
    scripted_origin origin(uploads());
    session client(bare());
    multipart form;
    form.field("title", "Two\nlines")
        .content("raw", std::string("\0\1", 2))
        .content("js", "{}", part().content_type("application/json").filename("a\"b.json"));
    form.file("notes", folder.at("notes.txt"))
        .file("again", folder.at("notes.txt"), part().filename("other").content_type("text/x"))
        .stream("live", yields("one", "", "two"), 6, part().filename("live.bin"))
        .field("title", "");
    response answer = co_await client.post(origin.url()).multipart(std::move(form));
    CHECK(co_await answer.text() == "done");
    const std::string expected =
        std::string(
            "--BB\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nTwo\nlines\r\n"
            "--BB\r\nContent-Disposition: form-data; name=\"raw\"\r\n"
            "Content-Type: application/octet-stream\r\n\r\n") +
        std::string("\0\1", 2) +
        "\r\n--BB\r\nContent-Disposition: form-data; name=\"js\"; filename=\"a%22b.json\"\r\n"
        "Content-Type: application/json\r\n\r\n{}\r\n"
        "--BB\r\nContent-Disposition: form-data; name=\"notes\"; filename=\"notes.txt\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\nfrom a file\r\n"
        "--BB\r\nContent-Disposition: form-data; name=\"again\"; filename=\"other\"\r\n"
        "Content-Type: text/x\r\n\r\nfrom a file\r\n"
        "--BB\r\nContent-Disposition: form-data; name=\"live\"; filename=\"live.bin\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\nonetwo\r\n"
        "--BB\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\r\n--BB--\r\n";
    REQUIRE(origin.requests().size() == 1);
    const std::string& sent = origin.requests()[0];
    CHECK(normal_body(sent) == expected);
    CHECK(sent.starts_with(bare_head(
        "POST", origin, "Content-Type: multipart/form-data; boundary=" + boundary_in(sent) + "\r\n",
        "Content-Length: " + std::to_string(body_part(sent).size()) + "\r\n\r\n")));
    check_nothing_in_use(client);
    CHECK(client.statistics().idle == 1);
  };
  eddy::run(main());
}

TEST_CASE("a part of unknown size makes the form chunked") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    multipart form;
    form.field("a", "1").stream("b", yields("two", "three"));
    CHECK(co_await text_of(client.post(origin.url()).multipart(std::move(form))) == "done");
    const std::string& sent = origin.requests().at(0);
    CHECK(sent.find("Content-Length") == std::string::npos);
    CHECK(sent.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
    const std::string body = normal_body(sent);
    CHECK(body.find("\r\n3\r\ntwo\r\n") != std::string::npos);
    CHECK(body.find("\r\n5\r\nthree\r\n") != std::string::npos);
    CHECK(body.ends_with("--BB--\r\n\r\n0\r\n\r\n"));
  };
  eddy::run(main());
}

TEST_CASE("a part that is not there yet holds nothing up, and files are open one at a time") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    eddy::event first_came;
    std::size_t open = 0;
    const auto after = [](eddy::event* e, std::size_t* found) -> eddy::generator<std::string> {
      co_await e->wait();
      if (!is_simulated()) *found = open_descriptors();
      co_yield "late";
    };
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string text = co_await peer->stream.read_until("file 19\r\n--", 1 << 16);
      first_came.set();
      const std::string rest = co_await peer->stream.read_until("late\r\n--", 1 << 16);
      const std::string end = co_await peer->stream.read_until("--\r\n", 100);
      co_await peer->stream.write_all(reply_with("done"));
      co_await peer->stay();
    });
    multipart form;
    for (int i = 0; i < 20; ++i) {
      const std::string path = folder.at(std::to_string(i));
      co_await put_file(path, "file " + std::to_string(i));
      form.file("f", path);
    }
    form.stream("last", after(&first_came, &open), 4);
    session client(bare());
    const std::size_t before = is_simulated() ? 0 : open_descriptors();
    CHECK(co_await text_of(client.post(origin.url()).multipart(std::move(form))) == "done");
    CHECK(open <= before + 2);  // both ends of the connection
  };
  eddy::run(main());
}

TEST_CASE("an empty form, one that was moved from, and boundaries that differ") {
  const auto main = []() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    for (int i = 0; i < 2; ++i) {
      CHECK(co_await status_of(client.post(origin.url()).multipart(multipart())) == 200);
      CHECK(normal_body(origin.requests().back()) == "--BB--\r\n");
    }
    CHECK(boundary_in(origin.requests()[0]) != boundary_in(origin.requests()[1]));
    multipart gone;
    const multipart taken = std::move(gone);
    CHECK_THROWS_AS(gone.field("a", "b"), std::logic_error);
    CHECK_THROWS_AS((void)client.post(origin.url()).multipart(std::move(gone)), std::logic_error);
    // The boundary is in it: nobody else can say it.
    const std::string failure = co_await failure_of<eddy::http::invalid_request>(
        client.post(origin.url()).multipart(multipart()).header("content-type", "a/b"));
    CHECK(failure == "POST " + origin.url() +
                         ": preparing the request: Content-Type follows from multipart() and "
                         "cannot be set");
  };
  eddy::run(main());
}

TEST_CASE("a form with files is sent again by a redirection, one with a generator is not") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    co_await put_file(folder.at("f"), std::string(100'000, 'f'));
    scripted_origin origin([](origin_peer* peer) -> task<> {
      for (;;) {
        const std::string asked = co_await whole_request(peer);
        if (asked.empty()) co_return;
        std::string reply = reply_with("done");
        if (asked.find(" / HTTP") != std::string::npos) {
          reply = reply_with("", "307 Elsewhere", "Location: /b\r\n");
        }
        co_await peer->stream.write_all(reply);
      }
    });
    session client(bare());
    multipart form;
    form.field("a", "1").file("b", folder.at("f")).field("c", "3");
    CHECK(co_await text_of(client.post(origin.url()).multipart(std::move(form))) == "done");
    REQUIRE(origin.requests().size() == 2);
    CHECK(body_part(origin.requests()[0]) == body_part(origin.requests()[1]));
    CHECK(boundary_in(origin.requests()[0]) == boundary_in(origin.requests()[1]));

    multipart live;
    live.stream("a", yields("x"));
    const std::string failure = co_await failure_of<eddy::http::error>(
        client.post(origin.url()).multipart(std::move(live)));
    CHECK(failure == "POST " + origin.url() + ": following a redirection: 307 redirects to " +
                         origin.url("/b") +
                         ", and the body, which is not kept, cannot be sent again");
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

TEST_CASE("a part that fails names itself, and the form is not begun") {
  const upload_folder folder;
  const auto main = [&]() -> task<> {
    scripted_origin origin(uploads());
    session client(bare());
    multipart form;
    form.field("a", "1").file("b", folder.at("missing"));
    const std::string failure = co_await failure_of<std::system_error>(
        client.post(origin.url()).multipart(std::move(form)));
    CHECK(failure.starts_with("POST " + origin.url() + ": preparing the request: the body: open " +
                              folder.at("missing") + ": "));
    multipart wrong;
    wrong.stream("a", yields("abc", "def"), 5);
    const std::string sizes = co_await failure_of<eddy::http::invalid_request>(
        client.post(origin.url()).multipart(std::move(wrong)));
    CHECK(sizes == "POST " + origin.url() +
                       ": sending the request: the body: a body was declared to have 5 bytes, and "
                       "its generator yields at least 6");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}
