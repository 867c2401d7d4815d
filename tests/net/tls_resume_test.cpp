// Sessions that are resumed, and those that must not be.
#include <doctest/doctest.h>

#include <eddy/net/tls.hpp>
#include <eddy/runtime/run.hpp>

#include "../../net/tls_session_shelf.hpp"
#include "../../net/tls_settings.hpp"
#include "../support/descriptors.hpp"
#include "../support/tls_streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

void on_a_loop(task<> (*body)()) {
  (void)certificates::get();
  const std::size_t descriptors = open_descriptors();
  run(body());
  CHECK(open_descriptors() == descriptors);
}

const certificates& files() { return certificates::get(); }

tls_context ticketing() {
  tls_context context = serving(files().good);
  context.tickets(true);
  return context;
}

// The context, for TLS 1.2 and nothing else.
tls_context only_1_2(tls_context context) {
  SSL_CTX_set_max_proto_version(context.settings().context, TLS1_2_VERSION);
  return context;
}

// One client's connections to one server: how they went.
struct visitor {
  visitor(tls_context c, tls_context s) : client(std::move(c)), server(std::move(s)) {}

  // A handshake and a byte each way, after which the client has its tickets.
  task<tls_pair> meet() {
    stream_pair raw = co_await connected_pair();
    auto both = co_await gather(
        tls_stream::connect(std::move(raw.client), host, client,
                            tls_options().resume(sessions, key)),
        tls_stream::accept(std::move(raw.server), server));
    tls_pair pair(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
    co_await pair.client.write_all("?");
    const std::string asked = co_await read_text(pair.server);
    co_await pair.server.write_all("!");
    const std::string answered = co_await read_text(pair.client);
    CHECK(asked + answered == "?!");
    CHECK(pair.client.resumed() == pair.server.resumed());
    co_return std::move(pair);
  }
  // Whether the next connection is a resumed one. It ends without close_notify.
  task<bool> resumes() {
    const tls_pair pair = co_await meet();
    co_return pair.client.resumed();
  }
  std::size_t of_this_key(time_point at) {
    const detail::session_use use(client, host, key);
    std::size_t count = 0;
    while (tls_options().resume(sessions, key).sessions()->take(use, at)) ++count;
    return count;
  }

  tls_context client;
  tls_context server;
  tls_session_store sessions;
  std::string host = "localhost";
  std::string key = "localhost:443";
};

}  // namespace

TEST_CASE("tls: TLS 1.3 resumes with tickets, each used once") {
  on_a_loop([]() -> task<> {
    visitor v(trusting(files().ca), ticketing());
    v.client.alpn("http/1.1");
    v.server.alpn("http/1.1");
    bool resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
    CHECK(v.sessions.size() == 2);
    // Two at once take both; each brings one in return.
    auto both = co_await gather(v.meet(), v.meet());
    CHECK(std::get<0>(both).client.resumed());
    CHECK(std::get<1>(both).client.resumed());
    CHECK(std::get<0>(both).client.version() == "TLSv1.3");
    CHECK(std::get<0>(both).client.alpn() == "http/1.1");
    CHECK(std::get<0>(both).client.peer_subject() == "CN=localhost");
    CHECK(v.sessions.size() == 2);
    auto three = co_await gather(v.meet(), v.meet(), v.meet());
    const int how_many = std::get<0>(three).client.resumed() +
                         std::get<1>(three).client.resumed() + std::get<2>(three).client.resumed();
    CHECK(how_many == 2);
    CHECK(v.sessions.size() == 4);
  });
}

TEST_CASE("tls: TLS 1.2 resumes one session as often as it likes") {
  on_a_loop([]() -> task<> {
    visitor v(trusting(files().ca), only_1_2(ticketing()));
    bool resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
    for (int i = 0; i < 3; ++i) {
      CHECK(v.sessions.size() == 1);
      tls_pair pair = co_await v.meet();
      CHECK(pair.client.resumed());
      CHECK(pair.client.version() == "TLSv1.2");
      CHECK(pair.client.peer_subject() == "CN=localhost");
    }
    auto both = co_await gather(v.meet(), v.meet());
    CHECK(std::get<0>(both).client.resumed());
    CHECK(std::get<1>(both).client.resumed());
  });
}

