// CONNECT, with proxies that say what a test wants.
#include "../../net/http/proxy_talk.hpp"

#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/run.hpp>

#include "../support/dialing.hpp"

using namespace eddy;
using namespace eddy::http;
using namespace eddy_tests;

namespace {

route tunnel(const scripted_origin& proxy, const std::string& host = "example.com") {
  route r(host, 443, true);
  r.through(proxy_at("http://ann:secret@", proxy));
  return r;
}

task<transport> connected(const scripted_origin& proxy) {
  tcp_stream raw = co_await tcp_stream::connect(proxy.address());
  co_return transport(std::move(raw));
}

// What comes of a proxy that says so, in pieces of that many bytes: the status, or the error.
task<std::string> answer_to(std::string reply, std::size_t piece = 100'000) {
  scripted_origin proxy([reply, piece](origin_peer* peer) -> task<> {
    (void)co_await peer->request();
    for (std::size_t at = 0; at < reply.size(); at += piece) {
      co_await peer->stream.write_all(reply.substr(at, piece));
      if (piece < 100'000) co_await settle();
    }
  });
  transport link = co_await connected(proxy);
  std::string text;
  try {
    const response_head head = co_await ask_for_tunnel(link, tunnel(proxy), "", limits());
    text = std::to_string(head.status);
  } catch (const proxy_error& e) {
    text = e.what();
    const std::string expected =
        "proxy http://" + proxy.authority() + ", asked for a tunnel to example.com:443: ";
    CHECK(text.starts_with(expected));
    text.erase(0, expected.size());
    CHECK(e.status() == 0);
  }
  co_return std::move(text);
}

std::string answer(std::string reply, std::size_t piece = 100'000) {
  return run(answer_to(std::move(reply), piece));
}

}  // namespace

TEST_CASE("CONNECT: what we send") {
  run([]() -> task<> {
    scripted_origin proxy([](origin_peer* peer) -> task<> {
      co_await peer->answer_all("HTTP/1.1 200 OK\r\n\r\n");
    });
    transport link = co_await connected(proxy);
    response_head head =
        co_await ask_for_tunnel(link, tunnel(proxy), "Basic YW5uOnNlY3JldA==", limits());
    CHECK(head.status == 200);
    CHECK(proxy.requests().back() ==
          "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"
          "Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n\r\n");
    transport other = co_await connected(proxy);
    head = co_await ask_for_tunnel(other, tunnel(proxy, "::1"), "", limits());
    CHECK(proxy.requests().back() == "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
  }());
}

TEST_CASE("CONNECT: replies") {
  CHECK(answer("HTTP/1.1 200 Connection established\r\n\r\n") == "200");
  CHECK(answer("HTTP/1.0 200 OK\r\nVia: x\r\n\r\n") == "200");
  CHECK(answer("HTTP/1.1 204 No Content\r\n\r\n") == "204");
  // RFC 9110 §9.3.6: these mean nothing here.
  CHECK(answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n") == "200");
  CHECK(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == "200");
  CHECK(answer("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") == "200");
  CHECK(answer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nstop") ==
        "407");
  CHECK(answer("HTTP/1.1 502 Bad Gateway\r\n\r\nupstream") == "502");
}

TEST_CASE("CONNECT: a reply in pieces") {
  CHECK(answer("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", 1) == "200");
  CHECK(answer("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", 7) == "200");
}

TEST_CASE("CONNECT: replies that are none") {
  CHECK(answer("") != "200");
  CHECK(answer("HTTP/1.1 200 OK\r\nVia").find("200") == std::string::npos);
  CHECK(answer("SSH-2.0-OpenSSH_9\r\n") != "200");
  CHECK(answer("HTTP/1.1 200 OK\r\n\r\n\x16\x03") ==
        "it has sent 2 bytes behind the head of its reply");
  CHECK(answer("HTTP/1.1 101 Switching Protocols\r\n\r\n").find("101") != std::string::npos);
}

TEST_CASE("CONNECT: a reply is bounded as a response") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  CHECK(answer(ok + "X: " + std::string(1 << 20, 'x')) ==
        "response head exceeds max_head_bytes (65536)");
  std::string fields;
  for (int i = 0; i < 129; ++i) fields += "X: x\r\n";
  CHECK(answer(ok + fields) == "response head has more fields than max_header_count (128)");
  CHECK(answer("HTTP/1.1 200 " + std::string(1 << 14, 'x')) ==
        "status line exceeds max_start_line_bytes (8192)");
  std::string endless;
  for (int i = 0; i < 10'000; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(answer(endless) == "more interim responses than max_interim_responses (8)");
}

TEST_CASE("CONNECT: a refusal names the proxy, the target and the status, and no control bytes") {
  route to("example.com", 443, true);
  to.through(http::proxy::parse("http://ann:secret@proxy.example:3128"));
  response_head reply;
  reply.status = 403;
  reply.reason = "For\x1b[31mbidden";
  std::string text;
  int status = 0;
  try {
    throw_tunnel_refused(to, reply);
  } catch (const proxy_error& e) {
    text = e.what();
    status = e.status();
  }
  CHECK(status == 403);
  CHECK(text ==
        "proxy http://proxy.example:3128 refuses a tunnel to example.com:443: 403 "
        "For\\x1b[31mbidden");
}

TEST_CASE("CONNECT: cancelled while the proxy is silent") {
  run([]() -> task<> {
    scripted_origin proxy([](origin_peer* peer) -> task<> { co_await peer->stay(); });
    transport link = co_await connected(proxy);
    const route to = tunnel(proxy);
    auto asking = spawn(ask_for_tunnel(link, to, "", limits()));
    const bool stopped = co_await cancel_waiting(std::move(asking));
    CHECK(stopped);
  }());
}
