// The waits of an HTTP client, to the nanosecond of a simulated world.
#include <eddy/net/http/server.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/net/http/timeout.hpp>
#include <eddy/net/http/timings.hpp>
#include <functional>
#include <optional>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::task;
namespace http = eddy::http;

namespace {

// Refuses what has "busy" in its path as long as there is a refusal left.
class site {
 public:
  explicit site(int refusals = 0) : refusals_(refusals) {}

  task<> serve(eddy::event& listening) {
    server_ = http::server::listen(eddy::endpoint::any(port));
    listening.set();
    co_await server_->serve(
        [this](http::server_request& asked, http::server_response& reply) -> task<> {
          return answer(asked, reply);
        });
  }
  void stop() { server_->stop(); }

 private:
  task<> answer(http::server_request&, http::server_response& reply) {
    if (refusals_-- > 0) {
      reply.header("retry-after", "7");
      co_await reply.send(503, "text/plain", "busy");
      co_return;
    }
    co_await reply.send(200, "text/plain", "fine");
  }

  std::optional<http::server> server_;
  int refusals_;
};

class bench {
 public:
  explicit bench(int refusals = 0) : server_(refusals), host_(net.add_host("server")) {}

  task<> start() {
    eddy::event listening;
    serving_ = host_.spawn(server_.serve(listening), "site");
    co_await listening.wait();
  }
  task<> stop() {
    server_.stop();
    co_await serving_;
  }

  eddy::sim::network net;

 private:
  site server_;
  eddy::sim::host host_;
  eddy::join_handle<> serving_;
};

const char* const page = "http://server:8000/";

task<std::optional<http::timeout_kind>> timeout_of(http::request_builder request) {
  try {
    const http::response answer = co_await std::move(request);
  } catch (const http::request_timeout& e) {
    co_return e.kind();
  }
  co_return std::nullopt;
}

task<> slow_names() {
  bench b;
  co_await b.start();
  b.net.delay_lookup("server", 2s);
  {
    http::session session(http::session_options().keep_alive_timeout(0s));
    const eddy::time_point began = eddy::now();
    auto kind = co_await timeout_of(session.get(page).resolve_timeout(500ms));
    CHECK(kind == http::timeout_kind::resolve);
    CHECK(eddy::now() - began == 500ms);
    kind = co_await timeout_of(session.get(page).resolve_timeout(5s).connect_timeout(1s));
    CHECK(kind == http::timeout_kind::connect);
    CHECK(eddy::now() - began == 1500ms);
    kind = co_await timeout_of(session.get(page).resolve_timeout(5s).timeout(1s));
    CHECK(kind == http::timeout_kind::total);
    CHECK(eddy::now() - began == 2500ms);
    for (int i = 0; i < 2; ++i) {
      http::response answer = co_await session.get(page);
      const std::string text = co_await answer.text();
      CHECK(text == "fine");
      CHECK(answer.timings().resolve >= (i == 0 ? 2s : 0s));
      CHECK(answer.timings().resolve < (i == 0 ? 3s : 1s));
    }
    CHECK(session.statistics().dns_hits == 1);
    CHECK(session.statistics().open == 0);
  }
  co_await b.stop();
}

task<> nobody_answers() {
  bench b;
  co_await b.start();
  b.net.lose("server", port);
  {
    http::session session(http::session_options().connect_timeout(3s));
    const eddy::time_point began = eddy::now();
    const auto kind = co_await timeout_of(session.get(page).resolve_timeout(1h));
    CHECK(kind == http::timeout_kind::connect);
    CHECK(eddy::now() - began == 3s);
    CHECK(session.statistics().open == 0);
  }
  co_await b.stop();
}

task<> asked_to_wait() {
  bench b(3);
  co_await b.start();
  {
    http::session session(http::session_options().retry(http::retry_policy()));
    const eddy::time_point began = eddy::now();
    http::response answer = co_await session.get(page);
    CHECK(answer.status() == 503);
    CHECK(answer.timings().pause == 14s);
    const std::string refusal = co_await answer.text();
    http::response next = co_await session.get(page);
    CHECK(next.status() == 200);
    const std::string text = co_await next.text();
    CHECK(eddy::now() - began < 15s);
    CHECK(session.statistics().retries == 2);
  }
  co_await b.stop();
}

task<> a_total_that_is_too_short() {
  bench b(1);
  co_await b.start();
  {
    http::session session(http::session_options().retry(http::retry_policy()).timeout(7s));
    const eddy::time_point began = eddy::now();
    http::response answer = co_await session.get(page);
    CHECK(answer.status() == 503);
    CHECK(eddy::now() - began < 1s);
    const std::string refusal = co_await answer.text();
  }
  co_await b.stop();
}

}  // namespace

TEST_CASE("session: the resolve timeout is for names alone") { run_with(0, slow_names); }

TEST_CASE("session: the connect timeout is for what is lost on the way") {
  run_with(0, nobody_answers);
}

TEST_CASE("session: a retry waits as long as the server asks for") { run_with(0, asked_to_wait); }

TEST_CASE("session: a wait that the total does not allow is not begun") {
  run_with(0, a_total_that_is_too_short);
}
