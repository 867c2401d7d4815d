// The URLs that all parsers are given. Ways to write them are as pages have them, so that some need
// no change and some do.
#pragma once

#include <array>
#include <string_view>

struct url_case {
  std::string_view written;
  std::string_view host;
  std::string_view path;
  std::string_view query;
};

inline constexpr std::array<url_case, 4> urls = {{
    {"https://www.example.com/", "www.example.com", "/", ""},
    {"https://www.example.com/articles/2026/06/benchmarks-a-sceptic-can-run.html",
     "www.example.com", "/articles/2026/06/benchmarks-a-sceptic-can-run.html", ""},
    {"https://api.example.com:8443/v1/search?q=event+loop&page=2&sort=date", "api.example.com",
     "/v1/search", "q=event+loop&page=2&sort=date"},
    {"http://example.com/a/./b/../c%20d/user?x=1#top", "example.com", "/a/c%20d/user", "x=1"},
}};

struct reference_case {
  std::string_view written;
  std::string_view resolved;
};

inline constexpr std::string_view base_url =
    "https://www.example.com/articles/2026/06/index.html?p=1";
inline constexpr std::array<reference_case, 4> references = {{
    {"../05/last-month.html", "https://www.example.com/articles/2026/05/last-month.html"},
    {"/static/site.css?v=17", "https://www.example.com/static/site.css?v=17"},
    {"?p=2", "https://www.example.com/articles/2026/06/index.html?p=2"},
    {"//cdn.example.net/jquery.js", "https://cdn.example.net/jquery.js"},
}};
