// The HTTP client against the HTTP server, through a network that is as bad as a seed makes it.
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/server.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/net/http/timeout.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/timeout.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace network_bench;
using eddy::task;
namespace http = eddy::http;

namespace {

std::string body_of(std::size_t size) {
  std::string out(size, '.');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i * 7 % 26);
  return out;
}

// Says the body back; a GET of "/<n>" gets n bytes.
task<> answer(http::server_request& asked, http::server_response& reply) {
  if (asked.method() == "GET") {
    const std::size_t size = std::stoul(std::string(asked.path().substr(1)));
    co_await reply.send(200, "text/plain", body_of(size));
    co_return;
  }
  std::string body = co_await asked.body(1 << 20);
  if (body.size() % 2 == 0) {
    co_await reply.send(200, "text/plain", std::move(body));
    co_return;
  }
  co_await reply.start(200);
  for (std::size_t i = 0; i < body.size(); i += 1000) co_await reply.write(body.substr(i, 1000));
}

class site {
 public:
  static task<> serve(std::optional<http::server>& out, eddy::event& listening) {
    out = http::server::listen(eddy::endpoint::any(port));
    listening.set();
    co_await out->serve(answer);
  }
};

// What a client may see of a network that breaks connections; anything else is a defect.
task<bool> get_one(http::session& session, std::size_t size) {
  try {
    http::response r = co_await session.get("http://server:8000/" + std::to_string(size));
    const std::string text = co_await r.text();
    CHECK(text == body_of(size));
    co_return true;
  } catch (const http::error&) {
  } catch (const http::request_timeout&) {
  } catch (const std::system_error&) {
  } catch (const eddy::resolve_error&) {
  }
  co_return false;
}

task<bool> put_one(http::session& session, std::size_t size) {
  const std::string body = body_of(size);
  try {
    http::response r = co_await session.post("http://server:8000/echo").body(body);
    const std::string text = co_await r.text();
    CHECK(text == body);
    co_return true;
  } catch (const http::error&) {
  } catch (const http::request_timeout&) {
  } catch (const std::system_error&) {
  } catch (const eddy::resolve_error&) {
  }
  co_return false;
}

// The same, cut short now and then.
task<bool> patiently(task<bool> body) {
  const auto patience = std::chrono::microseconds(eddy::sim::random(60'000));
  if (eddy::sim::random(3) > 0) {
    const bool done = co_await std::move(body);
    co_return done;
  }
  try {
    const bool done = co_await eddy::with_timeout(patience, std::move(body));
    co_return done;
  } catch (const eddy::timeout_error&) {
  }
  co_return false;
}

task<> client(http::session& session, int requests, int& done) {
  for (int i = 0; i < requests; ++i) {
    const std::size_t size = eddy::sim::random(4) == 0 ? eddy::sim::random(100'000)
                                                       : eddy::sim::random(300);
    task<bool> one = eddy::sim::random(2) == 0 ? get_one(session, size) : put_one(session, size);
    const bool ok = co_await patiently(std::move(one));
    done += ok ? 1 : 0;
  }
}

task<int> browse(eddy::sim::network_faults faults) {
  eddy::sim::network net;
  const eddy::sim::host host = net.add_host("server");
  std::optional<http::server> server;
  eddy::event listening;
  auto serving = host.spawn(site::serve(server, listening), "site");
  co_await listening.wait();
  net.set_faults(faults);
  int done = 0;
  {
    http::session session(http::session_options().limit_per_host(3));
    std::vector<task<>> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(client(session, 5, done));
    co_await eddy::gather(std::move(clients));
  }
  server->stop();
  co_await serving;
  CHECK(server->statistics().open_connections == 0);
  co_return done;
}

int run_seed(std::uint64_t seed, const eddy::sim::network_faults& faults) {
  int done[2];
  std::uint64_t hashes[2];
  for (int i = 0; i < (seed < 8 ? 2 : 1); ++i) {
    const eddy::sim::world here(eddy::sim::options().seed(seed));
    done[i] = eddy::run(browse(faults));
    hashes[i] = here.trace_hash();
  }
  if (seed < 8) CHECK(hashes[0] == hashes[1]);
  return done[0];
}

}  // namespace

TEST_CASE("sim: HTTP through a good network") {
  int done = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    done += run_seed(seed, eddy::sim::network_faults());
  }
  CHECK(done > 1200);  // of 2000; the others are cut short
}

TEST_CASE("sim: HTTP through short reads and writes") {
  int done = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    done += run_seed(seed, eddy::sim::network_faults().short_reads(500).short_writes(300));
  }
  CHECK(done > 1000);
}

TEST_CASE("sim: HTTP through everything at once") {
  int done = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    done += run_seed(seed, eddy::sim::network_faults()
                               .short_reads(200)
                               .short_writes(100)
                               .resets(20)
                               .refused_connects(50)
                               .lost_connects(10)
                               .failed_lookups(50));
  }
  CHECK(done > 1500);
}

namespace {

// Cuts, heals, resets and crashes for a while.
task<> vandal(bool& over) {
  eddy::sim::network net;
  while (!over) {
    co_await eddy::sleep(std::chrono::microseconds(eddy::sim::random(30'000)));
    switch (eddy::sim::random(5)) {
      case 0: net.partition("localhost", "server"); break;
      case 1: net.partition_one_way("server", "localhost"); break;
      case 2: net.reset_connections("server", "localhost"); break;
      default: net.heal(); break;
    }
  }
  net.heal();
}

task<> keep_serving(eddy::sim::host host, bool& over) {
  while (!over) {
    std::optional<http::server> server;
    eddy::event listening;
    auto serving = host.spawn(site::serve(server, listening), "site");
    co_await listening.wait();
    co_await eddy::sleep(std::chrono::microseconds(eddy::sim::random(300'000)));
    const bool crashes = eddy::sim::random(2) == 0;
    if (crashes) {
      eddy::sim::network().crash("server");
    } else {
      server->stop();
    }
    try {
      co_await serving;
    } catch (const eddy::task_cancelled&) {
      CHECK(crashes);
    }
    CHECK(server->statistics().open_connections == 0);
  }
}

task<> survive(int& done) {
  eddy::sim::network net;
  bool over = false;
  auto serving = eddy::spawn(keep_serving(net.add_host("server"), over));
  auto wrecking = eddy::spawn(vandal(over));
  {
    http::session session(http::session_options().limit_per_host(2).timeout(20s));
    std::vector<task<>> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(client(session, 5, done));
    co_await eddy::gather(std::move(clients));
    CHECK(session.statistics().in_use == 0);
    CHECK(session.statistics().waiting == 0);
  }
  over = true;
  co_await wrecking;
  co_await serving;
}

}  // namespace

TEST_CASE("sim: HTTP while the network is cut and the server stops and crashes") {
  int done = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const eddy::sim::world here(eddy::sim::options().seed(seed));
    eddy::run(survive(done));
  }
  CHECK(done > 300);
}