TEST_CASE("tls: nothing is resumed for another key, host, context, or after a change") {
  on_a_loop([]() -> task<> {
    for (const bool old : {false, true}) {
      visitor v(trusting(files().ca), old ? only_1_2(ticketing()) : ticketing());
      bool resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      v.key = "localhost:8443";
      resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      v.host = "127.0.0.1";
      resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      resumed = co_await v.resumes();
      CHECK(resumed);
      const tls_context before = v.client;
      v.client = trusting(files().ca);
      resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      v.client = before;
      resumed = co_await v.resumes();
      CHECK(resumed);
      v.client.ca_file(files().other_ca);
      resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
    }
  });
}

TEST_CASE("tls: what was not verified is not resumed by one who verifies") {
  on_a_loop([]() -> task<> {
    visitor v(tls_context(), ticketing());
    v.client.verify(false);
    v.host = "other.test";
    bool resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
    resumed = co_await v.resumes();
    CHECK(resumed);
    v.client.verify(true);
    v.client.ca_file(files().ca);
    stream_pair raw = co_await connected_pair();
    auto both = co_await gather_settled(
        tls_stream::connect(std::move(raw.client), v.host, v.client,
                            tls_options().resume(v.sessions, v.key)),
        tls_stream::accept(std::move(raw.server), v.server));
    CHECK_THROWS_AS((void)std::get<0>(both).value(), certificate_error);
  });
}

TEST_CASE("tls: without a store, or a server that gives tickets, nothing is kept") {
  on_a_loop([]() -> task<> {
    for (const bool old : {false, true}) {
      const tls_context server = serving(files().good);
      visitor v(trusting(files().ca), old ? only_1_2(server) : server);
      for (int i = 0; i < 2; ++i) {
        const bool resumed = co_await v.resumes();
        CHECK_FALSE(resumed);
      }
      CHECK(v.sessions.size() == 0);
      v.server = old ? only_1_2(ticketing()) : ticketing();
      v.sessions = tls_session_store(0);
      for (int i = 0; i < 2; ++i) {
        const bool resumed = co_await v.resumes();
        CHECK_FALSE(resumed);
      }
      CHECK(v.sessions.size() == 0);
    }
  });
}

TEST_CASE("tls: a server that has forgotten is met anew") {
  on_a_loop([]() -> task<> {
    for (const bool old : {false, true}) {
      visitor v(trusting(files().ca), old ? only_1_2(ticketing()) : ticketing());
      bool resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      v.server = old ? only_1_2(ticketing()) : ticketing();
      resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      resumed = co_await v.resumes();
      CHECK(resumed);
      // And one that is somebody else now is refused.
      v.server = serving(files().expired);
      v.server.tickets(true);
      const std::string error = co_await failure_of<std::exception>(v.meet());
      CHECK(error == "certificate verify failed for localhost: certificate has expired");
      CHECK(v.sessions.size() == 0);
    }
  });
}

TEST_CASE("tls: a handshake that fails or is cut off leaves no session for the next") {
  on_a_loop([]() -> task<> {
    visitor v(trusting(files().ca), ticketing());
    const bool resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
    CHECK(v.sessions.size() == 2);
    stream_pair raw = co_await connected_pair();
    raw.server.shutdown();
    std::string error = co_await failure_of<tls_handshake_closed>(
        tls_stream::connect(std::move(raw.client), v.host, v.client,
                            tls_options().resume(v.sessions, v.key)));
    CHECK_FALSE(error.empty());
    CHECK(v.sessions.size() == 0);

    const bool again = co_await v.resumes();
    CHECK_FALSE(again);
    stream_pair second = co_await connected_pair();
    co_await second.server.write_all("HTTP/1.1 400 Bad Request\r\n\r\n");
    error = co_await failure_of<tls_handshake_error>(
        tls_stream::connect(std::move(second.client), v.host, v.client,
                            tls_options().resume(v.sessions, v.key)));
    CHECK_FALSE(error.empty());
    CHECK(v.sessions.size() == 0);
  });
}

