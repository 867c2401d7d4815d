// How long closing a session takes, by the simulator's clock.
#include <eddy/runtime/gather.hpp>

#include "../support/client_site.hpp"
#include "../support/tls_streams.hpp"
#include "network_bench.hpp"

using namespace std::chrono_literals;
using namespace eddy_tests;
using eddy::task;
using eddy::http::session;
using eddy::http::session_options;

namespace {

// Answers when what the connection holds is there, and reads but the first bytes of it.
task<> hardly_read(origin_peer* peer) {
  eddy::tls_stream s =
      co_await eddy::tls_stream::accept(std::move(peer->stream), serving(certificates::get().good));
  (void)co_await read_text(s, 1);
  co_await eddy::sleep(1s);
  co_await write_text(s, reply_with(""));
  co_await eddy::sleep(1h);
}

session_options trusting_all() { return session_options().tls(trusting(certificates::get().ca)); }

std::string place_of(const scripted_origin& origin) {
  return "https://localhost:" + std::to_string(origin.address().port()) + "/";
}

// Whether all of it fits into the connection, which is kept then.
task<bool> is_kept(const scripted_origin& origin, std::size_t size) {
  session client(trusting_all());
  (void)co_await status_of(client.put(place_of(origin)).body(std::string(size, 'x')));
  const bool kept = client.statistics().idle == 1;
  co_await client.close();
  co_return kept;
}

}  // namespace

TEST_CASE("sim: close says goodbye to all idle connections at once") {
  network_bench::run_with(0, []() -> task<> {
    scripted_origin origin(hardly_read);
    // The largest that is kept leaves no room for a goodbye.
    std::size_t kept = 0;
    for (std::size_t step = std::size_t{1} << 20U; step > 0; step /= 2) {
      const bool more = co_await is_kept(origin, kept + step);
      if (more) kept += step;
    }
    session client(trusting_all());
    std::vector<task<int>> uploads;
    for (int i = 0; i < 3; ++i) {
      uploads.push_back(status_of(client.put(place_of(origin)).body(std::string(kept, 'x'))));
    }
    co_await eddy::gather(std::move(uploads));
    CHECK(client.statistics().idle == 3);
    const eddy::time_point begin = eddy::now();
    co_await client.close();
    const auto took = eddy::now() - begin;
    CHECK(took >= 1s);  // nobody has heard it
    CHECK(took < 1100ms);
    CHECK(client.statistics().open == 0);
  });
}
