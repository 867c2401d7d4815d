// How serving ends: gracefully, by cancellation, and by what the system has run out of.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <system_error>
#include <vector>

#include "../support/simulated.hpp"
#include "server_site.hpp"

using namespace eddy;
using namespace eddy_tests;
using namespace std::chrono_literals;
using http::server;
using http::server_options;
using http::server_request;
using http::server_response;

TEST_CASE("server: stop lets a running exchange finish and closes what is idle") {
  event entered;
  event go_on;
  const auto handle = [&](server_request& request, server_response& reply) -> task<> {
    if (request.path() == "/slow") {
      entered.set();
      co_await go_on.wait();
    }
    co_await reply.send(200, "text/plain", "done");
  };
  on_a_site(handle, [&](server& site) -> task<> {
    const endpoint at = site.local_address();
    tcp_stream untouched = co_await tcp_stream::connect(at);
    tcp_stream idle = co_await tcp_stream::connect(at);
    co_await idle.write_all(get("/"));
    std::string answer = co_await read_like(idle, ok("done"));
    CHECK(answer == ok("done"));
    auto slow = spawn(ask(at, get("/slow") + get("/pipelined")));
    co_await entered.wait();
    CHECK(site.statistics().open_connections == 3);

    site.stop();
    answer = co_await read_to_end(idle);
    CHECK(answer == "");
    answer = co_await read_to_end(untouched);
    CHECK(answer == "");
    const std::string refused = co_await failure_of<std::system_error>(tcp_stream::connect(at));
    CHECK(refused != "");
    CHECK_FALSE(slow.done());
    go_on.set();
    answer = co_await slow.join();
    CHECK(answer == ok("done", closes));
  });
}

TEST_CASE("server: what outlasts the grace period is cancelled") {
  event entered;
  event never;
  bool ended = false;
  struct witness {
    explicit witness(bool& f) noexcept : flag(f) {}
    witness(const witness&) = delete;
    witness& operator=(const witness&) = delete;
    ~witness() { flag = true; }
    bool& flag;
  };
  const auto handle = [&](server_request&, server_response& reply) -> task<> {
    const witness w(ended);
    entered.set();
    co_await never.wait();
    co_await reply.send(200);
  };
  on_a_site(server_options().grace(20ms), handle, [&](server& site) -> task<> {
    auto asking = spawn(ask(site.local_address(), get("/")));
    co_await entered.wait();
    site.stop();
    CHECK_FALSE(ended);
    const std::string answer = co_await asking.join();
    CHECK(answer == "");
    CHECK(ended);
  });
}

TEST_CASE("server: a handler may stop its server, also before anything is served") {
  server* serving = nullptr;
  const auto handle = [&](server_request&, server_response& reply) -> task<> {
    serving->stop();
    co_await reply.send(200, "text/plain", "bye");
  };
  on_a_site(handle, [&](server& site) -> task<> {
    serving = &site;
    const std::string answer = co_await ask(site.local_address(), get("/"));
    CHECK(answer == ok("bye", closes));
  });
  on_a_site(handle, [](server& site) -> task<> {
    site.stop();
    co_return;
  });
}

TEST_CASE("server: serving is done once, by a server that is there") {
  const auto body = []() -> task<> {
    server empty;
    CHECK_THROWS_AS(empty.stop(), std::logic_error);
    server site = server::listen(endpoint::loopback(0));
    server moved = std::move(site);
    CHECK_THROWS_AS((void)site.local_address(), std::logic_error);
    moved.stop();
    co_await moved.serve(&say_target);
    CHECK_THROWS_AS((void)moved.serve(&say_target), std::logic_error);
    const server unused = server::listen(endpoint::loopback(0));
    CHECK(unused.local_address().port() != 0);
  };
  run(body());
}

