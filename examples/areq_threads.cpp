// The same crawl as areq by a thread for each request: blocking libcurl, one easy handle a thread.
// The baseline that the demo runs beside it.
#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <mutex>
#include <semaphore>
#include <thread>

#include "links.hpp"

namespace {

struct settings {
  std::string urls;
  std::string found;
  std::string ca_file;
  std::ptrdiff_t threads = 1000;
  double timeout_s = 60;
};

struct output {
  std::mutex mutex;
  std::ofstream file;
  std::size_t written = 0;
  std::size_t failed = 0;
  std::size_t links = 0;
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

// Empty if it worked, else what went wrong.
std::string get(const settings& s, const std::string& url, std::string& html,
                std::string& reached) {
  CURL* handle = curl_easy_init();
  if (!handle) return "no memory";
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(s.timeout_s * 1000));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &html);
  if (!s.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, s.ca_file.c_str());
  const CURLcode code = curl_easy_perform(handle);
  char* effective = nullptr;
  curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &effective);
  if (effective) reached = effective;
  curl_easy_cleanup(handle);
  if (code == CURLE_OK) return {};
  return *reason ? reason : curl_easy_strerror(code);
}

void one_page(const settings& s, const std::string& url, output& out) {
  std::string html;
  std::string reached;
  std::string failure = get(s, url, html, reached);
  crawl::page_rows rows;
  if (failure.empty()) {
    try {
      rows = crawl::rows_of(url, eddy::url::parse(reached), html);
    } catch (const std::exception& e) {
      failure = e.what();
    }
  }
  const std::lock_guard lock(out.mutex);
  if (!failure.empty()) {
    ++out.failed;
    std::fprintf(stderr, "%s: %s\n", url.c_str(), failure.c_str());
    return;
  }
  out.file << rows.text;
  out.links += rows.count;
  ++out.written;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Gets the links embedded in many pages, with a thread for each.", "areq_threads");
  app.add_option("--threads", s.threads, "threads at once")->check(CLI::Range(1, 10000));
  app.add_option("--timeout", s.timeout_s, "seconds for a page, in all")
      ->check(CLI::PositiveNumber);
  app.add_option("--cacert", s.ca_file, "trust the certificates in this PEM file only")
      ->check(CLI::ExistingFile);
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
  output out;
  out.file.open(s.found);
  if (!out.file) {
    std::fprintf(stderr, "areq_threads: cannot write %s\n", s.found.c_str());
    return 1;
  }
  out.file << crawl::found_header;
  std::vector<std::string> urls = crawl::urls_in(text);
  std::counting_semaphore<> slots(s.threads);
  std::vector<std::thread> threads;
  threads.reserve(urls.size());
  for (const std::string& url : urls) {
    slots.acquire();
    threads.emplace_back([&] {
      one_page(s, url, out);
      slots.release();
    });
  }
  for (std::thread& t : threads) t.join();
  curl_global_cleanup();
  return out.written == 0 && !urls.empty() ? 1 : 0;
}
