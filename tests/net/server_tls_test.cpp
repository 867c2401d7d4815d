// The server over TLS.
#include <eddy/net/tls.hpp>
#include <system_error>

#include "../support/tls_streams.hpp"
#include "server_site.hpp"

using namespace eddy;
using namespace eddy_tests;
using http::server;
using http::server_options;
using http::server_request;
using http::server_response;

namespace {

server_options with_tls() { return server_options().tls(serving(certificates::get().good)); }

task<tls_stream> connect_securely(endpoint at) {
  tcp_stream raw = co_await tcp_stream::connect(at);
  tls_stream client =
      co_await tls_stream::connect(std::move(raw), "localhost", trusting(certificates::get().ca));
  co_return std::move(client);
}

}  // namespace

TEST_CASE("server, TLS: exchanges, and a close that is announced") {
  const auto handle = [](server_request& request, server_response& reply) -> task<> {
    CHECK(request.is_secure());
    CHECK(request.remote_address().address_string() == "127.0.0.1");
    co_await echo_body(request, reply);
  };
  on_a_site(with_tls(), handle, [](server& site) -> task<> {
    tls_stream client = co_await connect_securely(site.local_address());
    co_await client.write_all(post("Content-Length: 5\r\n", "hello") + get("/") + get("/", closes));
    const std::string answer = co_await read_to_end(client);  // a connection that is cut throws
    CHECK(answer == ok("hello") + ok("") + ok("", closes));
  });
}

TEST_CASE("server, TLS: stop ends idle connections with a close_notify") {
  on_a_site(with_tls(), say_target, [](server& site) -> task<> {
    tls_stream idle = co_await connect_securely(site.local_address());
    co_await idle.write_all(get("/"));
    std::string answer = co_await read_text(idle);
    CHECK(answer == ok("/"));
    tcp_stream mute = co_await tcp_stream::connect(site.local_address());
    co_await turns(20);
    site.stop();
    answer = co_await read_to_end(idle);
    CHECK(answer == "");
    answer = co_await read_to_end(mute);
    CHECK(answer == "");
  });
}

TEST_CASE("server, TLS: who does not speak it is let go, others are served") {
  on_a_site(with_tls(), say_target, [](server& site) -> task<> {
    tcp_stream plain = co_await tcp_stream::connect(site.local_address());
    co_await plain.write_all(get("/"));
    std::string answer;
    try {
      answer = co_await read_to_end(plain);
    } catch (const std::system_error&) {  // a reset will do
    }
    CHECK(answer.find("HTTP") == std::string::npos);
    tls_stream client = co_await connect_securely(site.local_address());
    co_await client.write_all(get("/", closes));
    answer = co_await read_to_end(client);
    CHECK(answer == ok("/", closes));
    CHECK(site.statistics().requests == 1);
  });
}
