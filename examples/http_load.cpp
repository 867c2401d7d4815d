// http_load: as many GETs of one URL as asked for, over a number of kept connections.
//
//   http_load -c 50 -n 100000 http://127.0.0.1:8080/1k
//
// Goes through the whole session, reads every body, and ends with one line of figures.
#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/net/tls.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <memory>

#include "options.hpp"

namespace http = eddy::http;

namespace {

constexpr std::uint64_t most_requests = 1'000'000'000;
constexpr std::size_t most_connections = 20'000;
constexpr std::size_t read_bytes = 16 * 1024;  // what one read of a connection brings at most

// How often a request took so many microseconds; what took longer is in the last cell.
class latencies {
 public:
  using clock = std::chrono::steady_clock;

  void start() { counts_.assign(most_us + 1, 0); }
  bool on() const noexcept { return !counts_.empty(); }
  void add(clock::duration took) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    ++counts_[std::min(static_cast<std::size_t>(us), most_us)];
    ++total_;
  }
  // The one that `percent` of them did not exceed.
  std::size_t percentile(unsigned percent) const {
    std::uint64_t below = 0;
    std::size_t us = 0;
    while (us < most_us && (below += counts_[us]) * 100 < total_ * percent) ++us;
    return us;
  }

 private:
  static constexpr std::size_t most_us = 1'000'000;
  std::vector<std::uint32_t> counts_;
  std::uint64_t total_ = 0;
};

struct settings {
  std::uint64_t requests = 1000;
  std::size_t connections = 10;
  std::string url;
  std::string ca_file;
  bool insecure = false;
  bool latency = false;
};

// Several tasks that take requests from one heap until it is empty.
class load {
 public:
  load(const settings& s, eddy::url where)
      : connections_(s.connections), left_(s.requests), where_(std::move(where)),
        session_(options_of(s)) {
    if (s.latency) latencies_.start();
  }

  eddy::task<> run() {
    std::vector<eddy::task<>> workers;
    for (std::size_t i = 0; i < connections_; ++i) workers.push_back(work());
    co_await eddy::gather(std::move(workers));
    co_await session_.close();
  }

  std::uint64_t errors() const noexcept { return errors_; }

  void print_latency() const {
    if (!latencies_.on()) return;
    std::printf("latency p50 %zu us, p99 %zu us\n", latencies_.percentile(50),
                latencies_.percentile(99));
  }

 private:
  static http::session_options options_of(const settings& s) {
    http::session_options options;
    options.limit(s.connections);
    eddy::tls_context trust;
    if (!s.ca_file.empty()) trust.ca_file(s.ca_file);
    if (s.insecure) trust.verify(false);
    if (!s.ca_file.empty() || s.insecure) options.tls(trust);
    return options;
  }

  eddy::task<> work() {
    const std::unique_ptr<std::byte[]> memory(new std::byte[read_bytes]);
    const std::span<std::byte> buffer(memory.get(), read_bytes);
    while (left_ > 0) {
      --left_;
      try {
        if (latencies_.on()) {
          co_await one_timed(buffer);
        } else {
          co_await one(buffer);
        }
      } catch (const std::exception& e) {
        failed(e.what());
      }
    }
  }

  eddy::task<> one_timed(std::span<std::byte> buffer) {
    const auto before = latencies::clock::now();
    co_await one(buffer);
    latencies_.add(latencies::clock::now() - before);
  }

  eddy::task<> one(std::span<std::byte> buffer) {
    http::response answer = co_await session_.get(where_);
    std::uint64_t bytes = 0;
    for (;;) {
      const std::size_t got = co_await answer.read_some(buffer);
      if (got == 0) break;
      bytes += got;
    }
    answer.raise_for_status();
    check_length(bytes);
  }

  // Every answer is the same page, so that one of another length is wrong.
  void check_length(std::uint64_t bytes) {
    if (!length_known_) {
      length_ = bytes;
      length_known_ = true;
    }
    if (bytes == length_) return;
    failed("a body of " + std::to_string(bytes) + " bytes, and the first one had " +
           std::to_string(length_));
  }

  // The first one is told; the others are most likely the same.
  void failed(const std::string& what) {
    if (errors_++ == 0) std::fprintf(stderr, "http_load: the first error: %s\n", what.c_str());
  }

  std::size_t connections_;
  std::uint64_t left_;
  std::uint64_t errors_ = 0;
  std::uint64_t length_ = 0;
  bool length_known_ = false;
  latencies latencies_;
  eddy::url where_;
  http::session session_;
};

void read_arguments(int argc, char** argv, settings& s) {
  CLI::App app("Sends many GETs of one URL over kept connections and says how long that took.",
               "http_load");
  app.add_option("-c", s.connections, "connections, each with one request at a time (default 10)")
      ->check(CLI::Range(std::size_t{1}, most_connections));
  app.add_option("-n", s.requests, "requests in all (default 1000)")
      ->check(CLI::Range(std::uint64_t{1}, most_requests));
  app.add_option("--cacert", s.ca_file, "trust the certificates in this PEM file only")
      ->check(CLI::ExistingFile);
  app.add_flag("-k,--insecure", s.insecure, "accept any certificate");
  app.add_flag("-l,--latency", s.latency, "also tell how long requests took (two clock readings "
                                          "each)");
  app.add_option("URL", s.url, "what to get")->required();
  app.footer("Last line: 100000 requests in 1.234 s, 81037 requests/s, 0.512 s CPU, 0 errors\n"
             "Errors are failed requests, statuses from 400 on, and bodies that are not as long\n"
             "as the first one. Exit code: 0; 1 when there were errors; 2 for a wrong command.");
  parse_or_exit(app, argc, argv);
}

eddy::task<std::uint64_t> program(const settings& s, eddy::url where) {
  load all(s, std::move(where));
  co_await all.run();
  all.print_latency();
  co_return all.errors();
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  read_arguments(argc, argv, s);
  try {
    eddy::url where = eddy::url::parse_http(s.url);
    const std::clock_t cpu_before = std::clock();
    const auto before = std::chrono::steady_clock::now();
    const std::uint64_t errors =
        eddy::run(program(s, std::move(where)), eddy::run_options().cancel_on_interrupt());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
    const double cpu = static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
    std::printf("%llu requests in %.3f s, %.0f requests/s, %.3f s CPU, %llu errors\n",
                static_cast<unsigned long long>(s.requests), took.count(),
                static_cast<double>(s.requests) / took.count(), cpu,
                static_cast<unsigned long long>(errors));
    return errors == 0 ? 0 : 1;
  } catch (const eddy::interrupted&) {
    std::fputs("http_load: interrupted\n", stderr);
    return 130;
  } catch (const eddy::url_error& e) {
    std::fprintf(stderr, "http_load: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "http_load: %s\n", e.what());
    return 1;
  }
}
