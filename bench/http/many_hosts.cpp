// The pool at many hosts: GETs through one session that go round among addresses of the loopback.
//   many_hosts -a HOSTS -c CONNECTIONS -n REQUESTS http://ADDRESS:PORT/PATH
// The first host is ADDRESS, the others the addresses behind it. At most 50 requests are in flight;
// each of them walks over hosts of its own, so that a host's connection rests until the walk is
// round. Every host has been visited once when measuring begins; ends with the line that
// examples/http_load ends with. Any error is the run's.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <eddy/net/address.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <stdexcept>

namespace http = eddy::http;

namespace {

constexpr std::size_t in_flight = 50;

struct settings {
  std::size_t hosts = 1;
  std::size_t connections = in_flight;
  std::uint64_t requests = 1000;
  std::string url;
};

// `first`, and the hosts behind its address.
std::vector<eddy::url> hosts_of(const settings& s) {
  const eddy::url first = eddy::url::parse_http(s.url);
  auto address = eddy::endpoint::parse(first.host(), first.port()).bytes();
  std::vector<eddy::url> hosts;
  for (std::size_t i = 0; i < s.hosts; ++i) {
    const auto at = eddy::endpoint::v4({address[0], address[1], address[2], address[3]},
                                       first.port());
    hosts.push_back(
        eddy::url::parse_http("http://" + at.to_string() + std::string(first.target())));
    for (std::size_t digit = 3; ++address[digit] == 0;) --digit;
  }
  return hosts;
}

class walk {
 public:
  explicit walk(const settings& s)
      : settings_(s), hosts_(hosts_of(s)),
        session_(http::session_options().limit(s.connections).limit_per_host(0)) {}

  eddy::task<> run() {
    co_await get_all(std::max(hosts_.size(), in_flight));
    const std::clock_t cpu_before = std::clock();
    const auto before = std::chrono::steady_clock::now();
    co_await get_all(settings_.requests);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
    const double cpu = static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
    check_reuse();
    std::printf("%llu requests in %.3f s, %.0f requests/s, %.3f s CPU, 0 errors\n",
                static_cast<unsigned long long>(settings_.requests), took.count(),
                static_cast<double>(settings_.requests) / took.count(), cpu);
    co_await session_.close();
  }

 private:
  eddy::task<> get_all(std::uint64_t requests) {
    left_ = requests;
    std::vector<eddy::task<>> walkers;
    for (std::size_t i = 0; i < in_flight; ++i) walkers.push_back(visit(i));
    co_await eddy::gather(std::move(walkers));
  }

  eddy::task<> visit(std::size_t first) {
    for (std::size_t host = first; left_ > 0;) {
      --left_;
      co_await one(hosts_[host % hosts_.size()]);
      host = host + in_flight < hosts_.size() ? host + in_flight : first;
    }
  }

  eddy::task<> one(const eddy::url& where) {
    http::response answer = co_await session_.get(where);
    answer.raise_for_status();
    const std::vector<std::byte> body = co_await answer.bytes();
    if (length_ == 0) length_ = body.size();
    if (body.size() != length_) throw std::runtime_error("bodies of different lengths");
  }

  // A pool that opened more than it may keep would make the figure one of connecting.
  void check_reuse() const {
    const std::size_t opened = session_.statistics().connects;
    if (opened > settings_.connections) {
      throw std::runtime_error(std::to_string(opened) + " connections were opened, and " +
                               std::to_string(settings_.connections) + " are kept at most");
    }
  }

  const settings& settings_;
  std::vector<eddy::url> hosts_;
  http::session session_;
  std::uint64_t left_ = 0;
  std::size_t length_ = 0;
};

eddy::task<> program(const settings& s) {
  walk all(s);
  co_await all.run();
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Sends GETs to many hosts of the loopback through one session.", "many_hosts");
  app.add_option("-a", s.hosts, "hosts")->check(CLI::Range(1, 1'000'000));
  app.add_option("-c", s.connections, "connections kept")->check(CLI::Range(1, 1'000'000));
  app.add_option("-n", s.requests, "requests")->check(CLI::Range(1, 1'000'000'000));
  app.add_option("URL", s.url, "at the first host")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    eddy::run(program(s));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "many_hosts: %s\n", e.what());
    return 1;
  }
  return 0;
}
