// What a server sends, byte for byte.
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/gather.hpp>
#include <stdexcept>
#include <vector>

#include "server_site.hpp"

using namespace eddy;
using namespace eddy_tests;
using http::server;
using http::server_options;
using http::server_request;
using http::server_response;

TEST_CASE("server: a sized response, and the connection persists") {
  on_a_site(say_target, [](server& site) -> task<> {
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    for (const char* target : {"/", "/a?b=c"}) {
      co_await client.write_all(get(target));
      const std::string answer = co_await read_like(client, ok(target));
      CHECK(answer == ok(target));
    }
    CHECK(site.statistics().accepted_connections == 1);
    CHECK(site.statistics().open_connections == 1);
    CHECK(site.statistics().requests == 2);
  });
}

TEST_CASE("server: who closes says so") {
  on_a_site(say_target, [](server& site) -> task<> {
    const endpoint at = site.local_address();
    std::string answer = co_await ask(at, get("/x", closes));
    CHECK(answer == ok("/x", closes));
    answer = co_await ask(at, "GET /x HTTP/1.0\r\n\r\n");
    CHECK(answer == ok("/x", closes));
    answer = co_await ask(at,
                          "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                          "GET /y HTTP/1.0\r\n\r\n");
    CHECK(answer == ok("/x", "Connection: keep-alive\r\n") + ok("/y", closes));
  });
}

TEST_CASE("server: pipelined requests are answered in order, in pieces of any size") {
  const std::string requests = get("/1") + post("Content-Length: 5\r\n", "hello") + get("/3") +
                               post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") +
                               "\r\n" + get("/5", closes);
  const std::string answers = ok("/1") + ok("/form") + ok("/3") + ok("/form") + ok("/5", closes);
  on_a_site(say_target, [&](server& site) -> task<> {
    std::string answer = co_await ask(site.local_address(), requests);
    CHECK(answer == answers);
    tcp_stream slow = co_await tcp_stream::connect(site.local_address());
    for (const char& byte : requests) co_await slow.write_all(std::string_view(&byte, 1));
    answer = co_await read_to_end(slow);
    CHECK(answer == answers);
  });
}

TEST_CASE("server: a client that ends its side is answered first") {
  on_a_site(say_target, [](server& site) -> task<> {
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    co_await client.write_all(get("/1") + get("/2"));
    client.shutdown();
    const std::string answer = co_await read_to_end(client);
    CHECK(answer == ok("/1") + ok("/2"));
  });
}

TEST_CASE("server: what a handler sees of a request") {
  std::vector<std::string> seen;
  const auto look = [&](server_request& request, server_response& reply) -> task<> {
    seen = {std::string(request.method()), std::string(request.path()),
            std::string(request.query()), std::string(request.headers().get("x-a").value_or("")),
            request.remote_address().address_string()};
    CHECK_FALSE(request.is_secure());
    co_await reply.send(204);
  };
  on_a_site(look, [&](server& site) -> task<> {
    std::string answer =
        co_await ask(site.local_address(), get("/p%20q?r=s?t", "X-A: b\r\n" + std::string(closes)));
    CHECK(answer == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    CHECK(seen == std::vector<std::string>{"GET", "/p%20q", "r=s?t", "b", "127.0.0.1"});
    for (const char* target :
         {"http://test", "http://test/", "http://test?x", "http://test/?x/y"}) {
      answer = co_await ask(site.local_address(), get(target, closes));
      CHECK(seen[1] == "/");
    }
    CHECK(seen[2] == "x/y");
    answer = co_await ask(site.local_address(), "OPTIONS * HTTP/1.0\r\n\r\n");
    CHECK(seen[1] == "*");
  });
}

TEST_CASE("server: chunked responses, and until the end for HTTP/1.0") {
  const auto stream = [](server_request&, server_response& reply) -> task<> {
    co_await reply.header("X-Kind", "stream").start(200);
    CHECK(reply.started());
    co_await reply.write("hello ");
    co_await reply.write("");
    co_await reply.write(std::as_bytes(std::span("0123456789abcdef", 16)));
    co_await reply.finish();
  };
  on_a_site(stream, [](server& site) -> task<> {
    const std::string chunks =
        "HTTP/1.1 200 OK\r\nX-Kind: stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "6\r\nhello \r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    co_await client.write_all(get("/") + get("/"));
    std::string answer = co_await read_like(client, chunks + chunks);
    CHECK(answer == chunks + chunks);
    answer = co_await ask(site.local_address(), "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(answer ==
          "HTTP/1.1 200 OK\r\nX-Kind: stream\r\nConnection: close\r\n\r\n"
          "hello 0123456789abcdef");
    answer =
        co_await ask(site.local_address(), "HEAD / HTTP/1.1\r\nHost: t\r\n\r\n" + get("/", closes));
    CHECK(answer.starts_with(
        "HTTP/1.1 200 OK\r\nX-Kind: stream\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200"));
  });
}

TEST_CASE("server: a response of an announced size, and a finish that was left out") {
  const auto stream = [](server_request& request, server_response& reply) -> task<> {
    if (request.path() == "/sized") {
      co_await reply.start(200, 6);
      co_await reply.write("abc");
      co_await reply.write("def");
    } else {
      co_await reply.start(200);
      co_await reply.write("abc");
    }
  };
  on_a_site(stream, [](server& site) -> task<> {
    const std::string answer =
        co_await ask(site.local_address(), get("/sized") + get("/chunked", closes));
    CHECK(answer ==
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef"
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
          "3\r\nabc\r\n0\r\n\r\n");
  });
}

TEST_CASE("server: no body to HEAD, with 204 and with 304") {
  const auto handle = [](server_request& request, server_response& reply) -> task<> {
    if (request.path() == "/304") {
      co_await reply.header("ETag", "\"x\"").send(304, {}, "unsent");
    } else {
      co_await reply.send(200, "text/plain", "12345");
    }
  };
  on_a_site(handle, [](server& site) -> task<> {
    const std::string answer =
        co_await ask(site.local_address(),
                     "HEAD / HTTP/1.1\r\nHost: t\r\n\r\n" + get("/304") + get("/", closes));
    CHECK(answer ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
          "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n" +
              ok("12345", closes));
  });
}

TEST_CASE("server: bodies are read whole, in pieces, or dropped") {
  const auto handle = [](server_request& request, server_response& reply) -> task<> {
    std::string text;
    if (request.headers().contains("X-Pieces")) {
      std::byte piece[3];
      std::size_t got = 1;
      while (got > 0) {
        got = co_await request.read_some(piece);
        text.append(reinterpret_cast<const char*>(piece), got).append("|");
      }
      text += request.trailers().get("X-Sum").value_or("");
    } else {
      text = co_await request.body(100);
    }
    co_await reply.send(200, "text/plain", std::move(text));
  };
  on_a_site(handle, [](server& site) -> task<> {
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const std::string body = "4;x=y\r\nabcd\r\n1\r\ne\r\n0\r\nX-Sum: 9\r\n\r\n";
    const std::string answer =
        co_await ask(site.local_address(),
                     post("Content-Length: 5\r\n", "hello") + post(chunked, body) +
                         post(chunked + "X-Pieces: 1\r\n", body) + post(std::string(closes), ""));
    CHECK(answer == ok("hello") + ok("abcde") + ok("abc|d|e||9") + ok("", closes));
  });
}

TEST_CASE("server: large bodies, both ways") {
  const std::string large = large_text().substr(0, std::size_t{3} << 20);
  on_a_site(server_options().body_limit(large.size()), echo_body, [&](server& site) -> task<> {
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    const std::string request =
        post(closes + ("Content-Length: " + std::to_string(large.size()) + "\r\n"), large);
    auto both = co_await gather(write_text(client, request), read_to_end(client));
    CHECK((std::get<1>(both) == ok(large, closes)));
  });
}

TEST_CASE("server: 100 Continue is sent when the body is wanted, and not before") {
  const std::string fields = "Content-Length: 5\r\nExpect: 100-continue\r\n";
  const auto handle = [](server_request& request, server_response& reply) -> task<> {
    if (request.headers().contains("X-Unread")) {
      co_await reply.send(403, "text/plain", "no");
    } else {
      co_await echo_body(request, reply);
    }
  };
  on_a_site(handle, [&](server& site) -> task<> {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    co_await client.write_all(post(fields, ""));
    std::string answer = co_await read_like(client, go_on);
    CHECK(answer == go_on);
    co_await client.write_all("hello" + post(fields, "world"));  // the second does not wait
    answer = co_await read_like(client, ok("hello") + ok("world"));
    CHECK(answer == ok("hello") + ok("world"));
    // Whether the client sends its body now, nobody can know: the connection ends.
    answer = co_await ask(site.local_address(), post(fields + "X-Unread: 1\r\n", ""));
    CHECK(answer ==
          "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
          "Connection: close\r\n\r\nno");
  });
}
