// What both crawlers do with a page: the links in it, resolved, each once, in the order found.
#pragma once

#include <algorithm>
#include <eddy/net/url.hpp>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace crawl {

// The matches of href="(.*?)", as Python's re finds them: a dot is anything but a line end.
inline std::vector<std::string_view> hrefs(std::string_view html) {
  constexpr std::string_view opening = "href=\"";
  std::vector<std::string_view> found;
  for (std::size_t at = html.find(opening); at != html.npos; at = html.find(opening, at)) {
    at += opening.size();
    const std::size_t end = html.find_first_of("\"\n", at);
    if (end == html.npos) break;
    if (html[end] == '"') {
      found.push_back(html.substr(at, end - at));
      at = end + 1;
    }
  }
  return found;
}

// The rows `source<TAB>link` of a page, and how many. A reference that is no URL is left out.
struct page_rows {
  std::string text;
  std::size_t count = 0;
};

inline page_rows rows_of(std::string_view source, const eddy::url& base, std::string_view html) {
  page_rows rows;
  std::unordered_set<std::string> seen;
  for (const std::string_view href : hrefs(html)) {
    std::string link;
    try {
      link = base.resolve(href).str();
    } catch (const eddy::url_error&) {
      continue;
    }
    if (!seen.insert(link).second) continue;
    rows.text.append(source).append("\t").append(link).append("\n");
    ++rows.count;
  }
  return rows;
}

// The lines of a file of URLs: white space at the ends, empty lines and duplicates dropped.
inline std::vector<std::string> urls_in(std::string_view text) {
  constexpr std::string_view white = " \t\r\f\v";
  std::vector<std::string> urls;
  std::unordered_set<std::string_view> seen;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find_first_not_of(white);
    if (first == line.npos) continue;
    line = line.substr(first, line.find_last_not_of(white) - first + 1);
    if (seen.insert(line).second) urls.emplace_back(line);
  }
  return urls;
}

inline constexpr std::string_view found_header = "source_url\tparsed_url\n";

}  // namespace crawl
