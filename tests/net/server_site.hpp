// A server for one test, and a client that sees bytes.
#pragma once

#include <doctest/doctest.h>

#include <eddy/net/http/server.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/spawn.hpp>
#include <string>
#include <utility>

#include "../support/descriptors.hpp"
#include "../support/streams.hpp"

namespace eddy_tests {

// So many turns of the loop, each of which polls the engine.
inline eddy::task<> turns(int count) {
  for (int i = 0; i < count; ++i) co_await eddy::sleep(std::chrono::nanoseconds(1));
}

template <class Handler, class Body>
eddy::task<> serve_for(eddy::http::server_options options, Handler handler, Body body) {
  auto site = eddy::http::server::listen(eddy::endpoint::loopback(0), std::move(options));
  auto serving = eddy::spawn(site.serve(std::move(handler)), "site");
  co_await body(site);
  site.stop();
  co_await serving.join();
  CHECK(site.statistics().open_connections == 0);
}

// Serves while `body(server&)` runs, then stops; wants all descriptors back. Both are coroutine
// functions without captures by value, or lambdas that capture by reference.
template <class Handler, class Body>
void on_a_site(eddy::http::server_options options, Handler handler, Body body) {
  const std::size_t descriptors = open_descriptors();
  eddy::run(serve_for(std::move(options), std::move(handler), std::move(body)));
  CHECK(open_descriptors() == descriptors);
}

template <class Handler, class Body>
void on_a_site(Handler handler, Body body) {
  on_a_site(eddy::http::server_options(), std::move(handler), std::move(body));
}

// All that a site answers to these bytes, until it ends the connection.
inline eddy::task<std::string> ask(eddy::endpoint at, std::string bytes) {
  eddy::tcp_stream stream = co_await eddy::tcp_stream::connect(at);
  co_await stream.write_all(bytes);
  std::string answer = co_await read_to_end(stream);
  co_return std::move(answer);
}

// As many bytes as `expected` has, or fewer at the end of the stream.
inline eddy::task<std::string> read_like(eddy::tcp_stream& stream, std::string expected) {
  std::string got;
  while (got.size() < expected.size()) {
    std::string piece = co_await read_text(stream, expected.size() - got.size());
    if (piece.empty()) break;
    got += piece;
  }
  co_return std::move(got);
}

inline std::string first_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

inline std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}

inline std::string post(const std::string& fields, const std::string& body) {
  return "POST /form HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n" + body;
}

inline std::string ok(const std::string& text, const std::string& fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\n" + fields + "\r\n" + text;
}

inline constexpr const char* closes = "Connection: close\r\n";

// What most tests need of a handler.
inline eddy::task<> say_target(eddy::http::server_request& request,
                               eddy::http::server_response& reply) {
  co_await reply.send(200, "text/plain", std::string(request.target()));
}

inline eddy::task<> echo_body(eddy::http::server_request& request,
                              eddy::http::server_response& reply) {
  std::string body = co_await request.body();
  co_await reply.send(200, "text/plain", std::move(body));
}

}  // namespace eddy_tests
