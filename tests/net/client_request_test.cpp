// What is sent: the URL, the query, and nothing that is malformed, whatever the caller passes.
#include <eddy/net/address.hpp>
#include <eddy/net/http/auth.hpp>

#include "../support/client_site.hpp"

using namespace eddy_tests;
using eddy::task;
using eddy::url_error;
using eddy::http::auth;
using eddy::http::invalid_request;
using eddy::http::request_builder;
using eddy::http::session;
using eddy::http::session_options;

namespace {

std::string line_of(const scripted_origin& origin) {
  const std::string& last = origin.requests().back();
  return last.substr(0, last.find("\r\n"));
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::string message_of(session& client, const std::string& text) {
  try {
    (void)client.get(text);
  } catch (const url_error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("relative references are resolved against the base URL") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client(session_options().base_url(origin.url("/api/v1/?old")));
    for (const auto& [reference, line] :
         {std::pair<const char*, const char*>{"users?id=1", "GET /api/v1/users?id=1 HTTP/1.1"},
          {"../v2", "GET /api/v2 HTTP/1.1"},
          {"/x", "GET /x HTTP/1.1"},
          {"?n", "GET /api/v1/?n HTTP/1.1"},
          {"", "GET /api/v1/?old HTTP/1.1"},
          {"x#part", "GET /api/v1/x HTTP/1.1"}}) {
      CAPTURE(reference);
      CHECK(co_await text_of(client.get(reference)) == "x");
      CHECK(line_of(origin) == line);
    }
    scripted_origin other(always(reply_with("other")));
    CHECK(co_await text_of(client.get(other.url("/y"))) == "other");
    CHECK(co_await text_of(client.get("//" + other.authority() + "/z")) == "other");
    CHECK(line_of(other) == "GET /z HTTP/1.1");
    CHECK(message_of(client, "ftp://host/") == "URL \"ftp://host/\" is not of http or https");
    CHECK(message_of(client, "a\nb").find("control byte 0x0a") != std::string::npos);
    CHECK_THROWS_AS(session_options().base_url("/relative"), url_error);
    CHECK_THROWS_AS(session_options().base_url("ftp://host/"), url_error);
  };
  eddy::run(main());
}

TEST_CASE("a relative reference without a base URL is an error that says so") {
  const auto main = []() -> task<> {
    session client;
    for (const char* text : {"/x", "x", "//host/x", "?q", ""}) {
      CAPTURE(text);
      CHECK(message_of(client, text) ==
            "URL \"" + std::string(text) + "\" is relative, and the session has no base_url()");
    }
    CHECK(message_of(client, "ftp://host/").find("base_url") == std::string::npos);
    co_return;
  };
  eddy::run(main());
}

TEST_CASE("query parameters are encoded and appended") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client;
    const std::string value = "=+%/\xc3\xa4";
    CHECK(co_await text_of(client.get(origin.url("/p")).query("a", "1 2").query("b&", value)) ==
          "x");
    CHECK(line_of(origin) == "GET /p?a=1%202&b%26=%3D%2B%25%2F%C3%A4 HTTP/1.1");
    CHECK(co_await text_of(client.get(origin.url("/p?c=3#part")).query("d", "")) == "x");
    CHECK(line_of(origin) == "GET /p?c=3&d= HTTP/1.1");
    CHECK(co_await text_of(client.get(origin.url("/p?")).query("d~._-", "\r\n")) == "x");
    CHECK(line_of(origin) == "GET /p?d~._-=%0D%0A HTTP/1.1");
    CHECK_THROWS_AS(client.get(origin.url()).query("a", std::string(70'000, 'x')), url_error);
  };
  eddy::run(main());
}

TEST_CASE("one Host, which the caller may choose, and which must be one") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client;
    CHECK(co_await text_of(client.get(origin.url())) == "x");
    CHECK(count(origin.requests().back(), "Host: ") == 1);
    CHECK(co_await text_of(client.get(origin.url()).header("host", "other.example:8080")) == "x");
    const std::string& sent = origin.requests().back();
    CHECK(sent.find("\r\nHost: other.example:8080\r\n") != std::string::npos);
    CHECK(count(sent, "ost: ") == 1);
    const std::size_t before = origin.requests().size();
    for (const char* bad : {"a b", "a,b", "a/b", "user@host", "http://a", "a\"b"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(co_await text_of(client.get(origin.url()).header("Host", bad)),
                      invalid_request);
    }
    CHECK_THROWS_AS(
        co_await text_of(client.get(origin.url()).header("Host", "a").header("HOST", "a")),
        invalid_request);
    CHECK(origin.requests().size() == before);
    CHECK(client.statistics().in_use == 0);
  };
  eddy::run(main());
}

TEST_CASE("what a session says in all its requests stands in each, once and in order") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client(session_options().header("X-Own", "1").without_header("Accept-Encoding"));
    for (int i = 0; i < 2; ++i) {
      CHECK(co_await text_of(client.get(origin.url("/a"))) == "x");
      const std::string& sent = origin.requests().back();
      CHECK(sent.starts_with("GET /a HTTP/1.1\r\nHost: " + origin.authority() + "\r\n"));
      CHECK(sent.ends_with("\r\nX-Own: 1\r\nAccept: */*\r\n\r\n"));
      CHECK(count(sent, "\r\nHost: ") == 1);
    }
    CHECK(co_await text_of(client.get(origin.url("/a")).header("x-own", "2")) == "x");
    CHECK(count(origin.requests().back(), "X-Own: 1") == 0);
    CHECK(co_await text_of(client.get(origin.url("/a")).cookie("id", "7")) == "x");
    CHECK(origin.requests().back().ends_with("X-Own: 1\r\nAccept: */*\r\nCookie: id=7\r\n\r\n"));
  };
  eddy::run(main());
}

