// The crawl by a pool of threads: blocking libcurl, one easy handle a thread, which keeps its
// connections. What examples/areq does with coroutines.
//   pool_crawl --threads N URLS FOUND
// Fetches every URL of the file, resolves the links of each page against the URL reached, and
// writes the rows source<TAB>link. Any page that fails is the run's failure.
#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "../../examples/links.hpp"

namespace {

struct settings {
  std::string urls;
  std::string found;
  std::size_t threads = 50;
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

class crawl_pool {
 public:
  crawl_pool(std::vector<std::string> urls, std::ofstream& out)
      : urls_(std::move(urls)), out_(out) {}

  void run(std::size_t count) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& t : threads) t.join();
  }

  std::size_t failed() const noexcept { return failed_; }

 private:
  void work() {
    CURL* handle = curl_easy_init();
    std::string html;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &html);
    for (std::size_t i = next_++; i < urls_.size(); i = next_++) one_page(handle, urls_[i], html);
    curl_easy_cleanup(handle);
  }

  void one_page(CURL* handle, const std::string& url, std::string& html) {
    html.clear();
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    const CURLcode code = curl_easy_perform(handle);
    char* reached = nullptr;
    curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &reached);
    if (code != CURLE_OK || !reached) {
      failed(url, curl_easy_strerror(code));
      return;
    }
    try {
      const crawl::page_rows rows = crawl::rows_of(url, eddy::url::parse(reached), html);
      const std::lock_guard lock(mutex_);
      out_ << rows.text;
    } catch (const std::exception& e) {
      failed(url, e.what());
    }
  }

  void failed(const std::string& url, const char* why) {
    const std::lock_guard lock(mutex_);
    ++failed_;
    std::fprintf(stderr, "%s: %s\n", url.c_str(), why);
  }

  const std::vector<std::string> urls_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::ofstream& out_;
  std::size_t failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Gets the links embedded in many pages, with a pool of threads.", "pool_crawl");
  app.add_option("--threads", s.threads, "threads")->check(CLI::Range(1, 10000));
  app.add_option("URLS", s.urls, "file of URLs, one a line")->required()->check(CLI::ExistingFile);
  app.add_option("FOUND", s.found, "file that gets the rows source_url<TAB>parsed_url")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::ifstream list(s.urls);
  const std::string text((std::istreambuf_iterator<char>(list)), std::istreambuf_iterator<char>());
  std::ofstream out(s.found);
  out << crawl::found_header;
  crawl_pool pool(crawl::urls_in(text), out);
  pool.run(s.threads);
  out.flush();
  if (!out) std::fprintf(stderr, "pool_crawl: cannot write %s\n", s.found.c_str());
  return pool.failed() == 0 && out ? 0 : 1;
}