namespace {

// Requests that are under way in every part of the server, cancelled at that point of that turn.
task<bool> cancel_serving_after(int turn, int resumptions) {
  const auto handle = [](server_request& request, server_response& reply) -> task<> {
    const std::string body = co_await request.body();
    co_await yield();
    co_await reply.start(200);
    co_await reply.write(body);
    co_await reply.finish();
  };
  server site = server::listen(endpoint::loopback(0));
  auto serving = spawn(site.serve(handle), "site");
  auto idle = spawn(ask(site.local_address(), get("/")));
  auto asking =
      spawn(ask(site.local_address(), post("Content-Length: 6\r\n", "abc") + "def" + get("/")));
  co_await turns(turn);
  for (int i = 0; i < resumptions; ++i) co_await yield();
  serving.cancel();
  const bool cancelled = co_await was_cancelled(std::move(serving));
  CHECK(cancelled);
  CHECK(site.statistics().open_connections == 0);
  // Whatever became of them, they end: the server has closed what it had, and closes the rest.
  const std::uint64_t served = site.statistics().requests;
  site = server();
  for (auto* client : {&idle, &asking}) {
    try {
      co_await client->join();
    } catch (const std::system_error&) {
    }
  }
  co_return served >= 3;
}

}  // namespace

TEST_CASE("server: serve can be cancelled at any point") {
  constexpr int most_turns = 200;
  constexpr int most_resumptions = 8;
  bool served_all = false;
  for (int turn = 0; turn < most_turns && !served_all; ++turn) {
    for (int resumptions = 0; resumptions < most_resumptions; ++resumptions) {
      CAPTURE(turn);
      CAPTURE(resumptions);
      const std::size_t descriptors = open_descriptors();
      served_all = run(cancel_serving_after(turn, resumptions));
      CHECK(open_descriptors() == descriptors);
    }
  }
  CHECK(served_all);
}

TEST_CASE("server: a scope that is cancelled around serve waits for the connections") {
  event entered;
  event never;
  int running = 0;
  const auto handle = [&](server_request&, server_response&) -> task<> {
    ++running;
    entered.set();
    try {
      co_await never.wait();
    } catch (const cancelled&) {
      --running;
      throw;
    }
  };
  const auto body = [&]() -> task<> {
    server site = server::listen(endpoint::loopback(0));
    auto asking = spawn(ask(site.local_address(), get("/")));
    auto limited = with_timeout(1h, site.serve(handle));
    const auto end_it = [&]() -> task<> {
      co_await entered.wait();
      limited.fire();
    };
    auto ending = spawn(end_it());
    bool timed_out = false;
    try {
      co_await limited;
    } catch (const timeout_error&) {
      timed_out = true;
    }
    CHECK(timed_out);
    CHECK(running == 0);
    CHECK(site.statistics().open_connections == 0);
    co_await ending.join();
    const std::string answer = co_await asking.join();
    CHECK(answer == "");
  };
  run(body());
}

TEST_CASE("server: more connections than allowed wait for their turn") {
  on_a_site(server_options().max_connections(2), say_target, [](server& site) -> task<> {
    std::vector<tcp_stream> open;
    for (int i = 0; i < 2; ++i) {
      tcp_stream client = co_await tcp_stream::connect(site.local_address());
      co_await client.write_all(get("/"));
      const std::string answer = co_await read_like(client, ok("/"));
      CHECK(answer == ok("/"));
      open.push_back(std::move(client));
    }
    auto third = spawn(ask(site.local_address(), get("/3", closes)));
    co_await turns(20);
    CHECK(site.statistics().accepted_connections == 2);
    CHECK_FALSE(third.done());
    open.pop_back();
    const std::string answer = co_await third.join();
    CHECK(answer == ok("/3", closes));
  });
}

namespace {

// Lowers the limit on descriptors to what is open now and `more`; back at the end.
class descriptor_limit {
 public:
  explicit descriptor_limit(int first_free, int more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lowered = before_;
    lowered.rlim_cur = static_cast<rlim_t>(first_free + more);
    ::setrlimit(RLIMIT_NOFILE, &lowered);
  }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;
  ~descriptor_limit() { lift(); }
  void lift() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

int first_free_descriptor() {
  const int fd = ::dup(0);
  ::close(fd);
  return fd;
}

}  // namespace

TEST_CASE("server: without free descriptors it accepts later" * needs_a_kernel()) {
  if (eddy_tests::checks_need_descriptors()) {
    MESSAGE("not with UBSan");
    return;
  }
  on_a_site(say_target, [](server& site) -> task<> {
    descriptor_limit limit(first_free_descriptor(), 1);
    auto asking = spawn(ask(site.local_address(), get("/", closes)));  // takes the last one
    co_await turns(20);
    CHECK(site.statistics().accepted_connections == 0);
    CHECK_FALSE(asking.done());
    limit.lift();
    const std::string answer = co_await asking.join();
    CHECK(answer == ok("/", closes));
  });
}
