// Names on the lane for names, by the getaddrinfo below, which stands in front of the C library's
// for a few names of its own: answers that are wanted, refusals, and lookups that block until they
// are told. Where c-ares is, it looks names up, so that the lane is asked directly.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <eddy/net/resolver.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/run.hpp>
#include <mutex>

#include "../../net/lookup.hpp"
#include "../support/descriptors.hpp"
#include "../support/streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

// Lookups of names that end in ".blocks.test" wait until the gate opens.
class gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    ++entered_;
    most_ = std::max(most_, inside_);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --inside_;
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    entered_ = 0;
    most_ = 0;
  }
  // Returns when nobody is in it any more.
  void open_and_drain() {
    std::unique_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return inside_ == 0; });
  }
  void wait_for_entries(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return entered_ >= count; });
  }
  int entered() {
    const std::lock_guard lock(mutex_);
    return entered_;
  }
  int most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int inside_ = 0;
  int entered_ = 0;
  int most_ = 0;
};

gate& the_gate() {
  static auto* only = new gate;  // an abandoned thread may use it at any time
  return *only;
}

std::atomic<int>& lookups() {
  static std::atomic<int> count = 0;
  return count;
}

// As resolve(), on the lane in any build.
task<std::vector<endpoint>> resolve_on_lane(std::string host, std::uint16_t port) {
  const detail::lookup_answer answer = co_await detail::look_up_on_lane(std::move(host));
  co_return detail::with_port(answer.addresses, port);
}

// For what is looked up by others.
doctest::skip needs_the_lane() { return doctest::skip(detail::asks_cares()); }

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  ++lookups();
  const std::string_view name = host;
  if (name.ends_with(".blocks.test")) {
    the_gate().pass();
    return next("127.0.0.1", service, hints, found);
  }
  if (name == "unknown.test") return EAI_NONAME;
  if (name == "here.test") return next("127.0.0.1", service, hints, found);
  return next(host, service, hints, found);
}

TEST_CASE("resolve: an address is its own answer") {
  const int before = lookups();
  const auto found = run(resolve("::1", 443));
  REQUIRE(found.size() == 1);
  CHECK(found[0] == endpoint::parse("[::1]:443"));
  CHECK(lookups() == before);
}

TEST_CASE("resolve: a name has the addresses that getaddrinfo finds") {
  const auto found = run(resolve_on_lane("here.test", 80));
  REQUIRE(found.size() == 1);
  CHECK(found[0] == endpoint::loopback(80));
}

TEST_CASE("resolve: errors name the host and the cause") {
  CHECK(run(failure_of<resolve_error>(resolve_on_lane("unknown.test", 80))) ==
        "cannot resolve unknown.test: Name or service not known");
  CHECK(run(failure_of<resolve_error>(resolve("", 80))) ==
        "cannot resolve \"\": the name is empty");
  CHECK(run(failure_of<resolve_error>(resolve("a\r\nb", 80))) ==
        "cannot resolve \"a\\x0d\\x0ab\": the name has a byte that is not printable ASCII");
  const std::string longest(max_host_length + 1, 'a');
  const std::string refusal = run(failure_of<resolve_error>(resolve(longest, 80)));
  CHECK(refusal.ends_with("the name has 255 bytes, the limit is 254"));
}

TEST_CASE("resolve: a cancellation does not wait for getaddrinfo, nor does run") {
  const std::size_t descriptors = open_descriptors();
  the_gate().close();
  run([]() -> task<> {
    auto lookup = spawn(resolve_on_lane("a.blocks.test", 80));
    co_await settle();
    the_gate().wait_for_entries(1);
    lookup.cancel();
    const bool stopped = co_await was_cancelled(std::move(lookup));
    CHECK(stopped);
  }());
  CHECK(the_gate().entered() == 1);
  the_gate().open_and_drain();
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("resolve: an abandoned lookup that ends while the loop runs is freed there") {
  the_gate().close();
  run(
      []() -> task<> {
        auto lookup = spawn(resolve_on_lane("a.blocks.test", 80));
        co_await settle();
        the_gate().wait_for_entries(1);
        lookup.cancel();
        const bool stopped = co_await was_cancelled(std::move(lookup));
        CHECK(stopped);
        the_gate().open_and_drain();
        // The answer to this one comes by the same thread, so after the abandoned one.
        const auto found = co_await resolve_on_lane("here.test", 1);
        CHECK(found.size() == 1);
      }(),
      run_options().resolver_threads(1));
}

TEST_CASE("resolve: lookups run on a bounded lane, and a queued one is withdrawn") {
  the_gate().close();
  run(
      []() -> task<> {
        std::vector<join_handle<std::vector<endpoint>>> asked;
        for (const char* name :
             {"a.blocks.test", "b.blocks.test", "c.blocks.test", "d.blocks.test"}) {
          asked.push_back(spawn(resolve_on_lane(name, 80)));
        }
        co_await settle();
        the_gate().wait_for_entries(2);
        asked[3].cancel();
        const bool stopped = co_await was_cancelled(std::move(asked[3]));
        CHECK(stopped);
        the_gate().open_and_drain();
        for (std::size_t i = 0; i < 3; ++i) {
          const auto found = co_await asked[i];
          CHECK(found.size() == 1);
        }
      }(),
      run_options().resolver_threads(2));
  CHECK(the_gate().most() == 2);
  CHECK(the_gate().entered() == 3);
}

TEST_CASE("resolve: in a cancelled scope nothing is looked up") {
  const int before = lookups();
  run([]() -> task<> {
    auto late = spawn([]() -> task<> {
      try {
        co_await sleep(std::chrono::hours(1));
      } catch (const cancelled&) {
      }
      co_await resolve_on_lane("here.test", 80);
    }());
    const bool stopped = co_await cancel_waiting(std::move(late));
    CHECK(stopped);
  }());
  CHECK(lookups() == before);
}

TEST_CASE("connect: a host's lookup can be cancelled" * needs_the_lane()) {
  the_gate().close();
  run([]() -> task<> {
    auto connecting = spawn(tcp_stream::connect("a.blocks.test", 80));
    co_await settle();
    the_gate().wait_for_entries(1);
    connecting.cancel();
    const bool stopped = co_await was_cancelled(std::move(connecting));
    CHECK(stopped);
  }());
  the_gate().open_and_drain();
}

TEST_CASE("connect: by a host's name" * needs_the_lane()) {
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    auto both = co_await gather(tcp_stream::connect("here.test", listener.local_address().port()),
                                listener.accept());
    CHECK(std::get<0>(both).remote_address() == listener.local_address());
  }());
}

TEST_CASE("connect: an error names the host, each address tried, its cause" * needs_the_lane()) {
  run([]() -> task<> {
    auto listener = tcp_listener::bind(endpoint::loopback(0));
    const std::uint16_t port = listener.local_address().port();
    co_await listener.close();
    const std::string error =
        co_await failure_of<std::system_error>(tcp_stream::connect("here.test", port));
    const std::string number = std::to_string(port);
    CHECK(error ==
          "connect to here.test:" + number + ": 127.0.0.1:" + number + ": Connection refused");
  }());
}
