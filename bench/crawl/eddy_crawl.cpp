// The crawl on Eddy: every page a task, one session.
//   eddy_crawl [--limit CONNECTIONS] URLS FOUND
// Fetches every URL of the file, resolves the links of each page against the URL reached, and
// writes the rows source<TAB>link, as pool_crawl does: examples/areq without its log. Any page that
// fails is the run's failure.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <eddy/net/http/session.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/mutex.hpp>

#include "../../examples/links.hpp"

namespace http = eddy::http;

namespace {

struct settings {
  std::string urls;
  std::string found;
  std::size_t limit = 500;
};

eddy::task<> one_page(http::session& session, std::string url, eddy::file& out,
                      eddy::mutex& writing) {
  http::response response = co_await session.get(url);
  response.raise_for_status();
  const std::string html = co_await response.text();
  const crawl::page_rows rows = crawl::rows_of(url, response.url(), html);
  auto turn = co_await writing.lock();
  co_await out.append(rows.text);
}

eddy::task<> crawl_all(const settings& s) {
  eddy::file list = co_await eddy::file::open(s.urls, eddy::file_mode::read);
  const std::string text = co_await list.read_all();
  eddy::file fresh = co_await eddy::file::open(s.found, eddy::file_mode::write);
  co_await fresh.write_all(crawl::found_header);
  co_await fresh.close();
  eddy::file out = co_await eddy::file::open(s.found, eddy::file_mode::append);
  eddy::mutex writing;
  http::session session(http::session_options().limit(s.limit).limit_per_host(0));
  std::vector<eddy::task<>> pages;
  for (const std::string& url : crawl::urls_in(text)) {
    pages.push_back(one_page(session, url, out, writing));
  }
  co_await eddy::gather(std::move(pages));
  co_await session.close();
  co_await out.close();
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Gets the links embedded in many pages, a task for each.", "eddy_crawl");
  app.add_option("--limit", s.limit, "connections at once")->check(CLI::Range(1, 100000));
  app.add_option("URLS", s.urls, "file of URLs, one a line")->required()->check(CLI::ExistingFile);
  app.add_option("FOUND", s.found, "file that gets the rows source_url<TAB>parsed_url")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    eddy::run(crawl_all(s));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "eddy_crawl: %s\n", e.what());
    return 1;
  }
  return 0;
}