// Fields that something is done about, request by request, also where they are the session's.
TEST_CASE("what a session says of the connection, the body and itself is not said twice") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    struct field {
      const char* name;
      const char* value;
      const char* absent;
    };
    for (const field& it : {field{"Host", "other.test", "127.0.0.1"},
                            field{"Cookie", "a=1", "Cookie: set"},
                            field{"Authorization", "Bearer a", "Basic"},
                            field{"Range", "bytes=0-", "Accept-Encoding"},
                            field{"TE", "trailers", "TE, TE"},
                            field{"Content-Type", "text/a", "text/plain"}}) {
      CAPTURE(it.name);
      session client(session_options().header(it.name, it.value).auth(auth::basic("u", "p")));
      for (int i = 0; i < 2; ++i) {
        CHECK(co_await text_of(client.post(origin.url("/"))) == "x");
        const std::string& sent = origin.requests().back();
        CHECK(count(sent, std::string("\r\n") + it.name + ": ") == 1);
        CHECK(count(sent, std::string(it.name) + ": " + it.value) == 1);
        CHECK(count(sent, it.absent) == 0);
        CHECK(count(sent, "Connection: TE") == (it.name == std::string("TE") ? 1 : 0));
      }
    }
    session once(session_options().header("Connection", "close"));
    for (int i = 0; i < 2; ++i) CHECK(co_await text_of(once.get(origin.url("/"))) == "x");
    CHECK(once.statistics().connects == 2);
  };
  eddy::run(main());
}

TEST_CASE("what would change the framing or the protocol cannot be passed") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client;
    const auto refused = [&](request_builder request) -> task<bool> {
      try {
        (void)co_await text_of(std::move(request));
      } catch (const invalid_request&) {
        co_return true;
      }
      co_return false;
    };
    const auto with = [&](const char* name, const char* value) {
      return refused(client.post(origin.url()).body("abc").header(name, value));
    };
    CHECK(co_await with("Content-Length", "3"));
    CHECK(co_await with("content-length", "4"));
    CHECK(co_await with("Transfer-Encoding", "chunked"));
    CHECK(co_await with("Transfer-Encoding", "gzip, chunked"));
    CHECK(co_await with("Upgrade", "websocket"));
    CHECK(co_await with("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"));
    CHECK(co_await with("Connection", "upgrade"));
    CHECK(co_await with("Connection", "close, host"));
    CHECK(co_await with("Connection", "authorization"));
    CHECK(co_await with("TE", "trailers, gzip"));
    CHECK(co_await with("Trailer", "X-Sum"));
    CHECK(co_await with("Keep-Alive", "timeout=5"));
    CHECK(co_await with("Proxy-Connection", "keep-alive"));
    CHECK(co_await with("Proxy-Authorization", "Basic eDp5"));
    for (const char* method : {"", "GE T", "GET\r\n", "G\xc3\xa4T", "CONNECT", "G:"}) {
      CAPTURE(method);
      CHECK(co_await refused(client.request(method, origin.url())));
    }
    CHECK_THROWS_AS(client.get(origin.url()).header("X", "a\r\nb: c"), invalid_request);
    CHECK_THROWS_AS(client.get(origin.url()).header("X y", "a"), invalid_request);
    CHECK_THROWS_AS(client.get(origin.url()).header("", "a"), invalid_request);
    CHECK(origin.requests().empty());
    CHECK_FALSE(co_await with("Connection", "close"));
    CHECK_FALSE(co_await with("Connection", "Keep-Alive"));
    CHECK_FALSE(co_await with("TE", "trailers"));
    REQUIRE(origin.requests().size() == 3);
    CHECK(origin.requests()[2].find("\r\nConnection: TE\r\n") != std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("a fragment is never sent") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("x")));
    session client;
    eddy::http::response answer = co_await client.get(origin.url("/p#part"));
    CHECK(answer.url().fragment() == "part");
    REQUIRE(answer.remote_address() != nullptr);
    CHECK(*answer.remote_address() == origin.address());
    CHECK(co_await answer.text() == "x");
    CHECK(line_of(origin) == "GET /p HTTP/1.1");
    CHECK(co_await text_of(client.options(origin.url())) == "x");
    CHECK(line_of(origin) == "OPTIONS / HTTP/1.1");
  };
  eddy::run(main());
}
