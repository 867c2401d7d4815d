// Feeds libFuzzer's bytes to the cookie store: lines, the first two of which are URLs, the others
// Set-Cookie fields from the first, in turn with ones from the second. The whole is then read as a
// date and as a cookies.txt. Whatever the jar holds goes where it may go, and nowhere else; what it
// sends is one line; what it writes it reads.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <eddy/net/http/cookies.hpp>
#include <eddy/net/url.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "../../net/http/cookie_date.hpp"
#include "../../net/http/cookie_netscape.hpp"
#include "../../net/http/cookie_rules.hpp"
#include "../../net/http/cookie_store.hpp"
#include "../../net/http/public_suffix.hpp"

namespace http = eddy::http;
using eddy::url;

namespace {

constexpr std::int64_t now = 1'700'000'000;

void require(bool holds) {
  if (!holds) std::abort();
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char byte) {
    const auto b = static_cast<unsigned char>(byte);
    return b < 0x20 || b == 0x7F;
  });
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

url url_of(std::string_view text, std::string_view otherwise) {
  try {
    return url::parse_http(text);
  } catch (const eddy::url_error&) {
    return url::parse_http(otherwise);
  }
}

std::vector<http::cookie> secure_ones(const http::cookie_store& store) {
  auto found = store.all(now);
  std::erase_if(found, [](const http::cookie& c) { return !c.secure; });
  return found;
}

bool goes_to(const http::cookie& c, std::string_view host) {
  return c.domain == host || (!c.host_only && host.ends_with("." + c.domain));
}

void check(const http::cookie& c) {
  require(http::fault_of(c).empty());
  require(!c.name.empty() && !has_control(c.name + c.value + c.path + c.domain));
  require(c.name.size() + c.value.size() <= http::max_cookie_bytes);
  require(!c.expires || *c.expires > now);
  require(c.host_only || !http::is_public_suffix(c.domain));
  require(http::canonical_domain(c.domain) == c.domain);
}

void check_request(http::cookie_store& store, const url& to) {
  const auto sent = store.cookies_for(to, now);
  const std::string field = store.field_for(to, now);
  require(!has_control(field) && field.size() <= http::max_cookie_field_bytes);
  require(field.empty() == sent.empty());
  for (const http::cookie& c : sent) {
    require(goes_to(c, to.host()) && to.path().starts_with(c.path));
    require(!c.secure || http::is_secure(to));
  }
}

// Of what is in the file: all but SameSite.
void check_file(const http::cookie_store& store) {
  const std::string text = http::write_netscape(store, now);
  http::cookie_store again;
  const auto result = http::read_netscape(again, text, now);
  auto before = store.all(now);
  for (http::cookie& c : before) c.same_site = http::same_site::unset;
  require(result.refused == 0 && result.expired == 0 && result.loaded == before.size());
  require(again.all(now) == before);
  require(http::write_netscape(again, now) == text);
}

void check_store(http::cookie_store& store) {
  const auto all = store.all(now);
  require(all.size() == store.size(now) && all.size() <= http::max_cookies);
  for (const http::cookie& c : all) check(c);
  check_file(store);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string_view text = input;
  const url first = url_of(take_line(text), "https://www.example.co.uk/a/b");
  const url second = url_of(take_line(text), "http://example.co.uk/");

  http::cookie_store store;
  for (bool turn = true; !text.empty(); turn = !turn) {
    const url& from = turn ? first : second;
    const auto before = secure_ones(store);
    store.take(from, take_line(text), now);
    require(http::is_secure(from) || secure_ones(store) == before);
  }
  for (const http::cookie& c : store.all(now)) {
    require(goes_to(c, first.host()) || goes_to(c, second.host()));
  }
  check_request(store, first);
  check_request(store, second);
  check_store(store);
  require(store.remove("a", first.host(), "/") <= 2);

  http::cookie_store loaded;
  const auto result = http::read_netscape(loaded, input, now);
  require(result.problems.size() == std::min(result.refused, http::max_cookie_problems));
  for (const std::string& problem : result.problems) require(!has_control(problem));
  check_request(loaded, first);
  check_store(loaded);

  // 1601-01-01 to 9999-12-31.
  if (const auto date = http::parse_cookie_date(input)) {
    require(*date >= -11'644'473'600 && *date <= 253'402'300'799);
  }
  return 0;
}
