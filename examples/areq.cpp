// areq: asynchronously get the links embedded in many pages' HTML.
//
// Reads URLs, GETs all of them through one session, extracts the links of each page, resolves them
// against the URL finally reached and appends them to a file, each page's rows together.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/net/tls.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/semaphore.hpp>
#include <system_error>

#include "links.hpp"

namespace http = eddy::http;

namespace {

struct settings {
  std::string urls;
  std::string found;
  std::size_t limit = 100;
  std::size_t limit_per_host = 0;
  std::size_t concurrency = 1000;
  double timeout_s = 60;
  std::string ca_file;
  bool insecure = false;
  bool verbose = false;
};

// What became of the URLs, readable also after an interruption.
struct tally {
  std::size_t asked = 0;
  std::size_t written = 0;
  std::size_t failed = 0;
  std::size_t links = 0;
};

void log(const char* level, const char* logger, const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char clock[16];
  std::strftime(clock, sizeof clock, "%H:%M:%S", &parts);
  std::fprintf(stderr, "%s %s:%s: %s\n", clock, level, logger, text.c_str());
}

class crawler {
 public:
  crawler(const settings& s, tally& t)
      : settings_(s), tally_(t), session_(options_of(s)), slots_(s.concurrency) {}

  eddy::task<> crawl() {
    eddy::file list = co_await eddy::file::open(settings_.urls, eddy::file_mode::read);
    const std::string text = co_await list.read_all();
    const std::vector<std::string> urls = crawl::urls_in(text);
    tally_.asked = urls.size();
    co_await start_output();
    std::vector<eddy::task<>> pages;
    pages.reserve(urls.size());
    for (const std::string& url : urls) pages.push_back(one_page(url));
    co_await eddy::gather(std::move(pages));
    co_await session_.close();
    co_await output_->close();
  }

 private:
  static http::session_options options_of(const settings& s) {
    http::session_options options;
    options.limit(s.limit).limit_per_host(s.limit_per_host);
    options.timeout(std::chrono::duration<double>(s.timeout_s));
    eddy::tls_context trust;
    if (!s.ca_file.empty()) trust.ca_file(s.ca_file);
    if (s.insecure) trust.verify(false);
    options.tls(trust);
    return options;
  }

  eddy::task<> start_output() {
    eddy::file fresh = co_await eddy::file::open(settings_.found, eddy::file_mode::write);
    co_await fresh.write_all(crawl::found_header);
    co_await fresh.close();
    output_ = co_await eddy::file::open(settings_.found, eddy::file_mode::append);
  }

  // A page that fails is one line in the log; the others go on.
  eddy::task<> one_page(std::string url) {
    auto slot = co_await slots_.acquire();
    try {
      co_await fetch_and_write(url);
      co_return;
    } catch (const http::status_error& e) {
      log("ERROR", "areq",
          "http exception for " + url + " [" + std::to_string(e.status()) + "]: " + e.reason());
    } catch (const eddy::url_error& e) {
      log("ERROR", "areq", "url exception for " + url + ": " + e.what());
    } catch (const eddy::timeout_error& e) {
      log("ERROR", "areq", "timeout exception for " + url + ": " + e.what());
    } catch (const eddy::tls_error& e) {
      log("ERROR", "areq", "tls exception for " + url + ": " + e.what());
    } catch (const http::error& e) {
      log("ERROR", "areq", "http exception for " + url + ": " + e.what());
    } catch (const std::system_error& e) {
      log("ERROR", "areq", "system exception for " + url + ": " + e.what());
    } catch (const std::exception& e) {
      log("ERROR", "areq", "exception for " + url + ": " + e.what());
    }
    ++tally_.failed;
  }

  eddy::task<> fetch_and_write(const std::string& url) {
    if (settings_.verbose) log("DEBUG", "areq", "GET " + url);
    http::response response = co_await session_.get(url);
    response.raise_for_status();
    log("INFO", "areq", "Got response [" + std::to_string(response.status()) + "] for URL: " + url);
    const std::string html = co_await response.text();
    const crawl::page_rows rows = crawl::rows_of(url, response.url(), html);
    log("INFO", "areq", "Found " + std::to_string(rows.count) + " links for " + url);
    auto turn = co_await writing_.lock();
    co_await output_->append(rows.text);
    turn.release();
    tally_.links += rows.count;
    ++tally_.written;
    log("INFO", "areq", "Wrote results for source URL: " + url);
  }

  const settings& settings_;
  tally& tally_;
  http::session session_;
  eddy::semaphore slots_;
  eddy::mutex writing_;
  std::optional<eddy::file> output_;
};

eddy::task<> program(const settings& s, tally& t) {
  log("DEBUG", "eddy", "Using selector: " + std::string(eddy::selector_name()));
  crawler c(s, t);
  co_await c.crawl();
}

bool read_arguments(int argc, char** argv, settings& s, int& exit_code) {
  CLI::App app("Gets the links embedded in many pages, concurrently.", "areq");
  app.add_option("--limit", s.limit, "connections at once")->check(CLI::Range(1, 100000));
  app.add_option("--limit-per-host", s.limit_per_host,
                 "connections to one host at once; 0: no limit")
      ->check(CLI::Range(0, 100000));
  app.add_option("--concurrency", s.concurrency, "pages in work at once")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--timeout", s.timeout_s, "seconds for a page, in all")
      ->check(CLI::PositiveNumber);
  app.add_option("--cacert", s.ca_file, "trust the certificates in this PEM file only")
      ->check(CLI::ExistingFile);
  app.add_flag("--insecure", s.insecure, "accept any certificate");
  app.add_flag("-v,--verbose", s.verbose, "log each request as it starts");
  app.add_option("URLS", s.urls, "file of URLs, one a line")->required()->check(CLI::ExistingFile);
  app.add_option("FOUND", s.found, "file that gets the rows source_url<TAB>parsed_url")->required();
  app.get_formatter()->column_width(32);
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& e) {
    exit_code = app.exit(e) == 0 ? 0 : 2;
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  tally t;
  int exit_code = 0;
  if (!read_arguments(argc, argv, s, exit_code)) return exit_code;
  try {
    eddy::run(program(s, t), eddy::run_options().cancel_on_interrupt());
  } catch (const eddy::interrupted&) {
    log("INFO", "areq",
        "Interrupted: " + std::to_string(t.asked - t.written - t.failed) + " of " +
            std::to_string(t.asked) + " URLs were left");
    return 130;  // what a shell reports for SIGINT
  } catch (const std::exception& e) {
    log("ERROR", "areq", e.what());
    return 1;
  }
  return t.written == 0 && t.asked > 0 ? 1 : 0;
}
