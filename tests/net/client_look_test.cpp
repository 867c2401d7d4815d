// Whether an idle connection is looked at before it carries another request. The server acts inside
// the client's turn, behind the last poll, where only a look can see it.
#include <sys/socket.h>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::request_builder;
using eddy::http::session;
using eddy::http::session_options;

namespace {

// Answers, and leaves its first connection to the test.
struct site {
  site()
      : origin([this](origin_peer* peer) -> task<> {
          if (!first) first = peer;
          co_await peer->answer_all(reply_with("abc"));
        }) {}

  std::string url() const { return origin.url(); }
  // At once, without a turn of the loop.
  void end_first() { first->stream.shutdown(); }
  void write_to_first() {
    const std::string unasked = reply_with("unasked");
    const int fd = first->stream.descriptor().base()->fd;
    REQUIRE(::send(fd, unasked.data(), unasked.size(), 0) ==
            static_cast<ssize_t>(unasked.size()));
  }

  origin_peer* first = nullptr;
  scripted_origin origin;
};

// Answers one request of each connection and ends it with the same breath.
task<> answers_and_goes(origin_peer* peer) {
  co_await peer->answer_once(reply_with("abc"));
  peer->stream.shutdown();
  co_await peer->stay();
}

void spend(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
  }
}

}  // namespace

// In a simulated world the end may travel longer than the response: who looks loses by that, too.
TEST_CASE("a server that ends its connections behind the response loses no request" *
          needs_a_kernel()) {
  const auto main = []() -> task<> {
    scripted_origin origin(answers_and_goes);
    session client;
    for (const char* method : {"POST", "PATCH", "GET", "POST", "GET", "PUT", "POST", "DELETE"}) {
      CAPTURE(method);
      CHECK(co_await text_of(client.request(method, origin.url()).body("b")) == "abc");
    }
    CHECK(origin.log().requests.size() == 8);
    session strict(session_options().stale_retry(false));
    for (int i = 0; i < 5; ++i) CHECK(co_await text_of(strict.get(origin.url())) == "abc");
    CHECK(strict.statistics().retries == 0);
  };
  eddy::run(main());
}

TEST_CASE("in the turn of its response a connection is looked at unless a retry is harmless" *
          needs_a_kernel()) {
  struct sample {
    const char* method;
    bool retries;
    bool looks;
  };
  for (const sample& s : {sample{"GET", true, false}, sample{"PUT", true, false},
                          sample{"POST", true, true}, sample{"PATCH", true, true},
                          sample{"GET", false, true}}) {
    CAPTURE(s.method);
    CAPTURE(s.retries);
    const auto retries_of_one = [&s]() -> task<std::uint64_t> {
      site server;
      session client(session_options().stale_retry(s.retries));
      CHECK(co_await text_of(client.get(server.url())) == "abc");
      server.end_first();
      CHECK(co_await text_of(client.request(s.method, server.url())) == "abc");
      CHECK(client.statistics().connects == 2);
      CHECK(client.statistics().failures == 0);
      co_return client.statistics().retries;
    };
    std::uint64_t retries = eddy::run(retries_of_one());
    // On a machine that is busy the turn may have taken so long that it is looked at all the same.
    for (int i = 0; !s.looks && retries == 0 && i < 100; ++i) {
      retries = eddy::run(retries_of_one());
    }
    CHECK(retries == (s.looks ? 0 : 1));
  }
}

TEST_CASE("what came unasked is seen after a turn, and in one that took long" *
          needs_a_kernel()) {
  for (const bool turns : {false, true}) {
    CAPTURE(turns);
    const auto main = [turns]() -> task<> {
      site server;
      session client;
      CHECK(co_await text_of(client.get(server.url())) == "abc");
      if (turns) {
        co_await eddy::sleep(1us);
      } else {
        spend(3ms);
      }
      server.write_to_first();
      CHECK(co_await text_of(client.get(server.url())) == "abc");
      CHECK(client.statistics().connects == 2);
      CHECK(client.statistics().retries == 0);
    };
    eddy::run(main());
  }
}
