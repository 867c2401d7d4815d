// site: several hosts on 127.0.0.x, over HTTP and HTTPS, with pages of links, for crawlers to be
// tried on. Writes the list of its pages, prints one line when it listens, serves until SIGINT or
// SIGTERM.
#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <eddy/net/http/server.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/net/tls.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

namespace http = eddy::http;

namespace {

struct settings {
  int pages = 24;
  int links = 15;
  int latency_ms = 20;
  int slow_ms = 1500;
  bool faults = false;
  std::string certificates;
  std::string urls;
};

// Where each host listens.
struct host {
  std::string address;
  bool secure;
  std::optional<http::server> server;
  std::string origin;
};

std::string page_of(const settings& s, std::string_view path) {
  std::string html = "<!doctype html><title>Page " + std::string(path) + "</title>\n";
  for (int i = 0; i < s.links; ++i) {
    html += "<p><a href=\"../item/" + std::to_string(i) + "?from=" + std::string(path) +
            "\">item</a>\n";
  }
  return html;
}

class site {
 public:
  explicit site(const settings& s) : settings_(s) {}

  eddy::task<> serve() {
    listen();
    co_await write_list();
    std::printf("%zu hosts listen, %d pages\n", hosts_.size(), settings_.pages);
    std::fflush(stdout);
    std::vector<eddy::task<>> serving;
    for (host& h : hosts_) serving.push_back(h.server->serve(handler()));
    if (settings_.faults) serving.push_back(answer_nonsense());
    co_await eddy::gather(std::move(serving));
  }

 private:
  http::server_handler handler() {
    return [this](http::server_request& request, http::server_response& reply) {
      return answer(request, reply);
    };
  }

  eddy::task<> answer(http::server_request& request, http::server_response& reply) {
    const std::string path(request.path());
    const bool slow = path == "/slow.html";
    const int wait_ms = slow ? settings_.slow_ms : settings_.latency_ms;
    co_await eddy::sleep(std::chrono::milliseconds(wait_ms));
    if (path == "/moved.html") {
      reply.header("location", "/elsewhere/page-0.html");
      co_await reply.send(302);
    } else if (path.ends_with(".html") && path != "/missing.html") {
      co_await reply.send(200, "text/html; charset=utf-8", page_of(settings_, path));
    } else {
      co_await reply.send(404, "text/plain", "There is no such page.\n");
    }
  }

  void listen() {
    add("127.0.0.1", false);
    add("127.0.0.2", false);
    add("127.0.0.3", false);
    if (settings_.certificates.empty()) return;
    add("127.0.0.4", true);
    // The certificate does not name this one.
    if (settings_.faults) add("127.0.0.5", true);
  }

  void add(std::string address, bool secure) {
    http::server_options options;
    options.max_connections(4096);
    if (secure) {
      eddy::tls_context identity;
      identity.certificate(settings_.certificates + "/server.pem",
                           settings_.certificates + "/server.key");
      options.tls(identity);
    }
    host& h = hosts_.emplace_back(host{std::move(address), secure, std::nullopt, {}});
    h.server = http::server::listen(eddy::endpoint::parse(h.address + ":0"), std::move(options));
    h.origin = (secure ? "https://" : "http://") + h.server->local_address().to_string();
  }

  std::string list() {
    std::string text;
    const std::size_t sound = settings_.faults && hosts_.size() > 4 ? 4 : hosts_.size();
    for (int i = 0; i < settings_.pages; ++i) {
      text += hosts_[static_cast<std::size_t>(i) % sound].origin + "/pages/page-" +
              std::to_string(i) + ".html\n";
    }
    if (!settings_.faults) return text;
    text += hosts_[0].origin + "/moved.html\n";
    text += hosts_[0].origin + "/slow.html\n";
    text += hosts_[1].origin + "/missing.html\n";
    if (hosts_.size() > sound) text += hosts_[sound].origin + "/pages/page-0.html\n";
    nonsense_ = eddy::tcp_listener::bind(eddy::endpoint::parse("127.0.0.1:0"));
    text += "http://" + nonsense_->local_address().to_string() + "/\n";
    {
      // A port that was free a moment ago: refused.
      auto closed = eddy::tcp_listener::bind(eddy::endpoint::parse("127.0.0.1:0"));
      text += "http://" + closed.local_address().to_string() + "/\n";
    }
    return text + "this is not a URL\n";
  }

  eddy::task<> write_list() {
    eddy::file out = co_await eddy::file::open(settings_.urls, eddy::file_mode::write);
    const std::string text = list();
    co_await out.write_all(text);
    co_await out.close();
  }

  // An origin that does not speak HTTP.
  eddy::task<> answer_nonsense() {
    for (;;) {
      try {
        eddy::tcp_stream client = co_await nonsense_->accept();
        co_await client.write_all("220 mail.example ESMTP\r\n");
        client.shutdown();
        std::array<std::byte, 4096> request;
        while (true) {
          const std::size_t got = co_await client.read_some(request);
          if (got == 0) break;
        }
      } catch (const std::exception&) {
        // A client that goes away early is its own affair.
      }
    }
  }

  const settings& settings_;
  std::vector<host> hosts_;
  std::optional<eddy::tcp_listener> nonsense_;
};

eddy::task<> serve_site(const settings& s) {
  site here(s);
  co_await here.serve();
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Serves pages of links on several hosts of 127.0.0.x.", "site");
  app.add_option("--pages", s.pages, "sound pages")->check(CLI::Range(1, 1000000));
  app.add_option("--links", s.links, "links on each page")->check(CLI::Range(0, 10000));
  app.add_option("--latency-ms", s.latency_ms, "before a page is answered")
      ->check(CLI::Range(0, 60000));
  app.add_option("--slow-ms", s.slow_ms, "before the slow page is answered")
      ->check(CLI::Range(0, 600000));
  app.add_flag("--faults", s.faults,
               "add a redirect, a slow page, and what fails: a 404, a bad certificate, nonsense, "
               "a closed port, no URL");
  app.add_option("--certificates", s.certificates, "folder with server.pem and server.key")
      ->check(CLI::ExistingDirectory);
  app.add_option("URLS", s.urls, "file that gets the list of pages")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  // One way to end: SIGTERM is what SIGINT is.
  std::signal(SIGTERM, [](int) { std::raise(SIGINT); });
  try {
    eddy::run(serve_site(s), eddy::run_options().cancel_on_interrupt());
  } catch (const eddy::interrupted&) {
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "site: %s\n", e.what());
    return 1;
  }
  return 0;
}
