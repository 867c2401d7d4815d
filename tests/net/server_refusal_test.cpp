// What a server does with bad requests, bad handlers and slow clients.
#include <chrono>
#include <eddy/net/http/error.hpp>
#include <stdexcept>
#include <vector>

#include "server_site.hpp"

using namespace eddy;
using namespace eddy_tests;
using namespace std::chrono_literals;
using http::server;
using http::server_options;
using http::server_request;
using http::server_response;

namespace {

struct bad_request {
  std::string bytes;
  std::string status;
};

const std::vector<bad_request>& bad_requests() {
  static const std::string chunked = "Transfer-Encoding: chunked\r\n";
  static const std::vector<bad_request> all = {
      {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\nHost: a\n\n", "400 Bad Request"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "400 Bad Request"},
      {get("/", std::string("X: a\0b\r\n", 8)), "400 Bad Request"},
      {"\x16\x03\x01\x02", "400 Bad Request"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported"},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented"},
      {post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), "400 Bad Request"},
      {post("Content-Length: -1\r\n", ""), "400 Bad Request"},
      {post("Content-Length: 0\r\n" + chunked, "0\r\n\r\n" + get("/smuggled")), "400 Bad Request"},
      {post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501 Not Implemented"},
      {post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "400 Bad Request"},
      {post("Content-Length: 101\r\n", ""), "413 Content Too Large"},
      {post(chunked, "65\r\n"), "413 Content Too Large"},
      {post(chunked, "5\r\nhelloX" + get("/smuggled")), "400 Bad Request"},
      {post(chunked, "x\r\n"), "400 Bad Request"},
      {get("/" + std::string(9000, 'a')), "414 URI Too Long"},
      {get("/", "X: " + std::string(70000, 'a')), "431 Request Header Fields Too Large"},
  };
  return all;
}

std::string line_of(const std::string& status) { return "HTTP/1.1 " + status; }

}  // namespace

TEST_CASE("server: bad requests get one refusal, and the connection ends") {
  on_a_site(server_options().body_limit(100), echo_body, [](server& site) -> task<> {
    for (const bad_request& bad : bad_requests()) {
      CAPTURE(bad.bytes.substr(0, 200));
      const std::string answer = co_await ask(site.local_address(), bad.bytes);
      CHECK(first_line(answer) == line_of(bad.status));
      CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
      CHECK(answer.find("\nHTTP/1.1 ") == std::string::npos);
    }
  });
}

TEST_CASE("server: a refusal says why") {
  on_a_site(say_target, [](server& site) -> task<> {
    const std::string answer =
        co_await ask(site.local_address(), get("/1") + "GET / HTTP/1.1\r\n\r\n" + get("/3"));
    CHECK(answer == ok("/1") +
                        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 47\r\nConnection: close\r\n\r\n"
                        "400 Bad Request: HTTP/1.1 request without Host\n");
  });
}

TEST_CASE("server: a body that ends early, or exceeds what the handler takes") {
  const auto handle = [](server_request& request, server_response& reply) -> task<> {
    const std::string body = co_await request.body(4);
    co_await reply.send(200, "text/plain", body);
  };
  on_a_site(handle, [](server& site) -> task<> {
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    co_await client.write_all(post("Content-Length: 4\r\n", "abc"));
    client.shutdown();
    std::string answer = co_await read_to_end(client);
    CHECK(first_line(answer) == line_of("400 Bad Request"));
    CHECK(answer.find("after 3 of 4 bytes") != std::string::npos);
    answer = co_await ask(site.local_address(), post("Content-Length: 5\r\n", "abcde"));
    CHECK(first_line(answer) == line_of("413 Content Too Large"));
    answer = co_await ask(site.local_address(),
                          post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n"));
    CHECK(first_line(answer) == line_of("413 Content Too Large"));
  });
}

TEST_CASE("server: what a handler leaves unread is dropped up to a bound") {
  on_a_site(
      server_options().body_limit(std::size_t{1} << 22), say_target, [](server& site) -> task<> {
        const auto upload = [](std::size_t size) {
          return post("Content-Length: " + std::to_string(size) + "\r\n", std::string(size, 'x'));
        };
        std::string answer =
            co_await ask(site.local_address(), upload(200'000) + get("/2", closes));
        CHECK(answer == ok("/form") + ok("/2", closes));
        answer = co_await ask(site.local_address(), upload(400'000) + get("/2", closes));
        CHECK(answer == ok("/form"));
      });
}

namespace {

task<> misbehave(server_request& request, server_response& reply) {
  const std::string_view path = request.path();
  if (path == "/throws") throw std::runtime_error("secret");
  if (path == "/status") co_await reply.send(103);
  if (path == "/length") co_await reply.header("Content-Length", "1").send(200);
  if (path == "/204") co_await reply.send(204, "text/plain", "x");
  if (path == "/write") co_await reply.write("x");
  if (path == "/late") {
    co_await reply.start(200);
    co_await reply.write("part");
    throw std::runtime_error("secret");
  }
  if (path == "/short") {
    co_await reply.start(200, 10);
    co_await reply.write("part");
  }
  if (path == "/twice") {
    co_await reply.send(200);
    co_await reply.send(200);
  }
}

}  // namespace

TEST_CASE("server: a handler that fails is answered with 500 and reported") {
  std::vector<std::string> reports;
  auto options = server_options().on_error([&](std::exception_ptr error, std::string_view during) {
    CHECK(during.find(" from 127.0.0.1:") != std::string_view::npos);
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      reports.push_back(std::string(during.substr(0, during.find(" from"))) + ": " + e.what());
    }
  });
  on_a_site(std::move(options), misbehave, [&](server& site) -> task<> {
    for (const char* path : {"/throws", "/silent", "/status", "/length", "/204", "/write"}) {
      CAPTURE(path);
      reports.clear();
      const std::string answer = co_await ask(site.local_address(), get(path) + get("/next"));
      CHECK(answer ==
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 26"
            "\r\nConnection: close\r\n\r\n500 Internal Server Error\n");
      REQUIRE(reports.size() == 1);
      CHECK(reports[0].starts_with("GET " + std::string(path) + ": "));
    }
    CHECK(reports[0] == "GET /write: a response was written to outside of start … finish");
    // What has begun breaks off: the client can tell.
    std::string answer = co_await ask(site.local_address(), get("/late") + get("/next"));
    CHECK(answer == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
    answer = co_await ask(site.local_address(), get("/short") + get("/next"));
    CHECK(answer == "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart");
    answer = co_await ask(site.local_address(), get("/twice") + get("/next"));
    CHECK(answer == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(reports.size() == 4);
  });
}

TEST_CASE("server: slow clients") {
  auto options = server_options().idle_timeout(20ms).header_timeout(40ms).read_timeout(30ms);
  on_a_site(std::move(options), echo_body, [](server& site) -> task<> {
    std::string answer = co_await ask(site.local_address(), "");
    CHECK(answer == "");
    answer = co_await ask(site.local_address(), get("/"));
    CHECK(answer == ok(""));
    answer = co_await ask(site.local_address(), "GET / HT");
    CHECK(first_line(answer) == line_of("408 Request Timeout"));
    answer = co_await ask(site.local_address(), post("Content-Length: 2\r\n", "x"));
    CHECK(first_line(answer) == line_of("408 Request Timeout"));
  });
}

TEST_CASE("server: a client that does not read is given up, without a report") {
  bool timed_out = false;
  const auto handle = [&](server_request&, server_response& reply) -> task<> {
    try {
      co_await reply.send(200, "text/plain", large_text());
    } catch (const timeout_error&) {
      timed_out = true;
      throw;
    }
  };
  auto options = server_options().write_timeout(30ms).on_error(
      [](std::exception_ptr, std::string_view) { FAIL_CHECK("reported"); });
  on_a_site(std::move(options), handle, [&](server& site) -> task<> {
    tcp_stream client = co_await tcp_stream::connect(site.local_address());
    co_await client.write_all(get("/"));
    while (site.statistics().requests == 0 || site.statistics().open_connections > 0) {
      co_await yield();
    }
    CHECK(timed_out);
  });
}