TEST_CASE("tls: a client's certificate outlives the resumption, at the server that asked for it") {
  on_a_loop([]() -> task<> {
    for (const bool old : {false, true}) {
      visitor v(trusting(files().ca), old ? only_1_2(ticketing()) : ticketing());
      v.client.certificate(files().named("client").chain, files().named("client").key);
      v.server.client_ca_file(files().ca);
      for (const bool expected : {false, true}) {
        const tls_pair pair = co_await v.meet();
        CHECK(pair.server.resumed() == expected);
        CHECK(pair.server.peer_subject() == "CN=ann");
      }
    }
  });
}

TEST_CASE("tls: a store is bounded, and the least recently used goes first") {
  on_a_loop([]() -> task<> {
    visitor v(trusting(files().ca), only_1_2(ticketing()));
    v.sessions = tls_session_store(2);
    for (const char* key : {"a", "b"}) {
      v.key = key;
      const bool resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
    }
    v.key = "a";
    bool resumed = co_await v.resumes();
    CHECK(resumed);
    v.key = "c";
    resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
    CHECK(v.sessions.size() == 2);
    v.key = "a";
    resumed = co_await v.resumes();
    CHECK(resumed);
    v.key = "b";
    resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
    v.sessions.clear();
    CHECK(v.sessions.size() == 0);
    resumed = co_await v.resumes();
    CHECK_FALSE(resumed);
  });
}

TEST_CASE("tls: of one key no more tickets are kept than a burst of connections takes") {
  on_a_loop([]() -> task<> {
    visitor v(trusting(files().ca), ticketing());
    v.key = "burst";
    std::vector<task<tls_pair>> burst;
    for (std::size_t i = 0; i < tls_session_store::tickets_per_key; ++i) burst.push_back(v.meet());
    const std::vector<tls_pair> pairs = co_await gather(std::move(burst));
    CHECK(pairs.size() == tls_session_store::tickets_per_key);
    CHECK(v.sessions.size() == tls_session_store::tickets_per_key);
    CHECK(v.of_this_key(now()) == tls_session_store::tickets_per_key);
  });
}

TEST_CASE("tls: a session is not resumed after its time") {
  on_a_loop([]() -> task<> {
    for (const bool old : {false, true}) {
      visitor v(trusting(files().ca), old ? only_1_2(ticketing()) : ticketing());
      bool resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      CHECK(v.of_this_key(now() + std::chrono::minutes(61)) == 0);
      CHECK(v.sessions.size() == 0);
      resumed = co_await v.resumes();
      CHECK_FALSE(resumed);
      if (!old) CHECK(v.of_this_key(now() + std::chrono::minutes(59)) == 2);
    }
  });
}

TEST_CASE("tls: tickets that come when the store has gone, and a client that reads none") {
  on_a_loop([]() -> task<> {
    tls_stream kept;
    stream_pair raw = co_await connected_pair();
    tls_stream server;
    {
      const tls_session_store sessions;
      auto both = co_await gather(
          tls_stream::connect(std::move(raw.client), "localhost", trusting(files().ca),
                              tls_options().resume(sessions, "k")),
          tls_stream::accept(std::move(raw.server), ticketing()));
      kept = std::move(std::get<0>(both));
      server = std::move(std::get<1>(both));
      CHECK(sessions.size() == 0);
    }
    co_await server.write_all("late");
    const std::string late = co_await read_text(kept);
    CHECK(late == "late");
  });
}
